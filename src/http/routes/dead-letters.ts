import { z } from "zod";
import { toCapped } from "../../core/capped-count.ts";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import { MAX_UNPAGED } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { listDeadLetterCauses } from "../../db/deliveries/dead-letter-causes.ts";
import { listDeadLetterGroups, listDeadLetters } from "../../db/deliveries/dead-letters.ts";
import type { HttpContext } from "../http-context.ts";
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
  summary: "Count dead letters by reason, by endpoint or by cause",
  description:
    "Those that were discarded don't count. The group with the newest one comes first. `by=cause` tells what each endpoint's receiver answered at last, which is a replay's filter of `endpoint_id`, `reason` and `status_code` or `error_code`.",
  query: deadLetterGroupsQuery,
  responses: {
    200: {
      description: `The groups that are not empty; the first ${MAX_UNPAGED}`,
      schema: z.strictObject({ data: z.array(deadLetterGroup) }),
    },
  },
  problems: ["query_invalid"],
  async handler({ lookups }, { accountId, query }) {
    if (query.by === "cause") return json(200, { data: await causes(lookups, accountId, query) });
    const found = await listDeadLetterGroups(lookups, accountId, query.by, filterOf(query));
    const data = found.map(
      ({ endpoint_id, count, oldest_at, newest_at, ...group }): DeadLetterGroupBody => ({
        ...group,
        endpoint_id: idOrNull("endpoint", endpoint_id),
        ...NO_CAUSE,
        ...toCapped(count),
        oldest_at: isoTime(oldest_at),
        newest_at: isoTime(newest_at),
      }),
    );
    return json(200, { data });
  },
});

const NO_CAUSE = { status_code: null, error_code: null, sample: null, last_success_at: null };

/** @throws Problem query_invalid for filters that this can't have */
async function causes(
  reader: HttpContext["lookups"],
  accountId: string,
  query: z.output<typeof deadLetterGroupsQuery>,
): Promise<DeadLetterGroupBody[]> {
  const { by: _, endpoint_id: endpointId, ...others } = query;
  const errors = Object.entries(others).flatMap(([parameter, value]) =>
    value === undefined ? [] : [{ parameter, detail: "does not go with by=cause" }],
  );
  if (errors.length > 0) {
    throw new Problem("query_invalid", "by=cause is filtered by endpoint_id only", { errors });
  }
  const found = await listDeadLetterCauses(reader, accountId, { endpointId });
  return found.map((group) => ({
    reason: group.reason,
    endpoint_id: idOrNull("endpoint", group.endpoint_id),
    endpoint_name: group.endpoint_name,
    endpoint_deleted: group.endpoint_deleted,
    ...causeView(group.cause),
    sample: group.sample,
    last_success_at: isoTime(group.last_success_at),
    ...toCapped(group.count),
    oldest_at: isoTime(group.oldest_at),
    newest_at: isoTime(group.newest_at),
  }));
}

function causeView(cause: string): Pick<DeadLetterGroupBody, "status_code" | "error_code"> {
  const status = /^http_(\d+)$/.exec(cause)?.[1];
  if (status !== undefined) return { status_code: Number(status), error_code: null };
  const code = EXCHANGE_ERROR_CODES.find((one) => one === cause);
  return { status_code: null, error_code: code ?? null };
}

function filterOf(query: Omit<z.output<typeof deadLetterGroupsQuery>, "by">) {
  const { reason, endpoint_id, job_id, event_type, status_code, error_code, since, until } = query;
  return {
    reason,
    endpointId: endpoint_id,
    jobId: job_id,
    eventType: event_type,
    statusCode: status_code,
    errorCode: error_code,
    since,
    until,
  };
}

export const deadLetterRoutes: Route[] = [list, groups];
