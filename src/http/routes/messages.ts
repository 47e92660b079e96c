import { isReservedEvent } from "../../core/event-names.ts";
import { formatId } from "../../core/ids.ts";
import type { Delivery, Message } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { listDeliveries } from "../../db/deliveries/deliveries.ts";
import { getMessage } from "../../db/deliveries/messages.ts";
import { publishMessage } from "../../flow/deliveries/publish-message.ts";
import { replayed, storedResponse } from "../idempotency.ts";
import { json, type Reply } from "../reply.ts";
import { messageView } from "../views/delivery.ts";
import { route, type Route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { message as messageSchema, messageInput } from "../schemas/delivery.ts";
import { refuseFaults } from "../validation.ts";

const tag = "Messages";
const scopes = ["webhooks"] as const;

/** The most deliveries of a message in one answer; the list of deliveries has all. */
const MAX_SHOWN = 1_000;

const publish = route({
  method: "post",
  path: "/v1/messages",
  scopes,
  operationId: "publishMessage",
  tag,
  summary: "Publish an event of your own",
  description:
    "It goes to every endpoint whose filter has its type. Once this answers 202 it is durable. Takes an `Idempotency-Key` as jobs do.",
  idempotent: true,
  body: messageInput,
  responses: {
    202: {
      description: "The message with its deliveries",
      schema: messageSchema,
      headers: {
        location: "The message",
        "idempotency-replayed":
          "`true`: this is the answer to an earlier request with the same key",
      },
    },
  },
  problems: ["event_reserved"],
  async handler(context, { accountId, body, posted, requestId, traceId, idempotency }) {
    if (isReservedEvent(body.type)) {
      const detail = "names that begin with job. or endpoint. are Ringback's own";
      refuseFaults([{ code: "event_reserved", path: ["type"], detail }]);
    }
    const reply = (message: Message, deliveries: Delivery[]): Reply =>
      json(202, messageView(message, deliveries.slice(0, MAX_SHOWN)), {
        location: `${context.config.publicUrl}/v1/messages/${formatId("message", message.id)}`,
      });
    const published = await publishMessage(context, {
      accountId,
      type: body.type,
      data: posted().get("data")!,
      requestId,
      traceId,
      idempotency: idempotency && {
        ...idempotency,
        respond: (message, deliveries) => storedResponse(reply(message, deliveries)),
      },
    });
    return published.kind === "replayed"
      ? replayed(published.response)
      : reply(published.message, published.deliveries);
  },
});

const get = route({
  method: "get",
  path: "/v1/messages/{id}",
  scopes,
  operationId: "getMessage",
  tag,
  summary: "Look at a message and its deliveries",
  params: idPath("message"),
  responses: {
    200: {
      description: `The message; with at most ${MAX_SHOWN} deliveries, newest first`,
      schema: messageSchema,
    },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params: { id } }) {
    const message = await getMessage(context.pool, accountId, id);
    if (message === null) throw new Problem("not_found", "There is no such message.");
    const filter = { messageId: id, limit: MAX_SHOWN };
    const deliveries = await listDeliveries(context.lookups, accountId, filter);
    return json(200, messageView(message, deliveries));
  },
});

export const messageRoutes: Route[] = [publish, get];
