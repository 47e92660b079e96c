import { z } from "zod";
import { numberId, numberOf } from "../../core/cursor.ts";
import { formatId } from "../../core/ids.ts";
import { DELIVERY_STATUSES, MAX_TYPES } from "../../core/model.ts";
import type { Attempt, Delivery, DeliveryStatus } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { listAttempts } from "../../db/deliveries/attempts.ts";
import { getDelivery, listDeliveries } from "../../db/deliveries/deliveries.ts";
import { listEventTypes } from "../../db/deliveries/delivery-walks.ts";
import type { DeliveryFilter } from "../../db/deliveries/deliveries.ts";
import { listHeldDeliveries } from "../../db/deliveries/held.ts";
import { replayDelivery } from "../../flow/deliveries/replay.ts";
import type { HttpContext } from "../http-context.ts";
import { json, jsonText, type Reply } from "../reply.ts";
import { attemptView, deliveryView } from "../views/delivery.ts";
import { withHeld, type ShownDelivery } from "../views/held.ts";
import { MAX_PAGE_BYTES, pageReply, readPage, type PageQuery } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { chosenOf, idPath, pageOf, pageQuery } from "../schemas/common.ts";
import {
  attempt as attemptSchema,
  deliveriesQuery,
  delivery as deliverySchema,
  deliveryWithAttempts,
  SHOWN_ATTEMPTS,
} from "../schemas/delivery.ts";
import { emptyBody } from "../schemas/request.ts";

const tag = "Deliveries";
const scopes = ["webhooks:read"] as const;

const list = route({
  method: "get",
  path: "/v1/deliveries",
  scopes,
  endpoints: "query",
  permission: "read",
  operationId: "listDeliveries",
  tag,
  summary: "List deliveries, newest first",
  description:
    "With `status=held` a page may have fewer than `limit`, even none, and a `next_cursor` all the same.",
  query: deliveriesQuery,
  responses: { 200: { description: "A page of deliveries", schema: pageOf(deliverySchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, query }) {
    const { since, until } = query;
    const statuses = statusesOf(query);
    const filter = {
      endpointIds: query.endpoint_id,
      jobId: query.job_id,
      messageId: query.message_id,
      eventTypes: query.event_type,
      notEventTypes: query.not_event_type,
      statusClasses: query.status_class,
      errorCodes: query.error_code,
      minAttempts: query.min_attempts,
      since,
      until,
    };
    return await pageReply(
      "deliveries",
      query,
      async (page) => {
        if (statuses === "held") return await readHeld(context, accountId, { ...filter, ...page });
        const asked = { ...filter, statuses, ...page };
        return await withHeld(context, await listDeliveries(context.lookups, accountId, asked));
      },
      (row) => JSON.stringify(deliveryView(row)),
    );
  },
});

const eventTypes = route({
  method: "get",
  path: "/v1/event-types",
  scopes,
  operationId: "listEventTypes",
  tag,
  summary: "List the event types of deliveries",
  responses: {
    200: {
      description: `By name; the first ${MAX_TYPES}, and \`job.completed\` in any case`,
      schema: z.strictObject({ data: z.array(z.strictObject({ type: z.string() })) }),
    },
  },
  problems: [],
  async handler({ lookups }, { accountId }) {
    const types = await listEventTypes(lookups, accountId);
    return json(200, { data: types.map((type) => ({ type })) });
  },
});

/**
 * The statuses that a query asks for. `held`, by itself: pending ones that are held on purpose.
 * @throws Problem query_invalid
 */
function statusesOf({
  status,
  not_status,
}: Pick<z.output<typeof deliveriesQuery>, "status" | "not_status">):
  "held" | DeliveryStatus[] | undefined {
  const plain = status?.filter((one) => one !== "held");
  if (status === undefined || plain?.length === status.length) {
    return chosenOf(DELIVERY_STATUSES, plain, not_status);
  }
  if (status.length === 1 && not_status === undefined) return "held";
  const detail = "held goes with no other status, and not with not_status";
  throw new Problem("query_invalid", `status: ${detail}`, {
    errors: [{ parameter: "status", detail }],
  });
}

const MOST_WALKS = 5;

/** A page of held deliveries; a short one, when many that are not held were passed over. */
async function readHeld(
  context: Pick<HttpContext, "lookups" | "now">,
  accountId: string,
  filter: Omit<DeliveryFilter, "statuses">,
): Promise<{ rows: ShownDelivery[]; stoppedAt: string | null }> {
  const rows: Delivery[] = [];
  let stoppedAt = filter.before ?? null;
  for (let walk = 0; walk < MOST_WALKS && rows.length < filter.limit; walk += 1) {
    const rest = { before: stoppedAt ?? undefined, limit: filter.limit - rows.length };
    const found = await listHeldDeliveries(context.lookups, accountId, { ...filter, ...rest });
    rows.push(...found.rows);
    ({ stoppedAt } = found);
    if (stoppedAt === null) break;
  }
  return { rows: await withHeld(context, rows), stoppedAt };
}

async function findDelivery(
  context: Pick<HttpContext, "pool">,
  accountId: string,
  id: string,
): Promise<Delivery> {
  const delivery = await getDelivery(context.pool, accountId, id);
  if (delivery === null) throw new Problem("not_found", "There is no such delivery.");
  return delivery;
}

/** The arguments of a page of attempts, whose cursors are numbers. */
function attemptsPage(context: Pick<HttpContext, "pool">, deliveryId: string, query: PageQuery) {
  return [
    `attempts of ${deliveryId}`,
    query,
    async ({ before, limit }: { before: string | undefined; limit: number }) => {
      const page = {
        before: before === undefined ? undefined : numberOf(before),
        limit,
        maxBytes: MAX_PAGE_BYTES,
      };
      const found = await listAttempts(context.pool, deliveryId, page);
      return found.map((attempt) => ({ id: numberId(attempt.number), attempt }));
    },
    ({ attempt }: { attempt: Attempt }) => JSON.stringify(attemptView(attempt)),
  ] as const;
}

const get = route({
  method: "get",
  path: "/v1/deliveries/{id}",
  scopes,
  endpoints: "delivery",
  permission: "read",
  operationId: "getDelivery",
  tag,
  summary: "Look at a delivery and its attempts",
  description: `With the last ${SHOWN_ATTEMPTS} attempts, or fewer when they are long. \`attempts_cursor\` leads to those before them.`,
  params: idPath("delivery"),
  responses: { 200: { description: "The delivery", schema: deliveryWithAttempts } },
  problems: ["id_invalid", "not_found"],
  handler: (context, { accountId, params: { id } }) => deliveryReply(context, accountId, id),
});

/** A delivery with its last attempts. */
export async function deliveryReply(
  context: Pick<HttpContext, "pool" | "lookups" | "now">,
  accountId: string,
  id: string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const delivery = await findDelivery(context, accountId, id);
  const page = attemptsPage(context, id, { limit: SHOWN_ATTEMPTS });
  const { items, next } = await readPage(...page);
  const [shown = delivery] = await withHeld(context, [delivery], true);
  const head = JSON.stringify({ ...deliveryView(shown), attempts_cursor: next });
  const text = `${head.slice(0, -1)},"attempts":[${items.reverse().join(",")}]}`;
  return jsonText(200, text, headers);
}

const attempts = route({
  method: "get",
  path: "/v1/deliveries/{id}/attempts",
  scopes,
  endpoints: "delivery",
  permission: "read",
  operationId: "listAttempts",
  tag,
  summary: "List a delivery's attempts, the last first",
  description: "A page of long ones ends before `limit`.",
  params: idPath("delivery"),
  query: z.strictObject(pageQuery),
  responses: { 200: { description: "A page of attempts", schema: pageOf(attemptSchema) } },
  problems: ["id_invalid", "not_found", "query_invalid", "cursor_invalid"],
  async handler(context, { accountId, params: { id }, query }) {
    await findDelivery(context, accountId, id);
    return await pageReply(...attemptsPage(context, id, query));
  },
});

const replay = route({
  method: "post",
  path: "/v1/deliveries/{id}/replay",
  scopes: ["webhooks"],
  endpoints: "delivery",
  permission: "replay",
  operationId: "replayDelivery",
  tag,
  summary: "Send a delivery again",
  description:
    "A dead or delivered one starts a fresh budget of attempts. A pending one gets an attempt now; its schedule stays as it is.",
  params: idPath("delivery"),
  body: emptyBody,
  bodyOptional: true,
  responses: {
    202: {
      description: "The delivery, pending again",
      schema: deliverySchema,
      headers: { location: "The delivery" },
    },
  },
  problems: ["id_invalid", "not_found", "delivery_state", "endpoint_state"],
  async handler(context, { accountId, params: { id }, by }) {
    const delivery = await replayDelivery(context, { accountId, deliveryId: id, by });
    const location = `${context.config.publicUrl}/v1/deliveries/${formatId("delivery", id)}`;
    const [shown = delivery] = await withHeld(context, [delivery]);
    return json(202, deliveryView(shown), { location });
  },
});

export const deliveryRoutes: Route[] = [list, eventTypes, get, attempts, replay];
