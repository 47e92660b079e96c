import { isReservedEvent } from "../../core/event-names.ts";
import { formatId } from "../../core/ids.ts";
import { memberTexts } from "../../core/json-text.ts";
import type { Delivery, Message } from "../../core/model.ts";
import { publishMessage } from "../../flow/deliveries/publish-message.ts";
import { fingerprint, replayed, storedResponse } from "../idempotency.ts";
import { answerLines, LINES_TYPE, type LineAnswer } from "../lines.ts";
import { json, type Reply } from "../reply.ts";
import { MAX_SHOWN, messageView } from "../views/delivery.ts";
import { route, type Route } from "../route.ts";
import {
  message as messageSchema,
  messageInput,
  messageLine,
  messageLineAnswer,
} from "../schemas/delivery.ts";
import { checkMetadata, refuseFaults } from "../validation.ts";

const tag = "Messages";
const scopes = ["webhooks"] as const;

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
    const members = posted();
    const metadata = members.get("metadata");
    checkMetadata(metadata ?? "");
    const reply = (message: Message, deliveries: Delivery[]): Reply =>
      json(202, messageView(message, deliveries.slice(0, MAX_SHOWN)), {
        location: `${context.config.publicUrl}/v1/messages/${formatId("message", message.id)}`,
      });
    const published = await publishMessage(context, {
      accountId,
      type: body.type,
      data: members.get("data")!,
      metadata,
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
      const members = memberTexts(document.text);
      const metadata = members.get("metadata");
      checkMetadata(metadata ?? "");
      const answer = (message: Message, deliveries: readonly Delivery[]) => ({
        status: 202,
        id: formatId("message", message.id),
        deliveries: deliveries.length,
      });
      const published = await publishMessage(context, {
        accountId,
        type: value.type,
        data: members.get("data")!,
        metadata,
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

function refuseReserved(type: string): void {
  if (!isReservedEvent(type)) return;
  const detail = "names that begin with job. or endpoint. are Ringback's own";
  refuseFaults([{ code: "event_reserved", path: ["type"], detail }]);
}

export const messageRoutes: Route[] = [publish, publishLines];
