import { z } from "zod";
import { numberId, numberOf } from "../../core/cursor.ts";
import { formatId } from "../../core/ids.ts";
import type { Attempt, Delivery } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { listAttempts } from "../../db/deliveries/attempts.ts";
import { getDelivery, listDeliveries } from "../../db/deliveries/deliveries.ts";
import { replayDelivery } from "../../flow/deliveries/replay.ts";
import type { HttpContext } from "../http-context.ts";
import { json, jsonText } from "../reply.ts";
import { attemptView, deliveryView } from "../views/delivery.ts";
import { MAX_PAGE_BYTES, pageReply, readPage, type PageQuery } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf, pageQuery } from "../schemas/common.ts";
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
  query: deliveriesQuery,
  responses: { 200: { description: "A page of deliveries", schema: pageOf(deliverySchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, query }) {
    const { status, since, until } = query;
    const filter = {
      status,
      endpointId: query.endpoint_id,
      jobId: query.job_id,
      messageId: query.message_id,
      eventType: query.event_type,
      statusClass: query.status_class,
      errorCode: query.error_code,
      minAttempts: query.min_attempts,
      since,
      until,
    };
    return await pageReply(
      "deliveries",
      query,
      (page) => listDeliveries(context.lookups, accountId, { ...filter, ...page }),
      (row) => JSON.stringify(deliveryView(row)),
    );
  },
});

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
  async handler(context, { accountId, params: { id } }) {
    const delivery = await findDelivery(context, accountId, id);
    const page = attemptsPage(context, id, { limit: SHOWN_ATTEMPTS });
    const { items, next } = await readPage(...page);
    const head = JSON.stringify({ ...deliveryView(delivery), attempts_cursor: next });
    return jsonText(200, `${head.slice(0, -1)},"attempts":[${items.reverse().join(",")}]}`);
  },
});

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
    return json(202, deliveryView(delivery), { location });
  },
});

export const deliveryRoutes: Route[] = [list, get, attempts, replay];
