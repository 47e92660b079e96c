import type { EndpointSettings, EndpointState } from "../../core/endpoint.ts";
import { emits } from "../activity/emits.ts";
import type { Reader, Tx } from "../transaction.ts";

const LANE_SETTINGS = [
  "url",
  "sealed_headers",
  "max_in_flight",
  "rate_limit_per_s",
  "timeout_s",
  "retry",
  "final_status",
  "give_up_after_s",
  "disable_after_s",
  "signatures",
] as const;

/** Settings of a lane's endpoint; null in a lane of an origin, whose deliveries have their own. */
type LaneSettings = {
  [Name in (typeof LANE_SETTINGS)[number]]: EndpointSettings[Name] | null;
};

/** A lane and its destination, as the lane's holder knows them. */
export interface LaneConfig extends LaneSettings {
  id: string;
  account_id: string;
  endpoint_id: string | null;
  /** The origin of the callback URLs of a lane without endpoint. */
  origin: string | null;
  epoch: string;
  ordered: boolean;
  /** The change that switched order on, while deliveries pending then may lack a position. */
  ordering_xid: string | null;
  endpoint_state: EndpointState | null;
  endpoint_deleted: boolean;
  breaker_failures: number;
  breaker_opens: number;
  /** Milliseconds from now until the breaker ends, negative when past; null: closed. */
  breaker_ms: number | null;
  breaker_reason: string | null;
  /** Milliseconds since the first of the failures in a row, and since they make it failing; negative. */
  failed_ms: number | null;
  failing_ms: number | null;
  /** Milliseconds from now until the rate limit allows a send. */
  next_send_ms: number | null;
  sealed_secrets: string[];
  /** The current key first; at most two. */
  sealed_private_keys: string[];
}

/** Columns of a `LaneConfig`, of a lane `l` and its endpoint `e`. */
export const LANE_CONFIG = `l.id, l.account_id, l.endpoint_id, l.origin, l.epoch, l.ordered, l.ordering_xid,
  ${LANE_SETTINGS.map((name) => `e.${name}`).join(", ")},
  e.state as endpoint_state, e.deleted_at is not null as endpoint_deleted, l.breaker_failures, l.breaker_opens,
  l.breaker_reason,
  (extract(epoch from l.breaker_until - clock_timestamp()) * 1000)::float8 as breaker_ms,
  (extract(epoch from l.failed_since - clock_timestamp()) * 1000)::float8 as failed_ms,
  (extract(epoch from l.failing_since - clock_timestamp()) * 1000)::float8 as failing_ms,
  (extract(epoch from l.next_send_at - clock_timestamp()) * 1000)::float8 as next_send_ms,
  array(select k.sealed from signing_keys k where k.account_id = l.account_id
    and k.not_before <= now() and (k.expires_at is null or k.expires_at > now())
    order by k.not_before desc limit 2) as sealed_private_keys,
  case when l.endpoint_id is null then array(${secretsWhere("s.endpoint_id is null")})
    else array(${secretsWhere("s.endpoint_id = l.endpoint_id")}) end as sealed_secrets`;

// two conditions, as an index serves no `is not distinct from`
function secretsWhere(endpoint: string): string {
  return `select s.sealed from signing_secrets s
    where s.account_id = l.account_id and ${endpoint}
      and (s.expires_at is null or s.expires_at > now())
    order by s.id desc`;
}

/** An answer for a lease asked for: `busy`, another transaction changes the lane just now. */
export type LeaseAnswer = LaneConfig | "leased" | "busy";

/**
 * Takes the leases of those lanes that nobody has, in the order of `laneIds`. The worker's row is
 * locked against its recovery.
 * @param waits whether to wait for lanes that others change just now, rather than to call them busy
 */
export async function takeLeases(
  tx: Tx,
  laneIds: readonly string[],
  workerId: string,
  waits = false,
): Promise<LeaseAnswer[]> {
  const { rows } = await tx.query<LaneConfig & { busy: boolean }>({
    name: waits ? "take_leases_waiting" : "take_leases",
    text: `with me as (select id from workers where id = $2 for key share), free as (
        select id from lanes
        where id = any($1::uuid[]) and leased_by is null and exists (select from me)
        order by id for no key update ${waits ? "" : "skip locked"}
      ), l as (
        update lanes set leased_by = $2, epoch = epoch + 1
        where id = any(array(select id from free)) and leased_by is null
        returning *)
      select t.busy, ${LANE_CONFIG}
      from (
        select asked.ord, asked.id, now.leased_by is null and exists (select from me) as busy
        from unnest($1::uuid[]) with ordinality as asked(id, ord)
        left join lanes now on now.id = asked.id) t
      left join l on l.id = t.id
      left join endpoints e on e.id = l.endpoint_id
      order by t.ord`,
    values: [laneIds, workerId],
  });
  return rows.map(({ busy, ...config }) => {
    if ((config.id as string | null) !== null) return config;
    return busy ? "busy" : "leased";
  });
}

/** Lanes as they are now, while their leases last; lanes with lost leases are missing. */
export async function readLeases(
  reader: Reader,
  leases: readonly { id: string; epoch: string }[],
): Promise<LaneConfig[]> {
  const { rows } = await reader.query<LaneConfig>({
    name: "read_leases",
    text: `select ${LANE_CONFIG} from unnest($1::uuid[], $2::bigint[]) as t(lane_id, lane_epoch)
      join lanes l on l.id = t.lane_id and l.epoch = t.lane_epoch and l.leased_by is not null
      left join endpoints e on e.id = l.endpoint_id`,
    values: [leases.map(({ id }) => id), leases.map(({ epoch }) => epoch)],
  });
  return rows;
}

/** `locked`: no producer shares the lane, and none can until the transaction ends. */
export type LeaseLock = "locked" | "busy" | "lost";

/**
 * The first step to let lanes rest. Never waits: a lane with producers is not at rest. Answers in
 * the order of `leases`.
 */
export async function tryLockLeases(
  tx: Tx,
  leases: readonly { id: string; epoch: string }[],
): Promise<LeaseLock[]> {
  const { rows } = await tx.query<{ id: string; locked: boolean }>({
    name: "try_lock_leases",
    text: `with held as (
        select l.id from unnest($1::uuid[], $2::bigint[]) as t(id, epoch)
        join lanes l on l.id = t.id and l.epoch = t.epoch and l.leased_by is not null
      ), locked as (
        select id from lanes where id = any(array(select id from held)) and leased_by is not null
        order by id for update skip locked)
      select id, id = any(array(select id from locked)) as locked from held`,
    values: [leases.map(({ id }) => id), leases.map(({ epoch }) => epoch)],
  });
  const locked = new Map(rows.map((row) => [row.id, row.locked]));
  return leases.map(({ id }) => {
    const isLocked = locked.get(id);
    if (isLocked === undefined) return "lost";
    return isLocked ? "locked" : "busy";
  });
}

/** The first step to pass a lane on: locks out admins, not producers. False: the lease is lost. */
export async function lockLease(tx: Tx, laneId: string, epoch: string): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "lock_lease",
    text: `select from lanes where id = $1 and epoch = $2 and leased_by is not null
      for no key update`,
    values: [laneId, epoch],
  });
  return rowCount === 1;
}

/**
 * Gives locked leases back. Milliseconds from now: `nextSendMs` until the rate limit allows a send,
 * `successMs`, negative, since the last success.
 */
export async function releaseLeases(
  tx: Tx,
  leases: readonly { id: string; nextSendMs: number | null; successMs: number | null }[],
): Promise<void> {
  await tx.query({
    name: "release_leases",
    text: `update lanes set leased_by = null,
        next_send_at = clock_timestamp() + t.ms * interval '1 millisecond',
        last_success_at = coalesce(clock_timestamp() + t.success_ms * interval '1 millisecond',
          last_success_at)
      from unnest($1::uuid[], $2::float8[], $3::float8[]) as t(id, ms, success_ms)
      where lanes.id = t.id`,
    values: [
      leases.map(({ id }) => id),
      leases.map(({ nextSendMs }) => nextSendMs),
      leases.map(({ successMs }) => successMs),
    ],
  });
}

/** A breaker, and what it was judged by. Times in milliseconds from now, negative when past. */
export interface SavedBreaker {
  failures: number;
  opens: number;
  ms: number | null;
  reason: string | null;
  failedMs: number | null;
  failingMs: number | null;
  successMs: number | null;
  failureMs: number | null;
  failureStatus: number | null;
  failureError: string | null;
  /** Whether its endpoint is to be disabled. */
  disables: boolean;
}

const fromNow = (parameter: string): string =>
  `clock_timestamp() + ${parameter}::float8 * interval '1 millisecond'`;

/**
 * Stores the breaker as the holder of the lane judges it, and disables the endpoint with it, unless
 * an admin has let it begin anew. Returns whether it was disabled.
 */
export async function saveBreaker(
  tx: Tx,
  { id, epoch }: { id: string; epoch: string },
  breaker: SavedBreaker,
): Promise<boolean> {
  const { rows } = await tx.query<{ disabled: boolean }>({
    name: "save_breaker",
    text: `with before as (
        select id, breaker_until, failing_since from lanes
        where id = $1 and epoch = $2 and leased_by is not null for no key update
      ), saved as (
        update lanes l set breaker_failures = $3, breaker_opens = $4,
          breaker_until = ${fromNow("$5")},
          breaker_since = case when $5 is not null then coalesce(breaker_since, clock_timestamp()) end,
          breaker_reason = $6, failed_since = ${fromNow("$7")},
          failing_since = ${fromNow("$8")},
          last_success_at = coalesce(${fromNow("$9")}, last_success_at),
          last_failure_at = coalesce(${fromNow("$10")}, last_failure_at),
          last_failure_status = case when $10::float8 is null then last_failure_status
            else $11::int end,
          last_failure_error = case when $10::float8 is null then last_failure_error
            else $12::text end
        from before b where l.id = b.id
        returning l.account_id, l.endpoint_id, l.origin, l.breaker_until, l.breaker_reason,
          b.breaker_until as until_before, b.failing_since as failing_before
      ), disabled as (
        update endpoints e set state = 'disabled', disabled_reason = 'failing',
          state_since = now(), updated_at = now()
        from saved s where $13::boolean and s.failing_before is not null and e.id = s.endpoint_id
          and e.state = 'active' and e.deleted_at is null
        returning e.id, e.account_id
      ), emitted_of_endpoints as (${emits("disabled", {
        type: "endpoint.updated",
        about: { endpoint_id: "id" },
        data: `'{"state":"disabled","reason":"failing"}'`,
      })}), emitted as (${emits("saved", {
        type: "lane.changed",
        about: { endpoint_id: "endpoint_id" },
        data: `json_build_object('origin', origin,
          'status', case when breaker_until is null then 'healthy' else 'failing' end,
          'reason', breaker_reason, 'until', breaker_until)`,
        where: "breaker_until is distinct from until_before",
      })})
      select exists (select from disabled) as disabled`,
    values: [
      id,
      epoch,
      breaker.failures,
      breaker.opens,
      breaker.ms,
      breaker.reason,
      breaker.failedMs,
      breaker.failingMs,
      breaker.successMs,
      breaker.failureMs,
      breaker.failureStatus,
      breaker.failureError,
      breaker.disables,
    ],
  });
  return rows[0]!.disabled;
}

/** Closes the breaker for an admin: the next send is tried at once. */
export async function closeBreaker(tx: Tx, laneId: string): Promise<void> {
  await tx.query(
    `update lanes set breaker_failures = 0, breaker_opens = 0, breaker_until = null,
       breaker_since = null, breaker_reason = null, failed_since = null, failing_since = null
     where id = $1`,
    [laneId],
  );
}

/** Recovery: takes the leases of a dead worker away and returns their lanes. */
export async function breakLeases(tx: Tx, workerId: string): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `update lanes set leased_by = null, epoch = epoch + 1
     where id in (select id from lanes where leased_by = $1 order by id for no key update)
     returning id`,
    [workerId],
  );
  return rows.map(({ id }) => id);
}

/**
 * The leases that this worker has in the database, for its audit.
 * @param among only these lanes; without it all lanes are read
 */
export async function findLeasesOf(
  reader: Reader,
  workerId: string,
  among?: readonly string[],
): Promise<{ id: string; epoch: string }[]> {
  const { rows } = await reader.query<{ id: string; epoch: string }>(
    `select id, epoch from lanes
     where leased_by = $1 ${among === undefined ? "" : "and id = any($2::uuid[])"}`,
    [workerId, ...(among === undefined ? [] : [among])],
  );
  return rows;
}

/** Ends one lease that its holder does not know of. */
export async function breakLease(tx: Tx, laneId: string, epoch: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update lanes set leased_by = null, epoch = epoch + 1
     where id = $1 and epoch = $2 and leased_by is not null`,
    [laneId, epoch],
  );
  return rowCount === 1;
}
