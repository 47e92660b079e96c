import type { DeadReason } from "../../core/model.ts";
import { emits, typeBy, typeWhen } from "../activity/emits.ts";
import type { Tx } from "../transaction.ts";
import { rowsAs, unindexed } from "../rows.ts";

/** The end of one attempt, or of a delivery given up, as the lane's holder writes it. */
export interface Settlement {
  deliveryId: string;
  laneId: string;
  /** The lease under which the delivery was sent: the fence. */
  epoch: string;
  /** The attempt's number; a delivery given up without an attempt keeps its count. */
  number: number;
  outcome: "delivered" | "retry" | "dead";
  delayMs: number | null;
  reason: DeadReason | null;
  detail: string | null;
  attempt: NewAttempt | null;
}

export interface NewAttempt {
  id: string;
  /** Null: the URL of the delivery. */
  url: string | null;
  remoteAddress: string | null;
  startedAt: Date;
  durationMs: number;
  statusCode: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  /** JSON text; see core/attempt-headers.ts. */
  requestHeaders: string;
  responseHeaders: string | null;
  responseBody: string | null;
  responseTruncated: boolean;
  manual: boolean;
}

const SETTLEMENTS = rowsAs<Settlement>("t", {
  delivery_id: ["uuid", (s) => s.deliveryId],
  // the second parameter: lanes are locked by it
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

/** The part for deliveries that are given up: their dead letters, and endpoints that are gone. */
const DEAD_LETTERED = `, dead_lettered as (
        insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail, cause)
        select id, account_id, endpoint_id, reason, detail, cause from settled where reason is not null
      ), disabled as (
        update endpoints set state = 'disabled', disabled_reason = 'gone', state_since = now(),
          updated_at = now()
        where id in (select endpoint_id from settled where reason = 'gone') and state <> 'disabled'
        returning id, account_id
      ), emitted_of_endpoints as (${emits("disabled", {
        type: "endpoint.updated",
        about: { endpoint_id: "id" },
        data: `'{"state":"disabled","reason":"gone"}'`,
      })})`;

/**
 * Settles many deliveries of many lanes: attempt rows, `pending → delivered | dead` or the next
 * attempt, dead letters, endpoints that are gone. One statement. A settlement whose lease or
 * attempt number is out of date changes nothing and is missing in the answer. A delivery that was
 * canceled while in flight stays canceled, and its attempt is logged all the same.
 */
export async function settleDeliveries(
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  // a statement that does not need the part must not pay for it
  const dead = settlements.some(({ outcome }) => outcome === "dead");
  const { rows } = await tx.query<{ id: string }>({
    name: dead ? "settle_with_dead" : "settle_deliveries",
    text: `with input as (
        select * from ${SETTLEMENTS.sql}
      ), held as (
        select id, epoch, ordered from lanes where id = any($2::uuid[]) order by id for share
      ), settled as (
        update deliveries d set
          status = case when d.status = 'canceled' then 'canceled'
            when i.outcome = 'retry' then 'pending' else i.outcome end,
          attempt_count = case when i.attempt_id is null then d.attempt_count else i.number end,
          last_status_code = case when i.attempt_id is null then d.last_status_code
            else i.status_code end,
          last_error_code = case when i.attempt_id is null then d.last_error_code
            else i.error_code end,
          next_attempt_at = case when d.status = 'pending' and i.outcome = 'retry' then
            greatest(d.scheduled_at, now() + i.delay_ms * interval '1 millisecond') end,
          budget_from = case when i.outcome = 'retry' then coalesce(d.budget_from, d.next_attempt_at)
            else d.budget_from end,
          manual = false, scheduled_at = null,
          -- a walk that gives positions may have passed this delivery
          lane_position = case when h.ordered then coalesce(d.lane_position, position_by_age(d.id))
            else d.lane_position end,
          finished_at = case when d.status = 'canceled' then d.finished_at
            when i.outcome <> 'retry' then now() end
        from input i join held h on h.id = i.lane_id and h.epoch = i.epoch
        where d.id = i.delivery_id and ${unindexed("d.status")} in ('pending', 'canceled')
          and d.attempt_count = i.number - 1
        returning d.id, d.account_id, d.endpoint_id, d.job_id, d.message_id, d.status,
          d.next_attempt_at,
          case when d.status = 'dead' then i.reason end as reason, i.detail,
          coalesce(i.error_code, 'http_' || i.status_code, '') as cause
      ), logged as (
        insert into attempts (delivery_id, number, id, url, remote_address, started_at,
          duration_ms, status_code, error_code, error_message, request_headers, response_headers,
          response_body, response_truncated, manual)
        select i.delivery_id, i.number, i.attempt_id, i.url, i.remote_address, i.started_at,
          i.duration_ms, i.status_code, i.error_code, i.error_message, i.request_headers,
          i.response_headers, i.response_body, i.response_truncated, i.manual
        from input i join settled s on s.id = i.delivery_id where i.attempt_id is not null
      ), emitted as (${emits("settled", {
        // no attempt when the delivery is given up, no end when another attempt is planned
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
          'reason', s.reason, 'next_attempt_at', s.next_attempt_at)`,
      })}
      )${dead ? DEAD_LETTERED : ""}
      select id from settled`,
    values: SETTLEMENTS.values(settlements),
  });
  return new Set(rows.map(({ id }) => id));
}
