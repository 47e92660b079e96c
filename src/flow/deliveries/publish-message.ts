import type { Context } from "../context.ts";
import { messageBody } from "../../core/events.ts";
import { newId } from "../../core/ids.ts";
import type { Delivery, Message, StoredResponse } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import type { NewDelivery } from "../../db/deliveries/deliveries.ts";
import { getEndpoint } from "../../db/accounts/endpoints.ts";
import { setIdempotencyResponse } from "../../db/idempotency.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { replayOf, takeKeys, untilDecided } from "../idempotency.ts";
import { publish } from "./publish.ts";
import type { Publication } from "./publish.ts";

export interface OwnMessage {
  accountId: string;
  type: string;
  /** JSON text. */
  data: string;
  requestId: string;
  traceId: string;
  idempotency: {
    key: string;
    fingerprint: string;
    respond(message: Message, deliveries: Delivery[]): StoredResponse;
  } | null;
}

export type PublishedMessage =
  | { kind: "created"; message: Message; deliveries: Delivery[] }
  | { kind: "replayed"; response: StoredResponse };

/**
 * Publishes an event of the account's own to all its endpoints that want the type.
 * @throws Problem idempotency_key_reused, idempotency_in_progress
 */
export async function publishMessage(
  context: Pick<Context, "pool" | "vault" | "now">,
  own: OwnMessage,
): Promise<PublishedMessage> {
  const publication = newPublication(context, own);
  const { idempotency, accountId } = own;
  const placeholder = { status: 0, headers: {}, body: publication.messageId };
  const record = idempotency && { ...idempotency, accountId, response: placeholder, sealed: false };
  const publishOnce = async (tx: Tx): Promise<PublishedMessage | "busy"> => {
    const [earlier] = await takeKeys(tx, [record]);
    if (earlier === "busy") return "busy";
    if (earlier) {
      return { kind: "replayed", response: replayOf(context, earlier, idempotency!.fingerprint) };
    }
    const [published] = await publish(tx, [publication]);
    const message = toMessage(publication);
    const deliveries = published!.deliveries.map(toDelivery);
    if (idempotency !== null) {
      const response = idempotency.respond(message, deliveries);
      await setIdempotencyResponse(tx, { accountId, key: idempotency.key, response });
    }
    return { kind: "created", message, deliveries };
  };
  return await untilDecided(() => inTransaction(context.pool, publishOnce));
}

/**
 * Sends `endpoint.test` to one endpoint, through its lane like any other event.
 * @throws Problem not_found, endpoint_state
 */
export async function testEndpoint(
  context: Pick<Context, "pool" | "now">,
  test: { accountId: string; endpointId: string; requestId: string; traceId: string },
): Promise<{ message: Message; delivery: Delivery }> {
  const endpoint = await getEndpoint(context.pool, test.accountId, test.endpointId);
  if (endpoint === null) throw new Problem("not_found", "no such endpoint");
  if (endpoint.state !== "active") {
    throw new Problem(
      "endpoint_state",
      `the endpoint is ${endpoint.state}; ${endpoint.state === "paused" ? "resume" : "enable"} it first`,
    );
  }
  const data = JSON.stringify({ message: "This is a test of your endpoint." });
  const publication = {
    ...newPublication(context, { ...test, type: "endpoint.test", data }),
    onlyEndpointId: test.endpointId,
  };
  const [published] = await inTransaction(context.pool, (tx) => publish(tx, [publication]));
  const delivery = published!.deliveries[0];
  if (delivery === undefined) throw new Problem("not_found", "no such endpoint");
  return { message: toMessage(publication), delivery: toDelivery(delivery) };
}

function newPublication(
  { now }: Pick<Context, "now">,
  own: Pick<OwnMessage, "accountId" | "type" | "data" | "requestId" | "traceId">,
): Publication & { messageId: string } {
  const createdAt = now();
  return {
    messageId: newId(),
    accountId: own.accountId,
    jobId: null,
    type: own.type,
    body: messageBody(own.type, createdAt, own.data),
    createdAt,
    requestId: own.requestId,
    traceId: own.traceId,
    callbacks: [],
  };
}

function toMessage(p: Publication & { messageId: string }): Message {
  return {
    id: p.messageId,
    account_id: p.accountId,
    job_id: p.jobId,
    type: p.type,
    body: p.body,
    created_at: p.createdAt,
  };
}

function toDelivery(d: NewDelivery): Delivery {
  return {
    id: d.id,
    account_id: d.account_id,
    message_id: d.message_id,
    job_id: d.job_id,
    event_type: d.event_type,
    endpoint_id: d.endpoint_id,
    url: d.url,
    status: "pending",
    attempt_count: 0,
    next_attempt_at: d.created_at,
    created_at: d.created_at,
    finished_at: null,
    dead_reason: null,
    dead_detail: null,
    last_status_code: null,
    last_error_code: null,
    discarded_at: null,
    discarded_by: null,
    discard_note: null,
  };
}
