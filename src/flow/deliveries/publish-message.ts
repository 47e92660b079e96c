import type { Context, NewPublication, PublicationGroup } from "../context.ts";
import { messageBody } from "../../core/events.ts";
import { failpoint } from "../../core/failpoint.ts";
import { newId } from "../../core/ids.ts";
import type { Delivery, Message, StoredResponse } from "../../core/model.ts";
import type { NewDelivery } from "../../db/deliveries/deliveries.ts";
import type { IdempotencyRecord } from "../../db/idempotency.ts";
import { createGroupCommit, firstWithin } from "../group-commit.ts";
import { lockKeys, replayOf, takeKeys, untilDecided } from "../idempotency.ts";
import { handOver } from "./hand-over.ts";
import { findReceivers, planMessages, storeMessages } from "./publish.ts";
import type { Publication } from "./publish.ts";

export interface OwnMessage {
  accountId: string;
  type: string;
  /** JSON text. */
  data: string;
  /** JSON text of an object, which is not sent; absent: empty. */
  metadata?: string | undefined;
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

const GROUP = 200;
/** The most characters of bodies in one transaction, and the most deliveries. */
const GROUP_BYTES = 8_388_608;
const GROUP_DELIVERIES = 2_000;

/**
 * The publication transaction, for all that wait, of all accounts: idempotency records, messages,
 * deliveries and wake-ups.
 */
export function createPublicationGroup(
  context: Pick<Context, "pool" | "worker" | "pumps">,
): PublicationGroup {
  return createGroupCommit(async (waiting, lockWaitMs) => {
    const group = firstWithin(waiting, GROUP_BYTES, ({ publication }) => publication.body.length);
    return await handOver(context, lockWaitMs, async (tx, own) => {
      const [locked, receivers] = await Promise.all([
        lockKeys(tx, group.map(keyOf)),
        findReceivers(
          tx,
          group.map(({ publication }) => publication),
        ),
      ]);
      const planned = firstWithin(
        planMessages(
          group.map(({ publication }) => publication),
          receivers,
        ),
        GROUP_DELIVERIES,
        ({ deliveries }) => deliveries.length,
      );
      const records = planned.map(({ deliveries }, index) => recordOf(group[index]!, deliveries));
      const earlier = await takeKeys(tx, records, locked);
      const made = planned.filter((_, index) => earlier[index] === null);
      await storeMessages(tx, made, receivers, own);
      failpoint("publish:before-commit");
      return planned.map(({ deliveries }, index) => earlier[index] ?? { made: deliveries });
    });
  }, GROUP);
}

function keyOf({ publication, idempotency }: NewPublication) {
  return idempotency && { accountId: publication.accountId, key: idempotency.key };
}

function recordOf(
  { publication, idempotency }: NewPublication,
  deliveries: readonly NewDelivery[],
): IdempotencyRecord | null {
  if (idempotency === null) return null;
  const { key, fingerprint, respond } = idempotency;
  const { accountId } = publication;
  return { accountId, key, fingerprint, response: respond(deliveries), sealed: false };
}

/**
 * Publishes an event of the account's own to all its endpoints that want the type: when this
 * returns, the message is durable with its deliveries.
 * @throws Problem idempotency_key_reused, idempotency_in_progress
 */
export async function publishMessage(
  context: Pick<Context, "publications" | "vault" | "now">,
  own: OwnMessage,
): Promise<PublishedMessage> {
  const publication = newPublication(context, own);
  const message = toMessage(publication);
  const { idempotency } = own;
  const respond = (deliveries: readonly NewDelivery[]): StoredResponse =>
    idempotency!.respond(message, deliveries.map(toDelivery));
  const answer = await untilDecided(() =>
    context.publications.add({
      publication,
      idempotency: idempotency && { ...idempotency, respond },
    }),
  );
  failpoint("publish:committed");
  if ("made" in answer) {
    return { kind: "created", message, deliveries: answer.made.map(toDelivery) };
  }
  return { kind: "replayed", response: replayOf(context, answer, idempotency!.fingerprint) };
}

function newPublication(
  { now }: Pick<Context, "now">,
  own: Pick<OwnMessage, "accountId" | "type" | "data" | "metadata" | "requestId" | "traceId">,
): Publication & { messageId: string } {
  const createdAt = now();
  return {
    messageId: newId(),
    accountId: own.accountId,
    jobId: null,
    type: own.type,
    body: messageBody(own.type, createdAt, own.data),
    metadata: own.metadata,
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
    metadata: p.metadata ?? "{}",
    request_id: p.requestId,
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
    endpoint_description: d.endpoint_description,
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
