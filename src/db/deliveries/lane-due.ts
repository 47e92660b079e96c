/**
 * The rules for when a lane is due and how it is, as fragments of SQL. `l` is the alias of a row of
 * `lanes`, `e` the alias of its endpoint, which may be null (a lane of an origin).
 */

/** The time of the delivery that is first in ordered lane `l`. */
const FIRST_IN_ORDER = `case when l.ordered then
    (select next_attempt_at from deliveries
     where lane_id = l.id and status = 'pending' and lane_position is not null
     order by lane_position, id limit 1)
  end`;

/** The time of the delivery that lane `l` sends next; null: nothing is pending. */
export const NEXT_IN_LANE = nextInLane(`
  (select next_attempt_at from deliveries where lane_id = l.id and status = 'pending'
   order by next_attempt_at, id limit 1)`);

/** @param earliest SQL of the earliest time of the lane's pending deliveries */
function nextInLane(earliest: string): string {
  return `coalesce(${FIRST_IN_ORDER}, ${earliest})`;
}

/** Whether an admin holds lane `l` back. */
const IS_PAUSED = `(coalesce(e.state, 'active') = 'paused' and e.deleted_at is null)`;

function dueFrom(next: string): string {
  return `(select greatest(next.at, l.breaker_until, l.next_send_at)
  from (select ${next} as at) next
  where next.at is not null and not ${IS_PAUSED})`;
}

/**
 * The time from which lane `l` has work that neither the breaker nor the rate limit delays. Null:
 * nothing is pending, or the endpoint is paused. What is held on purpose is not late.
 */
export const LANE_DUE = dueFrom(NEXT_IN_LANE);

/** The same of a lane whose earliest pending delivery is known. @param earliest SQL of its time */
export function laneDueFrom(earliest: string): string {
  return dueFrom(nextInLane(earliest));
}

/** The status of lane `l`, as `endpointStatus` in src/core/endpoint.ts. */
export const ENDPOINT_STATUS = `case
  when e.state in ('paused', 'disabled') then e.state
  when l.breaker_until is not null or l.failing_since is not null then 'failing' else 'healthy' end`;

/** The reason why delivery `d` of lane `l` is held on purpose; null: it is not. */
export const HELD_ON_PURPOSE = `case
  when ${IS_PAUSED} then 'paused'
  when d.next_attempt_at <= greatest(l.breaker_until, now()) and l.breaker_until is not null
    then 'breaker_open' end`;

/** Lanes and their endpoints, under the aliases that the fragments use. */
export const LANES = `lanes l left join endpoints e on e.id = l.endpoint_id`;

/**
 * `waiting(id)`, a recursive part of a statement: the lanes with something pending, in order of id
 * and one by one, so a reader of some looks at no more; a null is at their end.
 * @param after SQL of the id to begin behind
 */
export function waitingLanes(after: string): string {
  return `waiting(id) as (
        (select lane_id from deliveries
         where status = 'pending' and lane_id > ${after} order by lane_id limit 1)
        union all
        select (select d.lane_id from deliveries d
                where d.status = 'pending' and d.lane_id > w.id order by d.lane_id limit 1)
        from waiting w where w.id is not null
      )`;
}
