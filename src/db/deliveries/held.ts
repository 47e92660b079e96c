import { CAPPED_AT } from "../../core/capped-count.ts";
import { ENDPOINT_DEFAULTS } from "../../core/endpoint.ts";
import { TAKEN_UP_WITHIN_MS } from "../../core/held.ts";
import type { HeldFacts } from "../../core/held.ts";
import type { Delivery } from "../../core/model.ts";
import { unindexed } from "../rows.ts";
import type { Reader } from "../transaction.ts";
import { conditionsOf, DELIVERY_COLUMNS, DELIVERY_SOURCES } from "./deliveries.ts";
import type { DeliveryFilter } from "./deliveries.ts";
import { HELD_ON_PURPOSE, LANES } from "./lane-due.ts";

const MOST_IN_FLIGHT = `coalesce(e.max_in_flight, ${ENDPOINT_DEFAULTS.max_in_flight})`;

export type HeldRow = HeldFacts & {
  id: string;
  /** All that is pending in its lane, counted up to a cap; null: not asked for. */
  lane_pending: number | null;
};

/**
 * What decides why pending deliveries wait, of those, among these ids, that are still pending.
 * @param counted whether to count what waits in the lane as well
 */
export async function listHeldFacts(
  reader: Reader,
  ids: readonly string[],
  counted: boolean,
): Promise<HeldRow[]> {
  const { rows } = await reader.query<HeldRow>({
    name: "list_held_facts",
    text: `select d.id, d.next_attempt_at, e.state as endpoint_state,
        e.deleted_at is not null as endpoint_deleted, e.state_since, e.disabled_reason,
        e.rate_limit_per_s, ${MOST_IN_FLIGHT} as max_in_flight, l.breaker_failures, l.breaker_since,
        l.breaker_until, l.breaker_reason, l.next_send_at, l.ordered,
        l.leased_by is not null as leased,
        case when l.ordered then (
          select json_build_object('id', id, 'next_attempt_at', next_attempt_at) from deliveries
          where lane_id = l.id and status = 'pending' and lane_position is not null
          order by lane_position, id limit 1) end as first,
        case when l.leased_by is not null and not l.ordered
            and d.next_attempt_at < now() - interval '${TAKEN_UP_WITHIN_MS} milliseconds' then (
          select count(*)::int from (
            select from deliveries
            where lane_id = l.id and status = 'pending'
              and (next_attempt_at, id) < (d.next_attempt_at, d.id)
            order by next_attempt_at, id limit ${MOST_IN_FLIGHT}) before) end as before,
        case when $2 then (
          select count(*)::int from (
            select from deliveries where lane_id = l.id and status = 'pending'
            limit ${CAPPED_AT + 1}) pending) end as lane_pending,
        (select count(*)::int from workers
         where 'deliver' = any(roles) and heartbeat_at > now() - interval '10 seconds') as deliverers
      from unnest($1::uuid[]) as t(id)
      cross join lateral (
        select id, lane_id, next_attempt_at from deliveries
        where id = t.id and ${unindexed("status")} = 'pending' offset 0) d
      cross join lateral (select * from lanes where id = d.lane_id offset 0) l
      left join endpoints e on e.id = l.endpoint_id`,
    values: [ids, counted],
  });
  return rows;
}

/** The most pending deliveries that one look for held ones goes through. */
const HELD_WALK = 10_000;

/**
 * The pending deliveries that are held on purpose, newest first, among the next `HELD_WALK` pending
 * ones. `stoppedAt`: the last that was looked at, when there may be more behind it.
 */
export async function listHeldDeliveries(
  reader: Reader,
  accountId: string,
  filter: Omit<DeliveryFilter, "statuses">,
): Promise<{ rows: Delivery[]; stoppedAt: string | null }> {
  const values: unknown[] = [accountId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = conditionsOf({ ...filter, statuses: ["pending"] }, bind);
  const { rows } = await reader.query<Delivery & { stopped_at: string | null }>(
    `with holding as materialized (
       select id from lanes where account_id = $1 and breaker_until is not null
       union all
       select lane_id from endpoints
       where account_id = $1 and state = 'paused' and deleted_at is null
     ), walked as materialized (
       select d.id, d.lane_id, d.next_attempt_at from deliveries d
       where ${where.join(" and ")} and (select true from holding limit 1)
       order by d.id desc limit ${HELD_WALK}
     ), chosen as (
       select d.id from walked d cross join lateral (
         select ${HELD_ON_PURPOSE} as reason from ${LANES} where l.id = d.lane_id offset 0) held
       where d.lane_id = any(array(select id from holding)) and reason is not null
       order by d.id desc limit ${bind(filter.limit)}
     )
     select stopped.id as stopped_at, shown.* from (
       select (select id from walked order by id desc offset ${HELD_WALK - 1} limit 1) as id) stopped
     left join (
       select ${DELIVERY_COLUMNS} from ${DELIVERY_SOURCES}
       where d.id = any(array(select id from chosen))) shown on true
     order by shown.id desc`,
    values,
  );
  const stoppedAt = rows[0]!.stopped_at;
  return {
    rows: rows.filter(({ id }) => (id as string | null) !== null),
    stoppedAt,
  };
}
