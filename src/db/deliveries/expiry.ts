import { emits } from "../activity/emits.ts";
import { unindexed } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";

/** Rows of an index that are looked at in one lane. */
const LOOK = 5_000;

/** The limit of lane `l`, whose endpoint is `e`, in seconds; that of an origin's lanes is `$1`. */
const LIMIT = `now() - coalesce(e.give_up_after_s, $1::int) * interval '1 second'`;

/**
 * Deliveries of lane `l` past their age. Before the first attempt that is counted from
 * `next_attempt_at`, in whose order the lane is sent; then from `budget_from`. Callbacks may have
 * limits of their own.
 */
function overAge(limit: number): string {
  const pending = "deliveries where lane_id = l.id and status = 'pending'";
  return `(select id from (select id, give_up_at from ${pending} and next_attempt_at < ${LIMIT}
        order by next_attempt_at, id limit ${LOOK}) waiting
      where give_up_at is null limit ${limit})
    union all
    (select id from (select id, give_up_at from ${pending} and budget_from is not null
        and budget_from < ${LIMIT} order by budget_from limit ${LOOK}) retried
      where give_up_at is null limit ${limit})
    union all
    (select id from ${pending} and give_up_at is not null and give_up_at < now()
      order by give_up_at limit ${limit})`;
}

/**
 * The lanes that nobody holds and that have deliveries past their age, among the next `limit` lanes
 * with pending deliveries. `last`: the last lane examined; null: there are no more.
 */
export async function findLanesOverAge(
  reader: Reader,
  look: { defaultS: number; after: string | null; limit: number },
): Promise<{ lanes: string[]; last: string | null }> {
  const { rows } = await reader.query<{ id: string; over: boolean }>({
    name: "find_lanes_over_age",
    text: `with recursive waiting(id) as (
        (select lane_id from deliveries
         where status = 'pending'
           and lane_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
         order by lane_id limit 1)
        union all
        select (select d.lane_id from deliveries d
                where d.status = 'pending' and d.lane_id > w.id order by d.lane_id limit 1)
        from waiting w where w.id is not null
      )
      select w.id, l.leased_by is null and e.deleted_at is null and exists (${overAge(1)}) as over
      from (select id from waiting where id is not null limit $3) w
      join lanes l on l.id = w.id
      left join endpoints e on e.id = l.endpoint_id`,
    values: [look.defaultS, look.after, look.limit],
  });
  return {
    lanes: rows.filter(({ over }) => over).map(({ id }) => id),
    last: rows.length === look.limit ? rows.at(-1)!.id : null,
  };
}

/**
 * Locks a lane that nobody holds: until the transaction ends its lease is not taken, so nothing of
 * it is in flight. Null: it is held, or others change it just now.
 */
export async function lockFreeLane(
  tx: Tx,
  laneId: string,
): Promise<{ ordered: boolean; give_up_after_s: number | null } | null> {
  const { rows } = await tx.query<{ ordered: boolean; give_up_after_s: number | null }>({
    name: "lock_free_lane",
    text: `select l.ordered, e.give_up_after_s
      from lanes l left join endpoints e on e.id = l.endpoint_id
      where l.id = $1 and l.leased_by is null and e.deleted_at is null
      for no key update of l skip locked`,
    values: [laneId],
  });
  return rows[0] ?? null;
}

/** A delivery that was given up. */
export interface ExpiredDelivery {
  id: string;
  account_id: string;
  endpoint_id: string | null;
}

/** Makes some deliveries of a locked lane past their age dead letters. */
export async function expireDeliveries(
  tx: Tx,
  laneId: string,
  order: { defaultS: number; limit: number; detail: string; detailOfOwn: string },
): Promise<ExpiredDelivery[]> {
  const { rows } = await tx.query<ExpiredDelivery>({
    name: `expire_deliveries_${order.limit}`,
    text: `with expired as (
        update deliveries set status = 'dead', next_attempt_at = null, finished_at = now(),
          manual = false, scheduled_at = null
        where id = any(array(
            select over.id from lanes l left join endpoints e on e.id = l.endpoint_id
            cross join lateral (${overAge(order.limit)}) over
            where l.id = $2 limit ${order.limit}))
          and ${unindexed("status")} = 'pending'
        returning id, account_id, endpoint_id, job_id, message_id, attempt_count, give_up_at
      ), dead_lettered as (
        insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
        select id, account_id, endpoint_id, 'expired',
          case when give_up_at is null then $3 else $4 end from expired
      ), emitted as (${emits("expired", {
        type: "delivery.dead",
        about: {
          job_id: "job_id",
          message_id: "message_id",
          delivery_id: "id",
          endpoint_id: "endpoint_id",
        },
        data: `json_build_object('outcome', 'dead', 'attempt', attempt_count, 'reason', 'expired')`,
      })})
      select id, account_id, endpoint_id from expired`,
    values: [order.defaultS, laneId, order.detail, order.detailOfOwn],
  });
  return rows;
}
