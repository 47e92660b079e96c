import { rowsAs } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";
import { LANE_DUE, waitingLanes } from "./lane-due.ts";

/** A destination of ad-hoc callback URLs. Ordered callbacks have a lane of their own. */
export interface OriginLane {
  accountId: string;
  origin: string;
  ordered: boolean;
}

const ORIGIN_LANES = rowsAs<OriginLane & { newId: string }>("t", {
  new_id: ["uuid", (lane) => lane.newId],
  account_id: ["uuid", (lane) => lane.accountId],
  origin: "text",
  ordered: "boolean",
});

/** Makes the lanes that are missing. */
export async function insertOriginLanes(
  tx: Tx,
  lanes: readonly (OriginLane & { newId: string })[],
): Promise<void> {
  await tx.query({
    name: "insert_origin_lanes",
    text: `insert into lanes (id, account_id, origin, ordered)
      select * from ${ORIGIN_LANES.sql}
      order by account_id, origin, ordered
      on conflict (account_id, origin, ordered) where endpoint_id is null do nothing`,
    values: ORIGIN_LANES.values(lanes),
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
 * Shares the rows of lanes until commit, as every producer does before it makes a delivery due. The
 * holder of the lease lets the lane rest only with the row `for update`, so either its look sees
 * the delivery, or the lane is not left to rest (docs/architecture.md, "No wake-up is lost"). A
 * lane that is leased needs no wake-up.
 */
export async function shareLanes(tx: Tx, ids: readonly string[]): Promise<Map<string, SharedLane>> {
  const { rows } = await tx.query<SharedLane & { id: string }>({
    name: "share_lanes",
    text: `select id, ordered, leased_by from lanes
      where id = any($1::uuid[]) order by id for key share`,
    values: [ids],
  });
  return new Map(rows.map(({ id, ...lane }) => [id, lane]));
}

export interface SharedLane {
  ordered: boolean;
  /** The worker that pumps the lane. */
  leased_by: string | null;
}

/**
 * Locks lanes for an admin's change: until the transaction ends, leases are neither taken nor left,
 * and settlements and other admins wait. Producers neither wait nor are waited for.
 */
export async function lockLanes(tx: Tx, laneIds: readonly string[]): Promise<void> {
  await tx.query(`select from lanes where id = any($1::uuid[]) order by id for no key update`, [
    laneIds,
  ]);
}

/**
 * Switches order on or off. Deliveries pending at the switch, and those of transactions that don't
 * know of it yet, get their positions from the holder of the lane (`positionPending`).
 */
export async function setLaneOrder(tx: Tx, laneId: string, ordered: boolean): Promise<void> {
  await tx.query(
    `update lanes set ordered = $2,
       ordering_xid = case when $2 then pg_current_xact_id()::text::bigint end,
       ordering_upto = case when $2 then
         coalesce((select last_position from lane_positions where lane_id = $1), 0) end
     where id = $1`,
    [laneId, ordered],
  );
}

/** A lane without a lease, and the epoch of its last one. */
export interface FreeLane {
  id: string;
  epoch: string;
}

export interface StarvedLanes {
  /** Lanes with overdue work that nobody holds. */
  starved: FreeLane[];
  /** The last lane examined; null: there are no more. */
  last: string | null;
}

/**
 * Lanes with overdue work that nobody holds, whether or not a wake-up waits for them, among the
 * next `limit` lanes with pending deliveries.
 */
export async function findStarvedLanes(
  reader: Reader,
  look: { overdueMs: number; after: string | null; limit: number },
): Promise<StarvedLanes> {
  const { rows } = await reader.query<FreeLane & { starved: boolean }>({
    name: "find_starved_lanes",
    text: `with recursive ${waitingLanes("coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')")}
      select w.id, l.epoch, l.leased_by is null
        and coalesce(${LANE_DUE} < t.overdue, false) as starved
      from (select id from waiting where id is not null limit $3) w
      cross join (select now() - $1 * interval '1 millisecond' as overdue) t
      join lanes l on l.id = w.id
      left join endpoints e on e.id = l.endpoint_id`,
    values: [look.overdueMs, look.after, look.limit],
  });
  return {
    starved: rows.filter(({ starved }) => starved),
    last: rows.length === look.limit ? rows.at(-1)!.id : null,
  };
}

/** The lanes, of these, that nobody has leased since. */
export async function findStillFree(reader: Reader, lanes: readonly FreeLane[]): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>({
    name: "find_still_free_lanes",
    text: `select l.id from unnest($1::uuid[], $2::bigint[]) as free(id, epoch)
      join lanes l on l.id = free.id and l.epoch = free.epoch and l.leased_by is null`,
    values: [lanes.map(({ id }) => id), lanes.map(({ epoch }) => epoch)],
  });
  return rows.map(({ id }) => id);
}
