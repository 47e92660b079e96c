import { IDEMPOTENCY_LIFETIME_S } from "../../flow/idempotency.ts";
import { json } from "../reply.ts";
import { route, type Route } from "../route.ts";
import { settings } from "../schemas/overview.ts";

export const settingsRoute: Route = route({
  method: "get",
  path: "/v1/settings",
  scopes: ["operator"],
  operationId: "getSettings",
  tag: "Operation",
  summary: "How the process that answers is set up",
  description: "Nothing secret. Settings are changed by the environment and a new start.",
  responses: { 200: { description: "The settings", schema: settings } },
  problems: [],
  async handler({ config }) {
    const { retention } = config;
    return json(200, {
      version: config.version,
      public_url: config.publicUrl,
      retention: {
        jobs_days: retention.jobsDays,
        deliveries_days: retention.deliveriesDays,
        dead_letters_days: retention.deadLettersDays,
        audit_days: retention.auditDays,
      },
      targets: { allow: config.allowTargets.split(",").flatMap((cidr) => cidr.trim() || []) },
      idempotency_hours: IDEMPOTENCY_LIFETIME_S / 3_600,
      roles: config.roles,
      development: config.development,
    });
  },
});
