import { z } from "zod";
import { changeRetry, DEFAULT_RETRY } from "../../core/backoff.ts";
import { formatId } from "../../core/ids.ts";
import type { Endpoint, EndpointSettings } from "../../core/endpoint.ts";
import { Problem, type ProblemCode } from "../../core/problem.ts";
import { REDACTED } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import { listEndpoints } from "../../db/accounts/endpoint-lists.ts";
import { getEndpoint } from "../../db/accounts/endpoints.ts";
import { listEndpointFigures } from "../../db/statistics/endpoint-figures.ts";
import type { EndpointFigures } from "../../db/statistics/endpoint-figures.ts";
import { createEndpoint, deleteEndpoint, updateEndpoint } from "../../flow/accounts/endpoints.ts";
import type { HttpContext } from "../http-context.ts";
import { headerFaults, subscriptionFaults, urlFaults } from "../receivers.ts";
import { json, noContent } from "../reply.ts";
import { endpointView, figuresView } from "../views/endpoint.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf } from "../schemas/common.ts";
import {
  endpoint as endpointSchema,
  endpointChanges,
  endpointInput,
  endpointsQuery,
  endpointWithSecret,
  listedEndpoint,
} from "../schemas/endpoint.ts";
import { refuseFaults } from "../validation.ts";

const tag = "Endpoints";
const scopes = ["webhooks"] as const;

const RECEIVER_PROBLEMS: ProblemCode[] = [
  "callback_url_invalid",
  "callback_url_userinfo",
  "target_blocked",
  "header_forbidden",
  "event_unknown",
  "event_reserved",
];

const create = route({
  method: "post",
  path: "/v1/endpoints",
  scopes,
  operationId: "createEndpoint",
  tag,
  summary: "Register a receiver",
  description:
    "It gets every message whose type is in its filter, signed with a secret of its own.",
  body: endpointInput,
  responses: {
    201: {
      description: "The endpoint, with its secret",
      schema: endpointWithSecret,
      headers: { location: "The endpoint" },
    },
  },
  problems: RECEIVER_PROBLEMS,
  async handler(context, { accountId, body, by }) {
    refuseUnfit(context, body, body);
    const { endpoint, secret } = await createEndpoint(context, {
      ...body,
      accountId,
      events: [...new Set(body.events)],
      retry: changeRetry(DEFAULT_RETRY, body.retry),
      secret: body.secret ?? null,
      by,
    });
    const location = `${context.config.publicUrl}/v1/endpoints/${formatId("endpoint", endpoint.id)}`;
    return json(201, { ...endpointView(context, endpoint), secret }, { location });
  },
});

const list = route({
  method: "get",
  path: "/v1/endpoints",
  scopes: ["webhooks:read"],
  endpoints: "handler",
  permission: "read",
  operationId: "listEndpoints",
  tag,
  summary: "List endpoints, newest or worst first",
  query: endpointsQuery,
  responses: { 200: { description: "A page of endpoints", schema: pageOf(listedEndpoint) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, endpointIds, query }) {
    const { sort, status, q, figures } = query;
    return await pageReply(
      sort === "created" ? "endpoints" : `endpoints by ${sort}`,
      query,
      async (page) => {
        const found = await listEndpoints(context.lookups, accountId, {
          ...{ sort, status, text: q, ids: endpointIds },
          ...page,
        });
        return figures ? await withFigures(context, accountId, found) : found;
      },
      (endpoint: WithFigures) =>
        JSON.stringify({
          ...endpointView(context, endpoint),
          ...(endpoint.figures && { figures: figuresView(endpoint.figures) }),
        }),
    );
  },
});

const get = route({
  method: "get",
  path: "/v1/endpoints/{id}",
  scopes: ["webhooks:read"],
  endpoints: "endpoint",
  permission: "read",
  operationId: "getEndpoint",
  tag,
  summary: "Look at an endpoint",
  params: idPath("endpoint"),
  responses: { 200: { description: "The endpoint", schema: endpointSchema } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params }) {
    const endpoint = await findEndpoint(context, accountId, params.id);
    return json(200, endpointView(context, endpoint));
  },
});

const change = route({
  method: "patch",
  path: "/v1/endpoints/{id}",
  scopes,
  endpoints: "endpoint",
  permission: "events",
  operationId: "updateEndpoint",
  tag,
  summary: "Change an endpoint",
  description: "Fields that are left out stay as they are.",
  params: idPath("endpoint"),
  body: endpointChanges,
  responses: { 200: { description: "The endpoint as it is now", schema: endpointSchema } },
  problems: ["id_invalid", "not_found", ...RECEIVER_PROBLEMS],
  async handler(context, { accountId, params, body, by }) {
    const before = await findEndpoint(context, accountId, params.id);
    const { retry, headers, events, ...rest } = body;
    const changes = {
      ...rest,
      ...(events === undefined ? {} : { events: [...new Set(events)] }),
      ...(headers === undefined
        ? {}
        : { headers: keepRedacted(headers, openHeaders(context.vault, before.sealed_headers)) }),
      ...(retry === undefined ? {} : { retry: changeRetry(before.retry, retry) }),
    };
    refuseUnfit(context, changes, { ...before, ...changes });
    const order = { accountId, endpointId: params.id, changes, by };
    const endpoint = await updateEndpoint(context, order);
    return json(200, endpointView(context, endpoint));
  },
});

const remove = route({
  method: "delete",
  path: "/v1/endpoints/{id}",
  scopes,
  operationId: "deleteEndpoint",
  tag,
  summary: "Delete an endpoint",
  description: "What is pending for it is canceled. Its deliveries stay in the log.",
  params: idPath("endpoint"),
  query: z.strictObject({
    discard_dead_letters: z.enum(["true", "false"]).default("false").meta({
      description: "`true`: its dead letters leave the inbox, in steps; they stay in the books",
    }),
  }),
  responses: { 204: { description: "Deleted" } },
  problems: ["id_invalid", "not_found", "query_invalid"],
  async handler(context, { accountId, keyId, params, query, by }) {
    const discardBy = query.discard_dead_letters === "true" ? keyId : null;
    await deleteEndpoint(context, { accountId, endpointId: params.id, by }, discardBy);
    return noContent();
  },
});

type WithFigures = Endpoint & { figures?: EndpointFigures };

async function withFigures(
  { lookups, now }: Pick<HttpContext, "lookups" | "now">,
  accountId: string,
  endpoints: Endpoint[],
): Promise<WithFigures[]> {
  const found = await listEndpointFigures(lookups, accountId, endpoints, now());
  const byId = new Map(found.map((one) => [one.id, one]));
  return endpoints.map((endpoint) => {
    const figures = byId.get(endpoint.id);
    return { ...endpoint, ...(figures && { figures }) };
  });
}

async function findEndpoint(
  context: Pick<HttpContext, "pool">,
  accountId: string,
  id: string,
): Promise<Endpoint> {
  const endpoint = await getEndpoint(context.pool, accountId, id);
  if (endpoint === null) throw new Problem("not_found", "There is no such endpoint.");
  return endpoint;
}

function refuseUnfit(
  context: Pick<HttpContext, "targets">,
  receiver: { url?: string; headers?: Record<string, string> },
  { events, audience, format }: Pick<EndpointSettings, "events" | "audience" | "format">,
): void {
  const { url, headers = {} } = receiver;
  refuseFaults([
    ...(url === undefined ? [] : urlFaults(context.targets, url, ["url"])),
    ...subscriptionFaults(events, audience),
    ...(format === "standard" || audience === "operator"
      ? []
      : [
          {
            code: "validation_failed" as const,
            path: ["format"],
            detail:
              "is for endpoints whose audience is operator; others get their events as they are",
          },
        ]),
    ...headerFaults(headers, ["headers"]),
  ]);
}

/** Headers that GET showed as `[redacted]` may be sent back as shown, and stay as they are. */
function keepRedacted(
  headers: Record<string, string>,
  before: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value === REDACTED && Object.hasOwn(before, name) ? (before[name] ?? value) : value,
    ]),
  );
}

export const endpointRoutes: Route[] = [create, list, get, change, remove];
