import { z } from "zod";
import { toCapped } from "../../core/capped-count.ts";
import { MAX_UNPAGED } from "../../core/model.ts";
import { listDeadLetterGroups, listDeadLetters } from "../../db/deliveries/dead-letters.ts";
import { json } from "../reply.ts";
import { idOrNull, isoTime } from "../views/common.ts";
import { deliveryView } from "../views/delivery.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { pageOf } from "../schemas/common.ts";
import {
  deadLetterGroup,
  deadLetterGroupsQuery,
  deadLettersQuery,
  delivery as deliverySchema,
  type DeadLetterGroupBody,
} from "../schemas/delivery.ts";

const tag = "Dead letters";
const scopes = ["webhooks:read"] as const;

const list = route({
  method: "get",
  path: "/v1/dead-letters",
  scopes,
  endpoints: "query",
  permission: "read",
  operationId: "listDeadLetters",
  tag,
  summary: "List deliveries that were given up, newest first",
  description: "Those that were discarded are left out, unless they are asked for.",
  query: deadLettersQuery,
  responses: { 200: { description: "A page of deliveries", schema: pageOf(deliverySchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, query }) {
    const filter = { ...filterOf(query), discarded: query.discarded };
    return await pageReply(
      "dead-letters",
      query,
      (page) => listDeadLetters(lookups, accountId, { ...filter, ...page }),
      (row) => JSON.stringify(deliveryView(row)),
    );
  },
});

const groups = route({
  method: "get",
  path: "/v1/dead-letters/groups",
  scopes,
  endpoints: "query",
  permission: "read",
  operationId: "listDeadLetterGroups",
  tag,
  summary: "Count dead letters by reason or by endpoint",
  description: "Those that were discarded don't count. The group with the newest one comes first.",
  query: deadLetterGroupsQuery,
  responses: {
    200: {
      description: `The groups that are not empty; the first ${MAX_UNPAGED}`,
      schema: z.strictObject({ data: z.array(deadLetterGroup) }),
    },
  },
  problems: ["query_invalid"],
  async handler({ lookups }, { accountId, query }) {
    const found = await listDeadLetterGroups(lookups, accountId, query.by, filterOf(query));
    const data = found.map(
      ({ reason, endpoint_id, count, oldest_at, newest_at }): DeadLetterGroupBody => ({
        reason,
        endpoint_id: idOrNull("endpoint", endpoint_id),
        ...toCapped(count),
        oldest_at: isoTime(oldest_at),
        newest_at: isoTime(newest_at),
      }),
    );
    return json(200, { data });
  },
});

function filterOf(query: Omit<z.output<typeof deadLetterGroupsQuery>, "by">) {
  const { reason, endpoint_id, job_id, event_type, since, until } = query;
  return {
    reason,
    endpointId: endpoint_id,
    jobId: job_id,
    eventType: event_type,
    since,
    until,
  };
}

export const deadLetterRoutes: Route[] = [list, groups];
