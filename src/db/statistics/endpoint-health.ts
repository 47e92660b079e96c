import { HEALTH_CAPPED_AT } from "../../core/capped-count.ts";
import { counterSlot } from "../../core/stats.ts";
import type { Reader } from "../transaction.ts";

export interface EndpointHealth {
  id: string;
  /** At most one more than is shown. */
  pending: number;
  dead: number;
  /** Sums of the counters of a day. Null: nothing was counted. */
  counts: number[] | null;
  last_success_at: Date | null;
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
/** As long as minutes are kept. */
const WEEK_HOURS = 168;

/** A count of rows, up to one more than is shown. */
function capped(rows: string): string {
  return `(select count(*)::int from (select from ${rows} limit ${HEALTH_CAPPED_AT + 1}) capped)`;
}

/** Rows of one endpoint, one step and one time. */
function statsAt(stepS: number, at: string): string {
  return `(select counts from stats where account_id = $1 and step_s = ${stepS} and at = ${at}
    and endpoint_id = page.id offset 0)`;
}

const DELIVERED = `counts[${counterSlot("deliveries.delivered") + 1}] > 0`;

/** Figures of the endpoints of a page. Each is a few look-ups by key, whatever their traffic. */
export async function listEndpointHealth(
  reader: Reader,
  accountId: string,
  endpoints: readonly { id: string; lane_id: string }[],
  now: Date,
): Promise<EndpointHealth[]> {
  const hour = Math.floor(now.getTime() / HOUR_MS) * HOUR_MS;
  const hours = (count: number): Date[] =>
    Array.from({ length: count }, (_, ago) => new Date(hour - ago * HOUR_MS));
  const { rows } = await reader.query<EndpointHealth>(
    `select page.id,
       ${capped("deliveries d where d.lane_id = page.lane_id and d.status = 'pending'")} as pending,
       ${capped(`dead_letters where account_id = $1 and endpoint_id = page.id
         and discarded_at is null`)} as dead,
       day.counts, coalesce(minute.at, hour.at) as last_success_at
     from unnest($2::uuid[], $3::uuid[]) as page(id, lane_id)
     left join lateral (
       select array_agg(sum order by ord) as counts from (
         select c.ord, sum(c.count)::float8 as sum
         from unnest($4::timestamptz[]) as h(at) cross join lateral ${statsAt(3_600, "h.at")} s
         cross join unnest(s.counts) with ordinality as c(count, ord) group by c.ord) summed
     ) day on true
     left join lateral (
       -- the times come newest first, and the first that fits ends the search
       select h.at from unnest($5::timestamptz[]) as h(at)
       where exists (select from ${statsAt(3_600, "h.at")} s where ${DELIVERED}) limit 1
     ) hour on true
     left join lateral (
       select hour.at + n * interval '1 minute' as at from generate_series(59, 0, -1) n
       where exists (
         select from ${statsAt(60, "hour.at + n * interval '1 minute'")} s where ${DELIVERED})
       limit 1
     ) minute on true`,
    [
      accountId,
      endpoints.map(({ id }) => id),
      endpoints.map(({ lane_id }) => lane_id),
      hours(DAY_HOURS),
      hours(WEEK_HOURS),
    ],
  );
  return rows;
}
