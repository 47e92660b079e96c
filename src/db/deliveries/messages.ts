import type { Message } from "../../core/model.ts";
import type { NewDelivery } from "./deliveries.ts";
import { emits } from "../activity/emits.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface NewMessage extends Message {
  request_id: string;
  trace_id: string;
  delivery_count: number;
}

/** Messages and their deliveries, due now. */
export async function insertMessages(
  tx: Tx,
  messages: readonly NewMessage[],
  deliveries: readonly NewDelivery[],
): Promise<void> {
  await tx.query({
    name: "insert_messages",
    text: `with made as (
        insert into messages
          (id, account_id, job_id, type, body, delivery_count, request_id, trace_id, created_at)
        select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[],
          $7::text[], $8::text[], $9::timestamptz[])
        returning id, account_id, job_id, type, delivery_count
      ), due as (
        insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id,
          lane_id, lane_position, url, overrides, body_bytes, created_at, status, next_attempt_at)
        select t.*, 'pending', now()
        from unnest($10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::text[], $15::uuid[],
          $16::uuid[], $17::bigint[], $18::text[], $19::jsonb[], $20::int[], $21::timestamptz[]) t
      )
      ${emits("made", {
        type: "message.created",
        about: { message_id: "id", job_id: "job_id" },
        data: "json_build_object('event_type', type, 'deliveries', delivery_count)",
      })}`,
    values: [
      messages.map((m) => m.id),
      messages.map((m) => m.account_id),
      messages.map((m) => m.job_id),
      messages.map((m) => m.type),
      messages.map((m) => m.body),
      messages.map((m) => m.delivery_count),
      messages.map((m) => m.request_id),
      messages.map((m) => m.trace_id),
      messages.map((m) => m.created_at),
      deliveries.map((d) => d.id),
      deliveries.map((d) => d.account_id),
      deliveries.map((d) => d.message_id),
      deliveries.map((d) => d.job_id),
      deliveries.map((d) => d.event_type),
      deliveries.map((d) => d.endpoint_id),
      deliveries.map((d) => d.lane_id),
      deliveries.map((d) => d.lane_position),
      deliveries.map((d) => d.url),
      deliveries.map((d) => (d.overrides === null ? null : JSON.stringify(d.overrides))),
      deliveries.map((d) => d.body_bytes),
      deliveries.map((d) => d.created_at),
    ],
  });
}

export async function getMessage(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<Message | null> {
  const { rows } = await reader.query<Message>({
    name: "get_message",
    text: `select id, account_id, job_id, type, body, created_at from messages
     where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}
