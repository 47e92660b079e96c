import type { EndpointState, RetryPolicy } from "../core/model.ts";
import type { Reader, Tx } from "./transaction.ts";

/** A destination of ad-hoc callback URLs. Ordered callbacks have a lane of their own. */
export interface OriginLane {
  accountId: string;
  origin: string;
  ordered: boolean;
}

/** Makes the lanes that are missing and returns the ids of all, in the order asked. */
export async function ensureOriginLanes(
  tx: Tx,
  lanes: readonly (OriginLane & { newId: string })[],
): Promise<string[]> {
  const values = [
    lanes.map((l) => l.newId),
    lanes.map((l) => l.accountId),
    lanes.map((l) => l.origin),
    lanes.map((l) => l.ordered),
  ];
  const find = {
    name: "find_origin_lanes",
    text: `select l.id from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[])
        with ordinality as t(new_id, account_id, origin, ordered, place)
      left join lanes l on l.account_id = t.account_id and l.origin = t.origin
        and l.ordered = t.ordered and l.endpoint_id is null
      order by t.place`,
    values,
  };
  const found = await tx.query<{ id: string | null }>(find);
  if (found.rows.every(({ id }) => id !== null)) return found.rows.map(({ id }) => id!);
  await tx.query({
    name: "insert_origin_lanes",
    text: `insert into lanes (id, account_id, origin, ordered)
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[])
        as t(new_id, account_id, origin, ordered)
      order by account_id, origin, ordered
      on conflict (account_id, origin, ordered) where endpoint_id is null do nothing`,
    values,
  });
  const made = await tx.query<{ id: string }>(find);
  return made.rows.map(({ id }) => id);
}

export async function insertEndpointLane(
  tx: Tx,
  lane: { id: string; accountId: string; endpointId: string; ordered: boolean },
): Promise<void> {
  await tx.query(
    `insert into lanes (id, account_id, endpoint_id, ordered) values ($1, $2, $3, $4)`,
    [lane.id, lane.accountId, lane.endpointId, lane.ordered],
  );
}

/**
 * What every producer does before it makes a delivery due: hold the lane's row until commit. The
 * holder of the lease takes the row `for update` before its last look, so either that look sees
 * the delivery, or the producer's wake-up comes after the holder's plan. Without it the plan
 * could overwrite the wake-up (docs/architecture.md, "No wake-up is lost").
 */
export async function holdLanes(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, { ordered: boolean }>> {
  const { rows } = await tx.query<{ id: string; ordered: boolean }>({
    name: "hold_lanes",
    text: `select id, ordered from lanes where id = any($1::uuid[]) order by id for key share`,
    values: [ids],
  });
  return new Map(rows.map(({ id, ordered }) => [id, { ordered }]));
}

/**
 * Takes `counts` places in ordered lanes and returns the last place taken in each. The row lock
 * lasts until commit, so places follow the order of commits.
 */
export async function takePlaces(
  tx: Tx,
  counts: ReadonlyMap<string, number>,
): Promise<Map<string, bigint>> {
  const ids = [...counts.keys()].sort();
  await tx.query(`select 1 from lanes where id = any($1::uuid[]) order by id for no key update`, [
    ids,
  ]);
  const { rows } = await tx.query<{ id: string; last_seq: string }>(
    `update lanes set last_seq = last_seq + t.count
     from unnest($1::uuid[], $2::int[]) as t(lane_id, count)
     where id = t.lane_id returning id, last_seq`,
    [ids, ids.map((id) => counts.get(id))],
  );
  return new Map(rows.map(({ id, last_seq }) => [id, BigInt(last_seq)]));
}

/** Keeps producers and the lease away until the transaction ends. Returns the last place taken. */
export async function lockLane(tx: Tx, laneId: string): Promise<string> {
  const { rows } = await tx.query<{ last_seq: string }>(
    `select last_seq from lanes where id = $1 for update`,
    [laneId],
  );
  return rows[0]!.last_seq;
}

/** Turns order on or off; `placed` deliveries got places after the last one. */
export async function setLaneOrder(
  tx: Tx,
  laneId: string,
  ordered: boolean,
  placed: number,
): Promise<void> {
  await tx.query(`update lanes set ordered = $2, last_seq = last_seq + $3 where id = $1`, [
    laneId,
    ordered,
    placed,
  ]);
}

/** What the holder of a lane knows of its destination. */
export interface LaneConfig {
  id: string;
  account_id: string;
  endpoint_id: string | null;
  epoch: string;
  ordered: boolean;
  /** Null for ad-hoc lanes: each delivery has its own URL. */
  url: string | null;
  headers: Record<string, string> | null;
  max_in_flight: number | null;
  rate_limit_per_s: number | null;
  timeout_s: number | null;
  retry: RetryPolicy | null;
  endpoint_state: EndpointState | null;
  endpoint_deleted: boolean;
  breaker_failures: number;
  breaker_opens: number;
  /** Milliseconds from now, negative when past; null: closed. */
  breaker_ms: number | null;
  breaker_reason: string | null;
  /** Milliseconds from now until the rate limit allows a send. */
  next_send_ms: number | null;
  sealed_secrets: string[];
  sealed_private_key: string;
}

const LANE_CONFIG = `l.id, l.account_id, l.endpoint_id, l.epoch, l.ordered,
  e.url, e.headers, e.max_in_flight, e.rate_limit_per_s, e.timeout_s, e.retry,
  e.state as endpoint_state, e.deleted_at is not null as endpoint_deleted, l.breaker_failures, l.breaker_opens,
  l.breaker_reason,
  (extract(epoch from l.breaker_until - clock_timestamp()) * 1000)::float8 as breaker_ms,
  (extract(epoch from l.next_send_at - clock_timestamp()) * 1000)::float8 as next_send_ms,
  a.sealed_private_key,
  array(select s.sealed from signing_secrets s
        where s.account_id = l.account_id and s.endpoint_id is not distinct from l.endpoint_id
          and (s.expires_at is null or s.expires_at > now())
        order by s.id desc) as sealed_secrets`;

/** T4: the lease, if nobody has it. The worker's row is held against its burial. */
export async function takeLease(
  tx: Tx,
  laneId: string,
  workerId: string,
): Promise<LaneConfig | null> {
  const { rows } = await tx.query<LaneConfig>({
    name: "take_lease",
    text: `with me as (select id from workers where id = $2 for key share), l as (
        update lanes set leased_by = $2, epoch = epoch + 1
        where id = $1 and leased_by is null and exists (select from me)
        returning *)
      select ${LANE_CONFIG} from l
      join accounts a on a.id = l.account_id
      left join endpoints e on e.id = l.endpoint_id`,
    values: [laneId, workerId],
  });
  return rows[0] ?? null;
}

/** The lane as it is now, while the lease lasts; null: it is lost. */
export async function readLease(
  reader: Reader,
  laneId: string,
  epoch: string,
): Promise<LaneConfig | null> {
  const { rows } = await reader.query<LaneConfig>({
    name: "read_lease",
    text: `select ${LANE_CONFIG} from lanes l
      join accounts a on a.id = l.account_id
      left join endpoints e on e.id = l.endpoint_id
      where l.id = $1 and l.epoch = $2 and l.leased_by is not null`,
    values: [laneId, epoch],
  });
  return rows[0] ?? null;
}

export const NUDGES = "ringback_nudges";

/** Tells the holder of a lane, in whichever process, that a wake-up came for it. */
export async function nudgeHolder(tx: Tx, laneId: string): Promise<void> {
  await tx.query({
    name: "nudge_holder",
    text: `select pg_notify('${NUDGES}', $1)`,
    values: [laneId],
  });
}

/** Keeps producers out until the transaction ends; false: the lease is lost. */
export async function lockLease(tx: Tx, laneId: string, epoch: string): Promise<boolean> {
  const { rowCount } = await tx.query({
    name: "lock_lease",
    text: `select 1 from lanes where id = $1 and epoch = $2 and leased_by is not null for update`,
    values: [laneId, epoch],
  });
  return rowCount === 1;
}

/** @param nextSendMs milliseconds from now until the rate limit allows a send */
export async function releaseLease(
  tx: Tx,
  laneId: string,
  nextSendMs: number | null,
): Promise<void> {
  await tx.query({
    name: "release_lease",
    text: `update lanes set leased_by = null,
        next_send_at = clock_timestamp() + $2 * interval '1 millisecond'
      where id = $1`,
    values: [laneId, nextSendMs],
  });
}

/** What the holder of a lane makes of its breaker. `ms` from now until it ends. */
export async function saveBreaker(
  tx: Tx,
  { id, epoch }: { id: string; epoch: string },
  breaker: { failures: number; opens: number; ms: number | null; reason: string | null },
): Promise<void> {
  await tx.query({
    name: "save_breaker",
    text: `update lanes set breaker_failures = $3, breaker_opens = $4,
        breaker_until = clock_timestamp() + $5 * interval '1 millisecond', breaker_reason = $6
      where id = $1 and epoch = $2 and leased_by is not null`,
    values: [id, epoch, breaker.failures, breaker.opens, breaker.ms, breaker.reason],
  });
}

/** An admin's hand on the breaker: the next send is tried at once. */
export async function closeBreaker(tx: Tx, laneId: string): Promise<void> {
  await tx.query(
    `update lanes set breaker_failures = 0, breaker_opens = 0, breaker_until = null,
       breaker_reason = null where id = $1`,
    [laneId],
  );
}

/** Burial: takes the leases of a dead worker away and returns their lanes. */
export async function breakLeases(tx: Tx, workerId: string): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `update lanes set leased_by = null, epoch = epoch + 1
     where id in (select id from lanes where leased_by = $1 order by id for update)
     returning id`,
    [workerId],
  );
  return rows.map(({ id }) => id);
}

/** Lanes with something overdue that nobody holds and no queue entry will wake. */
export async function findForgottenLanes(
  reader: Reader,
  overdueMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select l.id from lanes l
     left join endpoints e on e.id = l.endpoint_id
     left join graphile_worker.jobs q on q.key = 'pump-lane:' || l.id
       and coalesce(q.locked_at, 'infinity') > now() - $1 * interval '1 millisecond'
       and q.attempts < q.max_attempts
       and q.run_at <= greatest(now(), l.breaker_until, l.next_send_at)
     where l.leased_by is null and q.id is null
       and coalesce(e.state, 'active') <> 'paused'
       and coalesce(l.breaker_until, '-infinity') < now() - $1 * interval '1 millisecond'
       and coalesce(l.next_send_at, '-infinity') < now() - $1 * interval '1 millisecond'
       and case when l.ordered then
         (select next_attempt_at from deliveries
          where lane_id = l.id and status = 'pending' and lane_seq is not null
          order by lane_seq, id limit 1) < now() - $1 * interval '1 millisecond'
       else exists (select 1 from deliveries
          where lane_id = l.id and status = 'pending'
            and next_attempt_at < now() - $1 * interval '1 millisecond') end
     limit $2`,
    [overdueMs, limit],
  );
  return rows.map(({ id }) => id);
}

/** For metrics. */
export async function countTroubledLanes(
  reader: Reader,
): Promise<{ broken: number; paused: number; leased: number }> {
  const { rows } = await reader.query<{ broken: number; paused: number; leased: number }>(
    `select count(*) filter (where l.breaker_until > now())::int as broken,
       count(*) filter (where e.state = 'paused')::int as paused,
       count(*) filter (where l.leased_by is not null)::int as leased
     from lanes l left join endpoints e on e.id = l.endpoint_id and e.deleted_at is null`,
  );
  return rows[0]!;
}

/** Leases of this worker as the database knows them, for the audit of its own. */
export async function findLeasesOf(
  reader: Reader,
  workerId: string,
): Promise<{ id: string; epoch: string }[]> {
  const { rows } = await reader.query<{ id: string; epoch: string }>(
    `select id, epoch from lanes where leased_by = $1`,
    [workerId],
  );
  return rows;
}

/** Gives up one lease that its holder does not know of. */
export async function breakLease(tx: Tx, laneId: string, epoch: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update lanes set leased_by = null, epoch = epoch + 1
     where id = $1 and epoch = $2 and leased_by is not null`,
    [laneId, epoch],
  );
  return rowCount === 1;
}
