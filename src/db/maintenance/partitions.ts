import { uuidAt } from "../../core/ids.ts";
import type { Reader, Tx } from "../transaction.ts";

/**
 * The tables that grow, each partitioned by week on a UUIDv7 that begins with its time. Weeks and
 * not days: a statement that names many rows locks every partition (docs/decisions/0012).
 */
export const BIG_TABLES = [
  "jobs",
  "job_ends",
  "messages",
  "deliveries",
  "attempts",
  "search_keys",
] as const;
export type BigTable = (typeof BIG_TABLES)[number];

export const KEY = {
  jobs: "id",
  job_ends: "id",
  messages: "id",
  deliveries: "id",
  attempts: "delivery_id",
  search_keys: "id",
} as const;
const WEEK_MS = 7 * 86_400_000;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * 86_400_000;

const WRITTEN_ONCE = "autovacuum_vacuum_insert_scale_factor = 0.1";
const STORAGE = {
  jobs: WRITTEN_ONCE,
  job_ends: WRITTEN_ONCE,
  messages: WRITTEN_ONCE,
  // rows change a few times in their first minutes and never again
  deliveries: "fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05",
  attempts: WRITTEN_ONCE,
  search_keys: WRITTEN_ONCE,
} as const;

/** A week of one table, or all that was kept of the weeks before one; half-open. */
export interface Partition {
  table: BigTable;
  name: string;
  from: Date;
  to: Date;
}

/** The Monday at or before a moment. */
export function weekOf(at: Date): Date {
  const weeks = Math.floor((at.getTime() - MONDAY_MS) / WEEK_MS);
  return new Date(weeks * WEEK_MS + MONDAY_MS);
}

/** The week that a moment falls into. */
export function partitionAt(table: BigTable, at: Date): Partition {
  const from = weekOf(at);
  return { table, name: `${table}_${day(from)}`, from, to: new Date(from.getTime() + WEEK_MS) };
}

/** The partition of all rows that were kept and are older than `to`. */
export function keptBefore(table: BigTable, to: Date): Partition {
  return { table, name: `${table}_kept_${day(to)}`, from: new Date(0), to };
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10).replaceAll("-", "");
}

/** The partitions that exist but for the defaults, the oldest first. */
export async function listPartitions(reader: Reader): Promise<Partition[]> {
  const { rows } = await reader.query<{ table: BigTable; name: string }>(
    `select p.relname as table, c.relname as name
     from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = any($1) and p.relnamespace = current_schema()::regnamespace
       and c.relname ~ '_[0-9]{8}$'
     order by c.relname !~ '_kept_', right(c.relname, 8), c.relname`,
    [BIG_TABLES],
  );
  return rows.map(({ table, name }) => {
    const text = name.slice(-8);
    const at = new Date(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}T00:00:00Z`);
    return name.includes("_kept_") ? keptBefore(table, at) : partitionAt(table, at);
  });
}

/** The tables, among these, with rows that no week was made for. */
export async function findUsedDefaults(
  reader: Reader,
  tables: readonly BigTable[],
): Promise<BigTable[]> {
  const { rows } = await reader.query<{ table: BigTable }>(
    tables
      .map((table) => `select '${table}' as table where exists (select from ${table}_default)`)
      .join(" union all "),
  );
  return rows.map(({ table }) => table);
}

/** Some of the weeks of the rows in a default partition, the oldest first. */
export async function findMissingWeeks(
  reader: Reader,
  table: BigTable,
  limit: number,
): Promise<Partition[]> {
  const weeks: Partition[] = [];
  let from = new Date(0);
  while (weeks.length < limit) {
    const { rows } = await reader.query<{ ms: string }>(
      `select ('x' || left(replace(${KEY[table]}::text, '-', ''), 12))::bit(48)::bigint as ms
       from ${table}_default where ${KEY[table]} >= $1 order by ${KEY[table]} limit 1`,
      [uuidAt(from)],
    );
    if (rows[0] === undefined) break;
    const week = partitionAt(table, new Date(Number(rows[0].ms)));
    weeks.push(week);
    from = week.to;
  }
  return weeks;
}

/** Locks out other processes that make weeks; false: another one is at it. */
export async function lockPartitions(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ free: boolean }>(
    `select pg_try_advisory_xact_lock(hashtext('ringback partitions')) as free`,
  );
  return rows[0]!.free;
}

/**
 * Makes weeks of tables whose default partitions must be empty.
 * @throws what `isPutOff` knows
 */
export async function createWeeks(tx: Tx, weeks: readonly Partition[]): Promise<void> {
  for (const week of weeks) await createTable(tx, week);
  const tables = [...new Set(weeks.map(({ table }) => table))];
  await exclusively(tx, [...tables, ...tables.map((table) => `${table}_default`)], {
    text: weeks.map(attachPartition).join(""),
  });
}

/** Creates a table that may become a partition; when `bounded`, without a scan of its rows. */
export async function createTable(
  tx: Tx,
  { table, name, from, to }: Partition,
  bounded = false,
): Promise<void> {
  const check = `, constraint bounds check (${KEY[table]} >= '${uuidAt(from)}' and ${KEY[table]} < '${uuidAt(to)}')`;
  await tx.query(
    `create table ${name} (like ${table} including all${bounded ? check : ""})
     with (${STORAGE[table]})`,
  );
}

export async function createDefault(tx: Tx, table: BigTable, name: string): Promise<void> {
  await tx.query(`create table ${name} (like ${table} including all)`);
}

/** The statement that attaches a partition. */
export function attachPartition({ table, name, from, to }: Partition): string {
  return `alter table ${table} attach partition ${name}
    for values from ('${uuidAt(from)}') to ('${uuidAt(to)}');\n`;
}

/**
 * Detaches weeks of a table of which nothing is kept; they are dropped later, as tables that are gone.
 * @throws what `isPutOff` knows
 */
export async function detachWeeks(tx: Tx, weeks: readonly Partition[]): Promise<void> {
  const tables = [...new Set(weeks.map(({ table }) => table))];
  const names = weeks.map(({ name }) => name);
  const detach = weeks.map(({ table, name }) => `alter table ${table} detach partition ${name};\n`);
  await exclusively(tx, [...tables, ...tables.map((table) => `${table}_default`), ...names], {
    text: `${detach.join("")}
      update retention set gone = gone || array[${names.map((name) => `'${name}'`).join(",")}];`,
  });
}

const PUT_OFF = new Set([
  // a lock, or the work under it, takes too long
  "55P03",
  "57014",
  // a row came into a default partition meanwhile
  "23514",
  "40P01",
]);

/** Whether a table is in long use, so that the work is put off to the next time. */
export function isPutOff(error: unknown): boolean {
  return PUT_OFF.has(String((error as { code?: unknown }).code));
}

/**
 * Runs statements that lock out everybody, as one block of 1 s at most, the wait for the locks
 * included; other sessions wait behind it. An autovacuum is made to give way beforehand: it gives
 * way to a session that has waited longer than `deadlock_timeout`, and the wait for this weaker
 * lock keeps no reader or writer waiting (docs/decisions/0024).
 * @param tables all locked tables except new ones
 */
export async function exclusively(
  tx: Tx,
  tables: readonly string[],
  block: { declare?: string; text: string },
): Promise<void> {
  await tx.query(
    `select set_config('statement_timeout', '11s', true),
       set_config('lock_timeout', least(setting::int + 1000, 9000) || 'ms', true)
     from pg_settings where name = 'deadlock_timeout'`,
  );
  await tx.query(
    `lock table ${tables.map((table) => `only ${table}`).join(", ")} in share update exclusive mode`,
  );
  await tx.query("set local lock_timeout = '300ms'");
  await tx.query("set local statement_timeout = '1s'");
  await tx.query(`do $block$ ${block.declare ?? ""} begin\n${block.text} end $block$`);
}
