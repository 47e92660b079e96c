import { z } from "zod";
import { Problem } from "../../core/problem.ts";
import { getPortalSession, listPortalSessions } from "../../db/accounts/portal-sessions.ts";
import { createPortalSession, revokePortalSession } from "../../flow/accounts/portal-sessions.ts";
import { subscriptionFaults } from "../receivers.ts";
import { json, noContent } from "../reply.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf, pageQuery } from "../schemas/common.ts";
import {
  portalSession as portalSessionSchema,
  portalSessionInput,
  portalSessionWithUrl,
} from "../schemas/portal-session.ts";
import { refuseFaults } from "../validation.ts";
import { pageReply } from "../views/page.ts";
import { portalSessionView } from "../views/portal-session.ts";

const tag = "Partner view";

const create = route({
  method: "post",
  path: "/v1/portal-sessions",
  scopes: ["webhooks"],
  operationId: "createPortalSession",
  tag,
  summary: "Make a link to the partner view of some endpoints",
  description:
    "Whoever has the link sees these endpoints and nothing else, until it ends. It ends as well when it is revoked, and with the key that made it.",
  body: portalSessionInput,
  responses: { 201: { description: "The link, shown this once", schema: portalSessionWithUrl } },
  problems: ["endpoint_unknown", "event_unknown", "event_reserved", "account_state"],
  async handler(context, { accountId, keyId, body, by }) {
    const faults = subscriptionFaults(body.event_types, "account");
    refuseFaults(faults.map((one) => ({ ...one, path: ["event_types", ...one.path.slice(1)] })));
    const { session, token } = await createPortalSession(context, {
      accountId,
      keyId,
      endpointIds: body.endpoint_ids,
      can: body.can,
      eventTypes: body.event_types,
      theme: body.theme,
      lifetimeS: body.ttl_s,
      by,
    });
    const url = `${context.config.publicUrl}/portal/#${token}`;
    return json(201, { ...portalSessionView(session), url });
  },
});

const list = route({
  method: "get",
  path: "/v1/portal-sessions",
  scopes: ["webhooks:read"],
  operationId: "listPortalSessions",
  tag,
  summary: "List portal sessions that have not ended, newest first",
  query: z.strictObject(pageQuery),
  responses: { 200: { description: "A page of sessions", schema: pageOf(portalSessionSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, query }) {
    return await pageReply(
      "portal-sessions",
      query,
      (page) => listPortalSessions(lookups, accountId, page),
      (session) => JSON.stringify(portalSessionView(session)),
    );
  },
});

const revoke = route({
  method: "delete",
  path: "/v1/portal-sessions/{id}",
  scopes: ["webhooks"],
  operationId: "revokePortalSession",
  tag,
  summary: "End a portal session: its link is worth nothing from now on",
  params: idPath("portal_session"),
  responses: { 204: { description: "Ended" } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params, by }) {
    await revokePortalSession(context, { accountId, sessionId: params.id, by });
    return noContent();
  },
});

const current = route({
  method: "get",
  path: "/v1/portal-session",
  scopes: ["webhooks:read"],
  endpoints: "handler",
  permission: "read",
  operationId: "getPortalSession",
  tag,
  summary: "What the link of this request may do",
  responses: { 200: { description: "The session", schema: portalSessionSchema } },
  problems: ["not_found"],
  async handler({ pool }, { accountId, portal, actor }) {
    const session = portal && (await getPortalSession(pool, accountId, actor.id!));
    if (session === null) throw new Problem("not_found", "This is not the token of a link.");
    return json(200, portalSessionView(session));
  },
});

export const portalSessionRoutes: Route[] = [create, list, revoke, current];
