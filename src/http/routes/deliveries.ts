import { formatId } from "../../core/ids.ts";
import { Problem } from "../../core/problem.ts";
import { listAttempts } from "../../db/attempts.ts";
import { getDelivery, listDeliveries } from "../../db/deliveries.ts";
import { replayDelivery } from "../../flow/replay.ts";
import { json } from "../reply.ts";
import { attemptView, deliveryView } from "../representations/delivery.ts";
import { pageReply } from "../representations/page.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf } from "../schemas/common.ts";
import {
  deliveriesQuery,
  delivery as deliverySchema,
  deliveryWithAttempts,
} from "../schemas/delivery.ts";
import { emptyBody } from "../schemas/request.ts";

const tag = "Deliveries";
const scopes = ["webhooks"] as const;

const list = route({
  method: "get",
  path: "/v1/deliveries",
  scopes,
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

const get = route({
  method: "get",
  path: "/v1/deliveries/{id}",
  scopes,
  operationId: "getDelivery",
  tag,
  summary: "Look at a delivery and every attempt of it",
  params: idPath("delivery"),
  responses: { 200: { description: "The delivery", schema: deliveryWithAttempts } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params: { id } }) {
    const delivery = await getDelivery(context.pool, accountId, id);
    if (delivery === null) throw new Problem("not_found", "There is no such delivery.");
    const attempts = await listAttempts(context.pool, id);
    return json(200, { ...deliveryView(delivery), attempts: attempts.map(attemptView) });
  },
});

const replay = route({
  method: "post",
  path: "/v1/deliveries/{id}/replay",
  scopes,
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
  async handler(context, { accountId, params: { id } }) {
    const delivery = await replayDelivery(context, { accountId, deliveryId: id });
    const location = `${context.config.publicUrl}/v1/deliveries/${formatId("delivery", id)}`;
    return json(202, deliveryView(delivery), { location });
  },
});

export const deliveryRoutes: Route[] = [list, get, replay];
