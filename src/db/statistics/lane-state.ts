/**
 * The state of a lane. An admin's order stands before the breaker. `l` is the alias of a row of
 * `lanes`, `e` the alias of its endpoint, which may be null.
 */
export const LANE_STATE = `case
  when e.state in ('paused', 'disabled') then e.state
  when l.breaker_until > now() then 'broken' else 'ok' end`;
