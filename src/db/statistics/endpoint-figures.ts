import { FIGURES_CAPPED_AT } from "../../core/capped-count.ts";
import type { Reader } from "../transaction.ts";

export interface EndpointFigures {
  id: string;
  /** At most one more than is shown. */
  pending: number;
  dead: number;
  /** Sums of the counters of a day. Null: nothing was counted. */
  counts: number[] | null;
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** A count of rows, up to one more than is shown. */
function capped(rows: string): string {
  return `(select count(*)::int from (select from ${rows} limit ${FIGURES_CAPPED_AT + 1}) capped)`;
}

/** Figures of the endpoints of a page. Each is a few look-ups by key, whatever their traffic. */
export async function listEndpointFigures(
  reader: Reader,
  accountId: string,
  endpoints: readonly { id: string; lane_id: string }[],
  now: Date,
): Promise<EndpointFigures[]> {
  const hour = Math.floor(now.getTime() / HOUR_MS) * HOUR_MS;
  const hours = Array.from({ length: DAY_HOURS }, (_, ago) => new Date(hour - ago * HOUR_MS));
  const { rows } = await reader.query<EndpointFigures>(
    `select page.id,
       ${capped("deliveries d where d.lane_id = page.lane_id and d.status = 'pending'")} as pending,
       ${capped(`dead_letters where account_id = $1 and endpoint_id = page.id
         and discarded_at is null`)} as dead,
       day.counts
     from unnest($2::uuid[], $3::uuid[]) as page(id, lane_id)
     left join lateral (
       select array_agg(sum order by ord) as counts from (
         select c.ord, sum(c.count)::float8 as sum
         from unnest($4::timestamptz[]) as h(at) cross join lateral (
           select counts from stats where account_id = $1 and step_s = 3600 and at = h.at
             and endpoint_id = page.id offset 0) s
         cross join unnest(s.counts) with ordinality as c(count, ord) group by c.ord) summed
     ) day on true`,
    [accountId, endpoints.map(({ id }) => id), endpoints.map(({ lane_id }) => lane_id), hours],
  );
  return rows;
}
