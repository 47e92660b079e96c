import { rowsAs } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";

interface CounterRow {
  accountId: string;
  endpointId: string;
  stepS: number;
  at: Date;
  counts: readonly number[];
}

const COUNTERS = rowsAs<CounterRow>(
  "t",
  {
    account_id: ["uuid", (row) => row.accountId],
    step_s: ["int", (row) => row.stepS],
    at: "timestamptz",
    endpoint_id: ["uuid", (row) => row.endpointId],
    counts: ["text", (row) => `{${row.counts.join(",")}}`],
  },
  { first: 2 },
);

/** Writes rows of one process: each has its sum so far, so a repeated write does no harm. */
export async function writeStats(
  tx: Tx,
  source: string,
  rows: readonly CounterRow[],
): Promise<void> {
  await tx.query({
    name: "write_stats",
    text: `insert into stats (account_id, step_s, at, endpoint_id, source, counts)
      select t.account_id, t.step_s, t.at, t.endpoint_id, $1, t.counts::integer[]
      from ${COUNTERS.sql}
      on conflict (account_id, step_s, at, endpoint_id, source)
        do update set counts = excluded.counts`,
    values: [source, ...COUNTERS.values(rows)],
  });
}

/** Deletes minutes after a week, hours after thirteen months. Returns how many rows. */
export async function deleteOldStats(tx: Tx, limit: number): Promise<number> {
  let count = 0;
  for (const [stepS, days] of [
    [60, 7],
    [3_600, 400],
  ]) {
    const { rowCount } = await tx.query(
      `delete from stats where ctid = any(array(
         select ctid from stats where step_s = $1 and at < now() - $2 * interval '1 day'
         order by at limit $3 for update skip locked))`,
      [stepS, days, limit - count],
    );
    count += rowCount ?? 0;
  }
  return count;
}

/** Counts per step of `stepS` seconds from `since`, all processes together, no empty steps. */
export async function listStats(
  reader: Reader,
  accountId: string,
  query: { since: Date; until: Date; stepS: number; endpointId: string | undefined },
): Promise<{ at: Date; counts: number[] }[]> {
  const { rows } = await reader.query<{ at: Date; counts: number[] }>(
    `select at, array_agg(count order by ord) as counts from (
       select to_timestamp(floor(extract(epoch from s.at) / $5::int) * $5::int) as at, c.ord,
         sum(c.count)::float8 as count
       from stats s cross join unnest(s.counts) with ordinality as c(count, ord)
       where s.account_id = $1 and s.step_s = $2 and s.at >= $3 and s.at < $4
         and ($6::uuid is null or s.endpoint_id = $6)
       group by 1, 2) summed
     group by at order by at`,
    [
      accountId,
      query.stepS < 3_600 ? 60 : 3_600,
      query.since,
      query.until,
      query.stepS,
      query.endpointId ?? null,
    ],
  );
  return rows;
}
