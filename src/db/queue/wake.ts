import type { Pool } from "pg";
import { CHANNELS } from "../notifier.ts";
import { retryWhileUnavailable } from "../retry.ts";
import type { RetryLog } from "../retry.ts";
import { rowsAs } from "../rows.ts";
import { inTransaction } from "../transaction.ts";
import type { Tx } from "../transaction.ts";

/** A wake-up in graphile-worker's queue. The rows of our own tables are the truth, never this. */
export interface WakeUp {
  task: "pump-lane" | "run-replay" | "delete-account";
  /** The UUID of the lane, replay or account. */
  id: string;
  /** Milliseconds from now. */
  delayMs: number;
}

// graphile-worker counts an attempt at each fetch, so a kill costs one: far more than needed.
const MAX_ATTEMPTS = 30_000;
const TRIES = 10;

const WAKE_UPS = rowsAs<WakeUp & { key: string }>(
  "w",
  { task: "text", id: "text", delay_ms: ["float8", (w) => w.delayMs], key: "text" },
  { ordinality: "ord" },
);

function wakeUpKey(task: WakeUp["task"], id: string): string {
  return `${task}:${id}`;
}

/**
 * Ensures a wake-up for each of these, at its time or before. A wake-up that waits and is early
 * enough is left alone: to add it again would put it out of reach of a fetch that is under way, for
 * as long as producers come. The caller shares the lane, in an earlier statement. So when a wake-up
 * seen waiting here is taken, its lane is leased while shared, and is not left to rest before the
 * commit.
 */
export async function wake(tx: Tx, wakeUps: readonly WakeUp[]): Promise<void> {
  await queueWakeUps(tx, wakeUps, true);
}

/**
 * Adds wake-ups for a caller that gives a lease back. A wake-up that waits can't replace the new
 * one: it may be taken before the caller commits, find the lane still leased, and be used up.
 */
export async function wakeAfterRelease(tx: Tx, wakeUps: readonly WakeUp[]): Promise<void> {
  await queueWakeUps(tx, wakeUps, false);
}

/**
 * Adds wake-ups. A wake-up that waits is brought forward, never put off. Keys are written in one
 * order, because an uncommitted key blocks other transactions that want it.
 */
async function queueWakeUps(
  tx: Tx,
  wakeUps: readonly WakeUp[],
  leaveWaiting: boolean,
): Promise<void> {
  if (wakeUps.length === 0) return;
  const byKey = new Map(wakeUps.map((w) => [wakeUpKey(w.task, w.id), w]));
  const keys = [...byKey.keys()].sort();
  const ordered = keys.map((key) => ({ ...byKey.get(key)!, key }));
  const query = {
    name: "queue_wake_ups",
    text: `with wanted as (
        select t.*, least(waiting.run_at, t.at) as run_at
        from (
          select w.*, clock_timestamp() + w.delay_ms * interval '1 millisecond' as at
          from ${WAKE_UPS.sql}) t
        left join lateral (
          select run_at from graphile_worker.jobs j
          where j.key = t.key and locked_at is null and attempts < max_attempts offset 0) waiting
          on true
        where not $${WAKE_UPS.count + 1}::boolean or waiting.run_at is null or waiting.run_at > t.at
      )
      select (select count(*)::int from wanted) as wanted, count(*)::int as added
      from graphile_worker.add_jobs(array(
        select row(task, json_build_object('id', id), null, run_at, ${MAX_ATTEMPTS}, key, null,
          null)::graphile_worker.job_spec
        from wanted order by ord))`,
    values: [...WAKE_UPS.values(ordered), leaveWaiting],
  };
  // a wake-up that a runner takes between the two statements of add_jobs gets neither a successor
  // nor the new time, and is missing in the answer: another call gives it a successor
  for (let tried = 0; tried < TRIES; tried += 1) {
    const { rows } = await tx.query<{ wanted: number; added: number }>(query);
    if (rows[0]!.added >= rows[0]!.wanted) return;
  }
  throw new Error(`wake-ups were not queued in ${TRIES} tries`);
}

/**
 * Queues a job wake-up. The worker that takes it claims pending jobs, the fairest first. So a job
 * wake-up names no job, and has no key that transactions would have to wait for.
 */
export async function wakeForJobs(tx: Tx, delayMs = 0): Promise<void> {
  await tx.query({
    name: "wake_for_jobs",
    text: `select graphile_worker.add_job('claim-jobs', '{}',
        run_at => now() + $1 * interval '1 millisecond', max_attempts => ${MAX_ATTEMPTS})`,
    values: [delayMs],
  });
}

/**
 * A part of statements that make jobs pending: workers that compute are nudged at the commit, and
 * look for jobs. Without such a worker, a job wake-up waits for the first (docs/decisions/0018).
 */
export const NUDGE_FOR_JOBS = `case when exists (select from workers where 'compute' = any(roles))
  then (select pg_notify('${CHANNELS.nudges}', 'jobs')::text)
  else (select id::text from graphile_worker.add_job('claim-jobs', '{}',
    max_attempts => ${MAX_ATTEMPTS})) end`;

/** The wake-ups that these pools have locked. */
export async function findWakeUpsOf(tx: Tx, poolIds: readonly string[]): Promise<WakeUp[]> {
  const { rows } = await tx.query<WakeUp>(
    `select task_identifier as task, split_part(key, ':', 2) as id,
       (extract(epoch from run_at - now()) * 1000)::float8 as "delayMs"
     from graphile_worker.jobs where locked_by = any($1::text[]) and key is not null`,
    [poolIds],
  );
  return rows;
}

/**
 * Frees the wake-ups that pools have locked, once those with a key have successors. A wake-up taken
 * meanwhile is in the hands of a live pool, which completes it by its id: it must not be offered to
 * others under that id.
 */
export async function unlockWakeUps(tx: Tx, poolIds: readonly string[]): Promise<void> {
  await tx.query(
    `select graphile_worker.force_unlock_workers($1::text[]) where not exists (
       select from graphile_worker.jobs where locked_by = any($1) and key is not null)`,
    [poolIds],
  );
}

/** Frees the wake-ups of pools without a worker, a while after they were taken. */
export async function unlockOrphanedWakeUps(tx: Tx): Promise<void> {
  await tx.query(
    `select graphile_worker.force_unlock_workers(array(
       select distinct locked_by from graphile_worker.jobs
       where locked_at < now() - interval '1 minute'
         and not exists (select from workers where locked_by = any(pool_ids))))`,
  );
}

/**
 * Deletes wake-ups that can never run again: a re-queued key leaves the wake-up it replaced without
 * a key and attempts, and a kill before its completion leaves it behind.
 */
export async function deleteSpentWakeUps(tx: Tx): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(*)::int as count from graphile_worker.complete_jobs(array(
       select id from graphile_worker.jobs
       where task_identifier in ('claim-jobs', 'pump-lane', 'run-replay', 'delete-account')
         and locked_at is null and attempts >= max_attempts
       limit 10000))`,
  );
  return rows[0]?.count ?? 0;
}

/** Queues again the wake-up that an outage cut short, as soon as the database is back. */
export async function wakeAgain(
  { pool, log }: { pool: Pool; log: RetryLog },
  wakeUp: WakeUp,
): Promise<void> {
  await retryWhileUnavailable(log, "queue again", () =>
    inTransaction(pool, (tx) => wake(tx, [wakeUp])),
  );
}

/** Gives each wake-up of a runner a successor: the runner does not know of some of them. */
export async function replaceWakeUps(pool: Pool, poolId: string): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await wake(tx, await findWakeUpsOf(tx, [poolId]));
    await unlockWakeUps(tx, [poolId]);
  });
}
