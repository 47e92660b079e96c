import { z } from "zod";
import { AUDIT_ACTIONS, AUDIT_TARGETS } from "../../core/audit.ts";
import { ACTOR_TYPES } from "../../core/model.ts";
import { ID_PREFIXES, parseId } from "../../core/ids.ts";
import { exampleId, idText, jsonObject, pageQuery, timeParam, timeText } from "./common.ts";

const targetParam = z
  .string()
  .transform((text, context) => {
    for (const kind of AUDIT_TARGETS) {
      const id = parseId(kind, text);
      if (id !== null) return id;
    }
    const forms = AUDIT_TARGETS.map((kind) => `${ID_PREFIXES[kind]}_…`).join(", ");
    context.addIssue({ code: "custom", message: `must be an id of the form ${forms}` });
    return z.NEVER;
  })
  .meta({ example: exampleId("endpoint") });

const actorParam = z
  .string()
  .transform((text, context) => {
    if (text === "system") return text;
    const id = parseId("key", text) ?? parseId("portal_session", text);
    if (id !== null) return id;
    const message = "must be an id of the form key_… or ptl_…, or system";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .meta({ example: exampleId("key") });

const filters = {
  actor: actorParam
    .optional()
    .meta({ description: "The `key_…` of whoever did it, the `ptl_…` of a partner, or `system`" }),
  action: z.enum(AUDIT_ACTIONS).optional(),
  target: targetParam.optional().meta({ description: "The id of what was changed" }),
  since: timeParam.optional().meta({ description: "At this time or later" }),
  until: timeParam.optional().meta({ description: "Before this time" }),
};

export const auditQuery = z.strictObject({ ...filters, ...pageQuery });
export const auditExportQuery = z.strictObject({
  ...filters,
  format: z.enum(["csv", "ndjson"]).default("csv"),
});

export const auditEvent = z
  .strictObject({
    id: idText("audit"),
    at: timeText,
    actor: z
      .strictObject({
        type: z.enum(ACTOR_TYPES),
        id: z
          .string()
          .nullable()
          .meta({ example: exampleId("key") }),
        name: z.string(),
      })
      .meta({
        description:
          "The API key, also of a session of the console; the portal session of a partner; or the program itself",
      }),
    action: z.enum(AUDIT_ACTIONS),
    target: z.strictObject({
      type: z.enum(AUDIT_TARGETS),
      id: z.string().meta({ example: exampleId("endpoint") }),
      name: z.string(),
    }),
    before: jsonObject.nullable().meta({
      description:
        "The fields that changed, as they were; secrets and values of headers are left out",
    }),
    after: jsonObject.nullable().meta({ description: "The same fields, as they are since" }),
    address: z
      .string()
      .nullable()
      .meta({ description: "Of the connection: a proxy's, if there is one" }),
    request_id: z.string().nullable(),
  })
  .meta({ id: "AuditEvent" });

/** The body of an answer. */
export type AuditEventBody = z.input<typeof auditEvent>;
