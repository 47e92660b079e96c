/**
 * The rule for when a lane is due, as fragments of SQL. `l` is the alias of a row of `lanes`, `e`
 * the alias of its endpoint, which may be null (a lane of an origin).
 */

/** The time of the delivery that lane `l` sends next; null: nothing is pending. */
export const NEXT_IN_LANE = `coalesce(
  case when l.ordered then
    (select next_attempt_at from deliveries
     where lane_id = l.id and status = 'pending' and lane_position is not null
     order by lane_position, id limit 1)
  end,
  (select next_attempt_at from deliveries where lane_id = l.id and status = 'pending'
   order by next_attempt_at, id limit 1))`;

/**
 * The time from which lane `l` has work that neither the breaker nor the rate limit delays. Null:
 * nothing is pending, or the endpoint is paused.
 */
export const LANE_DUE = `(select greatest(next.at, l.breaker_until, l.next_send_at)
  from (select ${NEXT_IN_LANE} as at) next
  where next.at is not null
    and (coalesce(e.state, 'active') <> 'paused' or e.deleted_at is not null))`;

/** Lanes and their endpoints, under the aliases that the fragments use. */
export const LANES = `lanes l left join endpoints e on e.id = l.endpoint_id`;
