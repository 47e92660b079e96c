import { emits, typeBy, typeWhen } from "../../src/db/activity/emits.ts";
import { rowsAs } from "../../src/db/rows.ts";
import type { Settlement } from "../../src/db/deliveries/settlements.ts";
import type { NewDelivery } from "../../src/db/deliveries/deliveries.ts";
import type { NewMessage } from "../../src/db/deliveries/messages.ts";
import type { Tx } from "../../src/db/transaction.ts";

/** Runs the product's statements with another text. */
export function withText(tx: Tx, change: (text: string) => string): Tx {
  const query = async (one: { text: string }) => await tx.query({ ...one, text: change(one.text) });
  return { query } as unknown as Tx;
}

/** The parameters of the product's statements, which its modules don't export. */
export const MESSAGES = rowsAs<NewMessage>("m", {
  id: "uuid",
  account_id: "uuid",
  job_id: "uuid",
  type: "text",
  body: "text",
  delivery_count: "int",
  request_id: "text",
  trace_id: "text",
  created_at: "timestamptz",
});
export const DELIVERIES = rowsAs<NewDelivery>(
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
export const SETTLEMENTS = rowsAs<Settlement>("t", {
  delivery_id: ["uuid", (s) => s.deliveryId],
  lane_id: ["uuid", (s) => s.laneId],
  epoch: "bigint",
  number: "int",
  outcome: "text",
  delay_ms: ["float8", (s) => s.delayMs],
  reason: "text",
  detail: "text",
  attempt_id: ["uuid", ({ attempt }) => attempt?.id ?? null],
  url: ["text", ({ attempt }) => attempt?.url ?? null],
  remote_address: ["text", ({ attempt }) => attempt?.remoteAddress ?? null],
  started_at: ["timestamptz", ({ attempt }) => attempt?.startedAt ?? null],
  duration_ms: ["float8", ({ attempt }) => attempt?.durationMs ?? null],
  status_code: ["int", ({ attempt }) => attempt?.statusCode ?? null],
  error_code: ["text", ({ attempt }) => attempt?.errorCode ?? null],
  error_message: ["text", ({ attempt }) => attempt?.errorMessage ?? null],
  request_headers: ["text", ({ attempt }) => attempt?.requestHeaders ?? null],
  response_headers: ["text", ({ attempt }) => attempt?.responseHeaders ?? null],
  response_body: ["text", ({ attempt }) => attempt?.responseBody ?? null],
  response_truncated: ["boolean", ({ attempt }) => attempt?.responseTruncated ?? null],
  manual: ["boolean", ({ attempt }) => attempt?.manual ?? null],
});

/** The head of a settlement: its rows, and the lanes, which fence them. */
export const SETTLE_HEAD = `with input as (
    select * from ${SETTLEMENTS.sql}
  ), held as (
    select id, account_id, epoch, ordered from lanes where id = any($2::uuid[]) order by id for share
  )`;

/** The attempts of the rows in the CTE `settled`, and what listeners are told of them. */
export const settleTail = (account: boolean): string => `, logged as (
    insert into attempts (delivery_id, number, id, url, remote_address, started_at,
      duration_ms, status_code, error_code, error_message, request_headers, response_headers,
      response_body, response_truncated, manual${account ? ", account_id" : ""})
    select i.delivery_id, i.number, i.attempt_id, i.url, i.remote_address, i.started_at,
      i.duration_ms, i.status_code, i.error_code, i.error_message, i.request_headers,
      i.response_headers, i.response_body, i.response_truncated, i.manual
      ${account ? ", s.account_id" : ""}
    from input i join settled s on s.id = i.delivery_id where i.attempt_id is not null
  ), emitted as (${emits("settled", {
    type: [
      typeWhen("i.attempt_id is not null", "delivery.attempted"),
      typeBy("s.status", { delivered: "delivery.delivered", dead: "delivery.dead" }),
    ],
    from: "settled s join input i on i.delivery_id = s.id",
    about: {
      job_id: "s.job_id",
      message_id: "s.message_id",
      delivery_id: "s.id",
      endpoint_id: "s.endpoint_id",
    },
    data: `json_build_object('outcome', i.outcome, 'attempt', i.number,
      'status_code', i.status_code, 'error_code', i.error_code, 'duration_ms', i.duration_ms,
      'next_attempt_at', s.next_attempt_at)`,
  })}
  ) select id from settled`;

export const EMIT_MADE = emits("made", {
  type: "message.created",
  about: { message_id: "id", job_id: "job_id" },
  data: "json_build_object('event_type', type, 'deliveries', delivery_count)",
});

/** Reads what is due of one lane from a table with all that sending needs but the message. */
export function readDueFrom(table: string, columns: string): string {
  return `select t.ord::int, ${columns}, m.body, m.request_id, m.trace_id
    from unnest($1::uuid[], $2::int[], $3::int[]) with ordinality as t(lane_id, rows, bytes, ord)
    cross join lateral (
      select *, sum(body_bytes) over (order by next_attempt_at, id) as bytes_so_far,
        row_number() over (order by next_attempt_at, id) as rank
      from (
        select * from ${table}
        where lane_id = t.lane_id and next_attempt_at <= now()
          and id not in (select unnest($4::uuid[]))
        order by next_attempt_at, id limit t.rows) due) d
    cross join lateral (
      select body, type, job_id, request_id, trace_id from messages
      where id = d.message_id offset 0) m
    where d.bytes_so_far - d.body_bytes < t.bytes
    order by t.ord, d.rank`;
}
