import type { Message } from "../../core/model.ts";
import { searchKeysOf } from "../../core/search-keys.ts";
import type { NewDelivery } from "./deliveries.ts";
import { emits } from "../activity/emits.ts";
import { rowsAs } from "../rows.ts";
import { insertKeys, searchKeyRows } from "../search-keys.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface NewMessage extends Message {
  trace_id: string;
  delivery_count: number;
}

const MESSAGES = rowsAs<NewMessage>("m", {
  id: "uuid",
  account_id: "uuid",
  job_id: "uuid",
  type: "text",
  body: "text",
  metadata: "text",
  delivery_count: "int",
  request_id: "text",
  trace_id: "text",
  created_at: "timestamptz",
});
const DELIVERIES = rowsAs<NewDelivery>(
  "d",
  {
    id: "uuid",
    account_id: "uuid",
    message_id: "uuid",
    job_id: "uuid",
    event_type: "text",
    endpoint_id: "uuid",
    lane_id: "uuid",
    lane_position: "bigint",
    url: "text",
    overrides: ["jsonb", ({ overrides }) => overrides && JSON.stringify(overrides)],
    body_bytes: "int",
    created_at: "timestamptz",
  },
  { first: MESSAGES.count + 1 },
);

const KEYS = searchKeyRows(MESSAGES.count + DELIVERIES.count + 1);

/** Stores messages with their search keys, and their deliveries, which are due now. */
export async function insertMessages(
  tx: Tx,
  messages: readonly NewMessage[],
  deliveries: readonly NewDelivery[],
): Promise<void> {
  // the events of a job are found by the job
  const keys = messages.flatMap((message) =>
    message.job_id === null ? searchKeysOf(message) : [],
  );
  await tx.query({
    name: keys.length === 0 ? "insert_messages" : "insert_messages_with_keys",
    text: `with ${keys.length === 0 ? "" : `keyed as (${insertKeys(KEYS)}), `}made as (
        insert into messages
          (id, account_id, job_id, type, body, metadata, delivery_count, request_id, trace_id, created_at)
        select * from ${MESSAGES.sql}
        returning id, account_id, job_id, type, delivery_count
      ), due as (
        insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id,
          lane_id, lane_position, url, overrides, body_bytes, created_at, status, next_attempt_at,
          give_up_at)
        select d.*, 'pending', now(),
          d.created_at + (d.overrides->>'give_up_after_s')::int * interval '1 second' from ${DELIVERIES.sql}
      )
      ${emits("made", {
        type: "message.created",
        about: { message_id: "id", job_id: "job_id" },
        data: "json_build_object('event_type', type, 'deliveries', delivery_count)",
      })}`,
    values: [
      ...MESSAGES.values(messages),
      ...DELIVERIES.values(deliveries),
      ...(keys.length === 0 ? [] : KEYS.values(keys)),
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
    text: `select id, account_id, job_id, type, body, metadata, request_id, created_at from messages
     where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}
