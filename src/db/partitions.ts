import { uuidAt } from "../core/ids.ts";
import type { Reader, Tx } from "./transaction.ts";

/**
 * The tables that grow, each partitioned by week on a UUIDv7 that begins with its time. Weeks and
 * not days: a statement that names many rows locks every partition (docs/decisions/0012).
 */
export const BIG_TABLES = ["jobs", "messages", "deliveries", "attempts"] as const;
export type BigTable = (typeof BIG_TABLES)[number];

const KEY = { jobs: "id", messages: "id", deliveries: "id", attempts: "delivery_id" } as const;
const WEEK_MS = 7 * 86_400_000;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * 86_400_000;

// Rows change a few times in their first minutes and never again.
const STORAGE = {
  jobs: "fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05",
  messages: "autovacuum_vacuum_insert_scale_factor = 0.1",
  deliveries: "fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05",
  attempts: "autovacuum_vacuum_insert_scale_factor = 0.1",
} as const;

/** One week of one table, half-open. */
export interface Partition {
  table: BigTable;
  name: string;
  from: Date;
  to: Date;
}

/** The week that a moment falls into. */
export function partitionAt(table: BigTable, at: Date): Partition {
  const weeks = Math.floor((at.getTime() - MONDAY_MS) / WEEK_MS);
  const from = new Date(weeks * WEEK_MS + MONDAY_MS);
  const name = `${table}_${from.toISOString().slice(0, 10).replaceAll("-", "")}`;
  return { table, name, from, to: new Date(from.getTime() + WEEK_MS) };
}

/** The weeks that exist, the oldest first. */
export async function listPartitions(reader: Reader): Promise<Partition[]> {
  const { rows } = await reader.query<{ table: BigTable; name: string }>(
    `select p.relname as table, c.relname as name
     from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
     where p.relname = any($1) and p.relnamespace = current_schema()::regnamespace
       and c.relname ~ '_[0-9]{8}$'
     order by right(c.relname, 8), c.relname`,
    [BIG_TABLES],
  );
  return rows.map(({ table, name }) => {
    const day = name.slice(-8);
    const from = new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`);
    return { table, name, from, to: new Date(from.getTime() + WEEK_MS) };
  });
}

/** One process at a time changes partitions; false: another does. */
export async function lockPartitions(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ free: boolean }>(
    `select pg_try_advisory_xact_lock(hashtext('ringback partitions')) as free`,
  );
  return rows[0]!.free;
}

/** Waits at most this long for those who use the table, who in turn wait behind us meanwhile. */
export async function limitWaits(tx: Tx): Promise<void> {
  await tx.query(`set local lock_timeout = '1s'`);
  await tx.query(`set local statement_timeout = '5min'`);
}

/** Makes a week. What came in before it was made moves over from the default partition. */
export async function createPartition(tx: Tx, { table, name, from, to }: Partition): Promise<void> {
  const bounds = [uuidAt(from), uuidAt(to)] as const;
  const key = KEY[table];
  await tx.query(`create table ${name} (like ${table} including all) with (${STORAGE[table]})`);
  await tx.query(`lock table ${table} in share row exclusive mode`);
  await tx.query(
    `with moved as (delete from ${table}_default where ${key} >= '${bounds[0]}' and ${key} < '${bounds[1]}' returning *)
     insert into ${name} select * from moved`,
  );
  await tx.query(
    `alter table ${table} attach partition ${name} for values from ('${bounds[0]}') to ('${bounds[1]}')`,
  );
}

/** Takes a week out of its table; its rows are out of reach of everybody else from the commit on. */
export async function detachPartition(tx: Tx, { table, name }: Partition): Promise<void> {
  await tx.query(`alter table ${table} detach partition ${name}`);
}

export async function dropPartition(tx: Tx, { name }: Partition): Promise<void> {
  await tx.query(`drop table ${name}`);
}

/** Rows of a detached week that are still needed go to the default partition. */
export async function keepUnfinishedDeliveries(tx: Tx, week: Partition): Promise<number> {
  const { rowCount } = await tx.query(
    `insert into deliveries select * from ${week.name} where status in ('pending', 'dead')`,
  );
  return rowCount ?? 0;
}

/** The attempts of the deliveries that were kept. */
export async function keepAttempts(tx: Tx, week: Partition): Promise<void> {
  await tx.query(
    `insert into attempts select a.* from ${week.name} a join deliveries_default d on d.id = a.delivery_id`,
  );
}

/**
 * The messages of deliveries that exist. A message is as old as its deliveries, or a moment older:
 * those of the last minute of the week may have theirs in the next.
 */
export async function keepMessages(tx: Tx, week: Partition): Promise<void> {
  const lastMinute = uuidAt(new Date(week.to.getTime() - 60_000));
  await tx.query(
    `insert into messages select m.* from ${week.name} m
     where m.id in (select message_id from deliveries_default)
       or m.id >= '${lastMinute}' and exists (select from deliveries d where d.message_id = m.id)`,
  );
}

/** Jobs that have not ended, and those of dead letters. */
export async function keepJobs(tx: Tx, week: Partition): Promise<void> {
  await tx.query(
    `insert into jobs select * from ${week.name} where finished_at is null
       or id in (select job_id from deliveries where status = 'dead' and job_id is not null)`,
  );
}

/**
 * Deletes dead letters that are older than a moment, with their deliveries and attempts, and what
 * nothing refers to any more in the default partitions. Returns how many dead letters.
 */
export async function deleteOldDeadLetters(tx: Tx, before: Date, limit: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `with old as (
       delete from dead_letters where delivery_id in (
         select delivery_id from dead_letters where delivery_id < $1 and created_at < $2
         order by delivery_id limit $3)
       returning delivery_id
     ), d as (
       delete from deliveries using old where id = old.delivery_id and status = 'dead'
     ), a as (
       delete from attempts using old where attempts.delivery_id = old.delivery_id
     )
     select count(*)::int as count from old`,
    [uuidAt(before), before, limit],
  );
  return rows[0]!.count;
}

/** What was kept in the default partitions for the sake of deliveries that are gone. */
export async function deleteUnneeded(
  tx: Tx,
  before: { jobs: Date; deliveries: Date },
): Promise<void> {
  await tx.query(
    `delete from deliveries_default where id < $1 and status in ('delivered', 'canceled')
       and finished_at < $2`,
    [uuidAt(before.deliveries), before.deliveries],
  );
  await tx.query(
    `delete from attempts_default a where a.delivery_id < $1
       and not exists (select from deliveries d where d.id = a.delivery_id)`,
    [uuidAt(before.deliveries)],
  );
  await tx.query(
    `delete from messages_default m where m.id < $1
       and not exists (select from deliveries d where d.message_id = m.id)`,
    [uuidAt(before.deliveries)],
  );
  await tx.query(
    `delete from jobs_default j where j.id < $1 and j.finished_at < $2
       and not exists (select from deliveries d where d.job_id = j.id and d.status = 'dead')`,
    [uuidAt(before.jobs), before.jobs],
  );
}
