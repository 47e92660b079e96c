import { makePartitions } from "../src/flow/maintenance/retain.ts";
import type { Bench } from "./bench.ts";
import type { BenchDatabase } from "./database.ts";
import { settleDown } from "./prepare.ts";

const CHUNK = 250_000;
const DAYS = 30;
const DAY_MS = 86_400_000;

/** Of each big table, the columns that name rows; the rest is copied from one real row. */
const TABLES = {
  jobs: { id: "job" },
  job_ends: { id: "job" },
  messages: { id: "message", job_id: "job" },
  deliveries: { id: "delivery", message_id: "message", job_id: "job" },
  attempts: { delivery_id: "delivery", id: "attempt" },
} as const;

/**
 * `count` jobs with a message, a delivery and an attempt each, spread evenly over the past 30 days,
 * made from the newest row of each table. Ids are UUIDv7 of their time, so they are where rows of
 * that age would be.
 */
export async function makeHistory(
  { tell }: Pick<Bench, "tell">,
  { pool }: BenchDatabase,
  count: number,
): Promise<void> {
  const startMs = Date.now() - DAYS * DAY_MS;
  for (let day = 0; day <= DAYS; day += 1) {
    await makePartitions(pool, new Date(startMs + day * DAY_MS));
  }
  for (const [table, ids] of Object.entries(TABLES)) {
    const time = `(${startMs} + g * ${((DAYS * DAY_MS) / (count + 1)).toFixed(6)})`;
    const { names, values } = await copyColumns(pool, table, ids, time);
    for (let done = 0; done < count; done += CHUNK) {
      const last = Math.min(count, done + CHUNK);
      await pool.query(
        `insert into ${table} (${names.join(", ")})
         select ${values.join(", ")}
         from generate_series(${done + 1}, ${last}) g,
           (select * from ${table} order by 1 desc limit 1) sample`,
      );
      tell(`history: ${last} ${table}`);
    }
  }
  await settleDown(pool);
  const { rows } = await pool.query<{ size: string }>(
    `select pg_size_pretty(pg_database_size(current_database())) as size`,
  );
  tell(`history: ${rows[0]!.size}`);
}

/** The lists of an insert that copies `sample`, with ids and times of row `g`. */
async function copyColumns(
  pool: BenchDatabase["pool"],
  table: string,
  ids: Record<string, string>,
  time: string,
): Promise<{ names: string[]; values: string[] }> {
  const { rows } = await pool.query<{ name: string; type: string }>(
    `select column_name as name, udt_name as type from information_schema.columns
     where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'
     order by ordinal_position`,
    [table],
  );
  const value = ({ name, type }: { name: string; type: string }): string => {
    const kind = ids[name];
    if (kind !== undefined) return uuidAt(time, kind);
    const own = `sample.${name}`;
    if (type !== "timestamptz") return own;
    return `case when ${own} is not null then to_timestamp(${time} / 1000.0) end`;
  };
  return { names: rows.map(({ name }) => name), values: rows.map(value) };
}

/** A UUIDv7 of a time in ms; the same for the same kind and row. */
function uuidAt(time: string, kind: string): string {
  const random = `overlay(overlay(left(md5('${kind}' || g), 20) placing '7' from 1) placing '8' from 5)`;
  return `(lpad(to_hex(floor(${time})::bigint), 12, '0') || ${random})::uuid`;
}
