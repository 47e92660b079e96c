import type { Reader, Tx } from "./transaction.ts";

/** A destination of ad-hoc callback URLs. Ordered callbacks have a lane of their own. */
export interface OriginLane {
  accountId: string;
  origin: string;
  ordered: boolean;
}

/** Makes those that are missing. */
export async function insertOriginLanes(
  tx: Tx,
  lanes: readonly (OriginLane & { newId: string })[],
): Promise<void> {
  await tx.query({
    name: "insert_origin_lanes",
    text: `insert into lanes (id, account_id, origin, ordered)
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[])
        as t(new_id, account_id, origin, ordered)
      order by account_id, origin, ordered
      on conflict (account_id, origin, ordered) where endpoint_id is null do nothing`,
    values: [
      lanes.map((l) => l.newId),
      lanes.map((l) => l.accountId),
      lanes.map((l) => l.origin),
      lanes.map((l) => l.ordered),
    ],
  });
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
 * could overwrite the wake-up (docs/architecture.md, "No wake-up is lost"). A lane that is leased
 * needs none: its holder can't leave before this transaction has ended, and looks when it does.
 */
export async function holdLanes(tx: Tx, ids: readonly string[]): Promise<Map<string, HeldLane>> {
  const { rows } = await tx.query<HeldLane & { id: string }>({
    name: "hold_lanes",
    text: `select id, ordered, leased_by from lanes
      where id = any($1::uuid[]) order by id for key share`,
    values: [ids],
  });
  return new Map(rows.map(({ id, ...lane }) => [id, lane]));
}

export interface HeldLane {
  ordered: boolean;
  /** The worker that pumps it. */
  leased_by: string | null;
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
