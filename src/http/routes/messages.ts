import { isReservedEvent } from "../../core/event-names.ts";
import { formatId } from "../../core/ids.ts";
import { memberTexts } from "../../core/json-text.ts";
import type { Delivery, Message } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { listDeliveries } from "../../db/deliveries/deliveries.ts";
import { getMessage } from "../../db/deliveries/messages.ts";
import { publishMessage } from "../../flow/deliveries/publish-message.ts";
import { fingerprint, replayed, storedResponse } from "../idempotency.ts";
import { answerLines, LINES_TYPE, type LineAnswer } from "../lines.ts";
import { json, type Reply } from "../reply.ts";
import { messageView } from "../views/delivery.ts";
import { route, type Route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import {
  message as messageSchema,
  messageInput,
  messageLine,
  messageLineAnswer,
} from "../schemas/delivery.ts";
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
    refuseReserved(body.type);
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

const publishLines = route({
  method: "post",
  path: "/v1/messages/batch",
  scopes,
  operationId: "publishMessages",
  tag,
  summary: "Publish many events of your own",
  description:
    "JSON Lines: one event on each line of the request, and its answer on the same line of the answer. Each line is published, or refused, by itself; one that was answered 202 is durable. A line that may have been published already is safe to send again with the same `idempotency_key`.",
  line: messageLine,
  responses: {
    200: {
      description:
        "An answer for each line. When the body is too large, the last answer says so and the rest was not read.",
      schema: messageLineAnswer,
      contentType: LINES_TYPE,
    },
  },
  problems: ["event_reserved", "idempotency_key_reused", "idempotency_in_progress"],
  async handler(context, { accountId, lines, path, requestId, traceId }) {
    const onUnexpected = (error: unknown): void =>
      context.telemetry.unexpectedError(error, { request_id: requestId });
    const request = { path, requestId, onUnexpected };
    return await answerLines(lines(), messageLine, request, async ({ value, document }) => {
      refuseReserved(value.type);
      const { idempotency_key: key } = value;
      const answer = (message: Message, deliveries: readonly Delivery[]) => ({
        status: 202,
        id: formatId("message", message.id),
        deliveries: deliveries.length,
      });
      const published = await publishMessage(context, {
        accountId,
        type: value.type,
        data: memberTexts(document.text).get("data")!,
        requestId,
        traceId,
        idempotency:
          key === undefined
            ? null
            : {
                key,
                fingerprint: fingerprint("POST", path, document.text),
                respond: (message, deliveries) =>
                  storedResponse(json(202, answer(message, deliveries))),
              },
      });
      if (published.kind === "created") return answer(published.message, published.deliveries);
      return { ...(JSON.parse(published.response.body) as LineAnswer), replayed: true };
    });
  },
});

const get = route({
  method: "get",
  path: "/v1/messages/{id}",
  scopes: ["webhooks:read"],
  endpoints: "handler",
  permission: "read",
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
  async handler(context, { accountId, endpointIds, params: { id } }) {
    const message = await getMessage(context.pool, accountId, id);
    const filter = { messageId: id, limit: MAX_SHOWN };
    const lists = (endpointIds ?? [undefined]).map((endpointId) =>
      listDeliveries(context.lookups, accountId, { ...filter, endpointId }),
    );
    const deliveries = (await Promise.all(lists)).flat().slice(0, MAX_SHOWN);
    if (message === null || (endpointIds !== null && deliveries.length === 0)) {
      throw new Problem("not_found", "There is no such message.");
    }
    return json(200, messageView(message, deliveries));
  },
});

function refuseReserved(type: string): void {
  if (!isReservedEvent(type)) return;
  const detail = "names that begin with job. or endpoint. are Ringback's own";
  refuseFaults([{ code: "event_reserved", path: ["type"], detail }]);
}

export const messageRoutes: Route[] = [publish, publishLines, get];
