import { CHANGE_STEP } from "./deliveries.ts";
import type { Reader, Tx } from "../transaction.ts";

/**
 * Takes `counts` positions in ordered lanes and returns the last one taken in each. The lock on the
 * counter lasts until commit, so positions follow the order of commits.
 */
export async function takePositions(
  tx: Tx,
  counts: ReadonlyMap<string, number>,
): Promise<Map<string, bigint>> {
  const ids = [...counts.keys()].sort();
  const { rows } = await tx.query<{ lane_id: string; last_position: string }>({
    name: "take_positions",
    text: `insert into lane_positions as p (lane_id, last_position)
      select * from unnest($1::uuid[], $2::bigint[]) as t(lane_id, count) order by lane_id
      on conflict (lane_id) do update set last_position = p.last_position + excluded.last_position
      returning lane_id, last_position`,
    values: [ids, ids.map((id) => counts.get(id))],
  });
  return new Map(rows.map(({ lane_id, last_position }) => [lane_id, BigInt(last_position)]));
}

/** The next transaction id, and the oldest one of a transaction that still runs. */
export async function readTransactionIds(
  reader: Reader,
): Promise<{ next: bigint; oldest: bigint }> {
  const { rows } = await reader.query<{ next: string; oldest: string }>(
    `select pg_snapshot_xmax(s)::text as next, pg_snapshot_xmin(s)::text as oldest
     from pg_current_snapshot() s`,
  );
  return { next: BigInt(rows[0]!.next), oldest: BigInt(rows[0]!.oldest) };
}

/** The last delivery that a walk over the pending ones of a lane has seen. */
export interface WalkCursor {
  next_attempt_at: string;
  id: string;
}

/**
 * Makes one step of such a walk: deliveries that were made before their lane became ordered get
 * positions by age, before all that are counted since. Only under the lease. Returns where to go on;
 * null: these were the last.
 */
export async function positionPending(
  tx: Tx,
  lease: { id: string; epoch: string },
  after: WalkCursor | null,
): Promise<WalkCursor | null> {
  const { rows } = await tx.query<WalkCursor & { count: number }>({
    name: "position_pending",
    text: `with lane as (
        select ordering_upto from lanes where id = $1 and epoch = $2 and leased_by is not null
        for share
      ), step as (
        select id, next_attempt_at, lane_position from deliveries
        where lane_id = $1 and status = 'pending'
          and (next_attempt_at, id) > (coalesce($3::timestamptz, '-infinity'), coalesce($4::uuid,
            '00000000-0000-0000-0000-000000000000'))
        order by next_attempt_at, id limit ${CHANGE_STEP}
      ), free as (
        -- a delivery that is being settled or replayed meanwhile gets its position by that
        select id from deliveries
        where id = any(array(select step.id from step, lane
          where lane_position is null or lane_position between 1 and ordering_upto))
        order by id for no key update skip locked
      ), placed as (
        update deliveries set lane_position = position_by_age(id)
        where id = any(array(select id from free))
      )
      select next_attempt_at::text, id, (select count(*)::int from step) as count from step
      where exists (select from lane)
      order by step.next_attempt_at desc, id desc limit 1`,
    values: [lease.id, lease.epoch, after?.next_attempt_at ?? null, after?.id ?? null],
  });
  const last = rows[0];
  return last === undefined || last.count < CHANGE_STEP ? null : last;
}

/** Ends the walk: all have their positions, unless order was switched on once more meanwhile. */
export async function endOrdering(
  tx: Tx,
  lane: { id: string; epoch: string; ordering_xid: string | null },
): Promise<void> {
  await tx.query({
    name: "end_ordering",
    text: `update lanes set ordering_xid = null, ordering_upto = null
      where id = $1 and epoch = $2 and leased_by is not null and ordering_xid = $3`,
    values: [lane.id, lane.epoch, lane.ordering_xid],
  });
}
