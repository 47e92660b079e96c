import type { DeadReason, Delivery, DeliveryStatus, EndpointState } from "../core/model.ts";
import type { DeliveryOverrides } from "../core/receivers.ts";
import type { Reader, Tx } from "./transaction.ts";

const DELIVERY_COLUMNS = `d.id, d.account_id, d.message_id, d.job_id, d.event_type, d.endpoint_id,
  coalesce(e.url, d.url) as url, d.status, d.attempt_count, d.next_attempt_at, d.created_at,
  d.finished_at, l.reason as dead_reason, l.detail as dead_detail`;

const DELIVERY_SOURCES = `deliveries d
  left join endpoints e on e.id = d.endpoint_id
  left join dead_letters l on l.delivery_id = d.id`;

export interface NewDelivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  lane_id: string;
  lane_seq: string | null;
  url: string;
  overrides: DeliveryOverrides | null;
  body_bytes: number;
  created_at: Date;
}

export async function insertDeliveries(tx: Tx, deliveries: readonly NewDelivery[]): Promise<void> {
  await tx.query({
    name: "insert_deliveries",
    text: `insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id,
        lane_id, lane_seq, url, overrides, body_bytes, created_at, status, next_attempt_at)
      select t.*, 'pending', now()
      from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[],
        $7::uuid[], $8::bigint[], $9::text[], $10::jsonb[], $11::int[], $12::timestamptz[]) t`,
    values: [
      deliveries.map((d) => d.id),
      deliveries.map((d) => d.account_id),
      deliveries.map((d) => d.message_id),
      deliveries.map((d) => d.job_id),
      deliveries.map((d) => d.event_type),
      deliveries.map((d) => d.endpoint_id),
      deliveries.map((d) => d.lane_id),
      deliveries.map((d) => d.lane_seq),
      deliveries.map((d) => d.url),
      deliveries.map((d) => (d.overrides === null ? null : JSON.stringify(d.overrides))),
      deliveries.map((d) => d.body_bytes),
      deliveries.map((d) => d.created_at),
    ],
  });
}

/** A delivery that is due, with all that is needed to send it. */
export interface DueDelivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  url: string;
  overrides: DeliveryOverrides | null;
  body_bytes: number;
  attempt_count: number;
  free_attempts: number;
  manual: boolean;
  /** A manual attempt beside a schedule that goes on. */
  beside: boolean;
  created_at: Date;
  body: string;
  request_id: string;
  trace_id: string;
}

const DUE_COLUMNS = `d.id, d.account_id, d.message_id, d.job_id, d.event_type, d.url, d.overrides,
  d.body_bytes, d.attempt_count, d.free_attempts, d.manual, d.scheduled_at is not null as beside,
  d.created_at, m.body, m.request_id, m.trace_id`;

export interface DueLimits {
  /** Deliveries already in hand. */
  except: readonly string[];
  rows: number;
  /** Bytes of bodies; at least one delivery is read whatever its size. */
  bytes: number;
}

/** What is due in a lane, the longest due first. */
export async function readDue(
  reader: Reader,
  laneId: string,
  limits: DueLimits,
): Promise<DueDelivery[]> {
  const { rows } = await reader.query<DueDelivery>({
    name: "read_due",
    text: `select ${DUE_COLUMNS} from (
        select *, sum(body_bytes) over (order by next_attempt_at, id) as bytes_so_far from (
          select * from deliveries
          where lane_id = $1 and status = 'pending' and next_attempt_at <= now()
            and id <> all($2::uuid[])
          order by next_attempt_at, id limit $3) due) d
      join messages m on m.id = d.message_id
      where d.bytes_so_far - d.body_bytes < $4
      order by d.next_attempt_at, d.id`,
    values: [laneId, limits.except, limits.rows, limits.bytes],
  });
  return rows;
}

/** The same for an ordered lane: its oldest deliveries up to the first that is not due. */
export async function readDueInOrder(
  reader: Reader,
  laneId: string,
  limits: DueLimits,
): Promise<DueDelivery[]> {
  const { rows } = await reader.query<DueDelivery>({
    name: "read_due_in_order",
    text: `select ${DUE_COLUMNS} from (
        select *, sum(body_bytes) over w as bytes_so_far,
          bool_and(next_attempt_at <= now()) over w as all_due from (
          select * from deliveries
          where lane_id = $1 and status = 'pending' and lane_seq is not null
            and id <> all($2::uuid[])
          order by lane_seq, id limit $3) head
        window w as (order by lane_seq, id)) d
      join messages m on m.id = d.message_id
      where d.all_due and d.bytes_so_far - d.body_bytes < $4
      order by d.lane_seq, d.id`,
    values: [laneId, limits.except, limits.rows, limits.bytes],
  });
  return rows;
}

/** What decides when a lane is pumped next. */
export interface LaneOutlook {
  endpoint_state: EndpointState | null;
  endpoint_deleted: boolean;
  rate_limit_per_s: number | null;
  /** Milliseconds until something is due, negative when it is overdue; null: nothing is pending. */
  due_ms: number | null;
}

/** The lane as it is now; what its holder knows of it may be out of date. */
export async function readOutlook(tx: Tx, laneId: string): Promise<LaneOutlook> {
  const { rows } = await tx.query<LaneOutlook>({
    name: "read_outlook",
    text: `select e.state as endpoint_state, e.deleted_at is not null as endpoint_deleted,
        e.rate_limit_per_s,
        (extract(epoch from case when l.ordered then
          (select next_attempt_at from deliveries
           where lane_id = $1 and status = 'pending' and lane_seq is not null
           order by lane_seq, id limit 1)
        else
          (select next_attempt_at from deliveries where lane_id = $1 and status = 'pending'
           order by next_attempt_at, id limit 1)
        end - clock_timestamp()) * 1000)::float8 as due_ms
      from lanes l left join endpoints e on e.id = l.endpoint_id where l.id = $1`,
    values: [laneId],
  });
  return rows[0]!;
}

/** What became of one delivery in the hands of a lane's holder. */
export interface Settlement {
  deliveryId: string;
  laneId: string;
  /** The lease under which it was sent: the fence. */
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
  url: string;
  remoteAddress: string | null;
  startedAt: Date;
  durationMs: number;
  statusCode: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  /** JSON text. */
  requestHeaders: string;
  responseHeaders: string | null;
  responseBody: string | null;
  responseTruncated: boolean;
  manual: boolean;
}

/**
 * T5, for many deliveries of many lanes: attempt rows, `pending → delivered | dead` or the next
 * attempt, dead letters, endpoints that are gone. One statement. A settlement whose lease or
 * attempt number is out of date changes nothing and is missing in the answer. A delivery that was
 * canceled while it was in flight stays canceled, its attempt is logged all the same.
 */
export async function settleDeliveries(
  tx: Tx,
  settlements: readonly Settlement[],
): Promise<Set<string>> {
  const attempts = settlements.map((s) => s.attempt);
  const { rows } = await tx.query<{ id: string }>({
    name: "settle_deliveries",
    text: `with input as (
        select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::text[],
          $6::float8[], $7::text[], $8::text[], $9::uuid[], $10::text[], $11::text[],
          $12::timestamptz[], $13::float8[], $14::int[], $15::text[], $16::text[], $17::text[],
          $18::text[], $19::text[], $20::boolean[], $21::boolean[])
        as t(delivery_id, lane_id, epoch, number, outcome, delay_ms, reason, detail, attempt_id,
          url, remote_address, started_at, duration_ms, status_code, error_code, error_message,
          request_headers, response_headers, response_body, response_truncated, manual)
      ), held as (
        select id, epoch from lanes where id in (select lane_id from input) order by id for share
      ), settled as (
        update deliveries d set
          status = case when d.status = 'canceled' then 'canceled'
            when i.outcome = 'retry' then 'pending' else i.outcome end,
          attempt_count = case when i.attempt_id is null then d.attempt_count else i.number end,
          next_attempt_at = case when d.status = 'pending' and i.outcome = 'retry' then
            greatest(d.scheduled_at, now() + i.delay_ms * interval '1 millisecond') end,
          manual = false, scheduled_at = null,
          finished_at = case when d.status = 'canceled' then d.finished_at
            when i.outcome <> 'retry' then now() end
        from input i join held h on h.id = i.lane_id and h.epoch = i.epoch
        where d.id = i.delivery_id and d.status in ('pending', 'canceled')
          and d.attempt_count = i.number - 1
        returning d.id, d.account_id, d.endpoint_id,
          case when d.status = 'dead' then i.reason end as reason, i.detail
      ), logged as (
        insert into attempts (delivery_id, number, id, url, remote_address, started_at,
          duration_ms, status_code, error_code, error_message, request_headers, response_headers,
          response_body, response_truncated, manual)
        select i.delivery_id, i.number, i.attempt_id, i.url, i.remote_address, i.started_at,
          i.duration_ms, i.status_code, i.error_code, i.error_message, i.request_headers,
          i.response_headers, i.response_body, i.response_truncated, i.manual
        from input i join settled s on s.id = i.delivery_id where i.attempt_id is not null
      ), buried as (
        insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
        select id, account_id, endpoint_id, reason, detail from settled where reason is not null
      ), disabled as (
        update endpoints set state = 'disabled', disabled_reason = 'the receiver answered 410 Gone',
          updated_at = now()
        where id in (select endpoint_id from settled where reason = 'gone') and state <> 'disabled'
      )
      select id from settled`,
    values: [
      settlements.map((s) => s.deliveryId),
      settlements.map((s) => s.laneId),
      settlements.map((s) => s.epoch),
      settlements.map((s) => s.number),
      settlements.map((s) => s.outcome),
      settlements.map((s) => s.delayMs),
      settlements.map((s) => s.reason),
      settlements.map((s) => s.detail),
      attempts.map((a) => a?.id ?? null),
      attempts.map((a) => a?.url ?? null),
      attempts.map((a) => a?.remoteAddress ?? null),
      attempts.map((a) => a?.startedAt ?? null),
      attempts.map((a) => a?.durationMs ?? null),
      attempts.map((a) => a?.statusCode ?? null),
      attempts.map((a) => a?.errorCode ?? null),
      attempts.map((a) => a?.errorMessage ?? null),
      attempts.map((a) => a?.requestHeaders ?? null),
      attempts.map((a) => a?.responseHeaders ?? null),
      attempts.map((a) => a?.responseBody ?? null),
      attempts.map((a) => a?.responseTruncated ?? null),
      attempts.map((a) => a?.manual ?? null),
    ],
  });
  return new Set(rows.map(({ id }) => id));
}

/** A delivery as a replay needs it, locked until the transaction ends. */
export interface ReplayTarget {
  id: string;
  lane_id: string;
  status: DeliveryStatus;
  endpoint_id: string | null;
  endpoint_state: string | null;
  endpoint_deleted: boolean;
}

export async function findDeliveryLane(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<string | null> {
  const { rows } = await reader.query<{ lane_id: string }>(
    `select lane_id from deliveries where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0]?.lane_id ?? null;
}

export async function lockDelivery(
  tx: Tx,
  accountId: string,
  id: string,
): Promise<ReplayTarget | null> {
  const { rows } = await tx.query<ReplayTarget>(
    `select d.id, d.lane_id, d.status, d.endpoint_id, e.state as endpoint_state,
       e.deleted_at is not null as endpoint_deleted
     from deliveries d left join endpoints e on e.id = d.endpoint_id
     where d.account_id = $1 and d.id = $2 for update of d`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/**
 * T6: `dead | delivered → pending`, due now, with a fresh budget and attempt numbers going on.
 * Dead letters go with it. Returns the ids that changed.
 */
export async function reopenDeliveries(tx: Tx, ids: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `with reopened as (
       update deliveries set status = 'pending', next_attempt_at = now(), finished_at = null,
         free_attempts = attempt_count, manual = true, scheduled_at = null,
         -- made before its lane became ordered: older than all that have a place
         lane_seq = coalesce(lane_seq, 0)
       where id = any($1::uuid[]) and status in ('dead', 'delivered')
       returning id
     ), exhumed as (
       delete from dead_letters where delivery_id in (select id from reopened)
     )
     select id from reopened`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** One manual attempt now, beside the automatic schedule of a delivery that is still pending. */
export async function attemptNow(tx: Tx, id: string): Promise<void> {
  await tx.query(
    `update deliveries set scheduled_at = next_attempt_at, next_attempt_at = now(), manual = true,
       free_attempts = free_attempts + 1
     where id = $1 and status = 'pending' and not manual and next_attempt_at > now()`,
    [id],
  );
}

/** The endpoint is deleted: what was pending for it is canceled. */
export async function cancelPendingOfLane(tx: Tx, laneId: string): Promise<void> {
  await tx.query(
    `update deliveries set status = 'canceled', next_attempt_at = null, finished_at = now(),
       manual = false, scheduled_at = null
     where lane_id = $1 and status = 'pending'`,
    [laneId],
  );
}

/** The lane becomes ordered: what is pending gets its place by age. Returns how many. */
export async function numberPendingOfLane(tx: Tx, laneId: string, after: string): Promise<number> {
  const { rowCount } = await tx.query(
    `update deliveries d set lane_seq = $2::bigint + n.place
     from (select id, row_number() over (order by created_at, id) as place
           from deliveries where lane_id = $1 and status = 'pending') n
     where d.id = n.id`,
    [laneId, after],
  );
  return rowCount ?? 0;
}

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  reason?: DeadReason | undefined;
  endpointId?: string | undefined;
  jobId?: string | undefined;
  messageId?: string | undefined;
  eventType?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  before?: string | undefined;
  limit: number;
}

/** Newest first. `before`: the id that ended the page before. Times bound created_at, half-open. */
export async function listDeliveries(
  reader: Reader,
  accountId: string,
  filter: DeliveryFilter,
): Promise<Delivery[]> {
  const values: unknown[] = [accountId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ["d.account_id = $1"];
  if (filter.status !== undefined) where.push(`d.status = ${bind(filter.status)}`);
  if (filter.reason !== undefined) where.push(`l.reason = ${bind(filter.reason)}`);
  if (filter.endpointId !== undefined) where.push(`d.endpoint_id = ${bind(filter.endpointId)}`);
  if (filter.jobId !== undefined) where.push(`d.job_id = ${bind(filter.jobId)}`);
  if (filter.messageId !== undefined) where.push(`d.message_id = ${bind(filter.messageId)}`);
  if (filter.eventType !== undefined) where.push(`d.event_type = ${bind(filter.eventType)}`);
  if (filter.since !== undefined) where.push(`d.created_at >= ${bind(filter.since)}`);
  if (filter.until !== undefined) where.push(`d.created_at < ${bind(filter.until)}`);
  if (filter.before !== undefined) where.push(`d.id < ${bind(filter.before)}`);
  const { rows } = await reader.query<Delivery>(
    `select ${DELIVERY_COLUMNS} from ${DELIVERY_SOURCES}
     where ${where.join(" and ")} order by d.id desc limit ${bind(filter.limit)}`,
    values,
  );
  return rows;
}

/** Dead deliveries with their reasons, newest first. */
export async function listDeadLetters(
  reader: Reader,
  accountId: string,
  filter: Omit<DeliveryFilter, "status">,
): Promise<Delivery[]> {
  return await listDeliveries(reader, accountId, { ...filter, status: "dead" });
}

export async function getDelivery(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<Delivery | null> {
  const { rows } = await reader.query<Delivery>(
    `select ${DELIVERY_COLUMNS} from ${DELIVERY_SOURCES} where d.account_id = $1 and d.id = $2`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** For metrics. */
export async function getDeliveryBacklog(
  reader: Reader,
): Promise<{ pending: number; due: number; oldest_due_s: number | null }> {
  const { rows } = await reader.query<{
    pending: number;
    due: number;
    oldest_due_s: number | null;
  }>(
    `select count(*)::int as pending,
       count(*) filter (where next_attempt_at <= now())::int as due,
       extract(epoch from now() - min(next_attempt_at) filter (where next_attempt_at <= now()))
         ::float8 as oldest_due_s
     from deliveries where status = 'pending'`,
  );
  return rows[0]!;
}

export async function countDeadLetters(
  reader: Reader,
): Promise<{ reason: DeadReason; count: number }[]> {
  const { rows } = await reader.query<{ reason: DeadReason; count: number }>(
    `select reason, count(*)::int as count from dead_letters group by reason`,
  );
  return rows;
}
