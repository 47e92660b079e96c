import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { deleteOldEvents, deleteOldInterests, listInterests } from "../db/events.ts";
import { deleteExpiredIdempotencyRecords } from "../db/idempotency.ts";
import { findOverdueJobs } from "../db/jobs.ts";
import { findRunsOf } from "../db/runs.ts";
import { breakLease, findLeasesOf } from "../db/leases.ts";
import { findForgottenLanes, holdLanes } from "../db/lanes.ts";
import { addWakeUps, deleteSpentQueueJobs, unlockOrphanedQueueJobs } from "../db/queue.ts";
import { findForgottenReplays } from "../db/replays.ts";
import { deleteOldStats } from "../db/stats.ts";
import { inTransaction } from "../db/transaction.ts";
import type { Tx } from "../db/transaction.ts";
import { handBack } from "./finish-job.ts";
import { wakeLanes } from "./publish.ts";

/** How long something must have been due without a wake-up before it counts as forgotten. */
const OVERDUE_MS = 5_000;
/** How long a job waits while a thread is free, at most, if all is well. */
const UNTOLD_MS = 1_500;
const LIMIT = 1_000;
const SWEEP_BATCHES = 500;

/**
 * The reconciler: the rows are the truth, the queue only wakes. What is due and has no wake-up
 * gets one; each is counted, because it should never happen.
 */
export async function repairWakeUps(
  context: Pick<Context, "pool" | "telemetry">,
): Promise<{ lanes: number; replays: number }> {
  const { pool, telemetry } = context;
  const lanes = await findForgottenLanes(pool, OVERDUE_MS, LIMIT);
  const replays = await findForgottenReplays(pool);
  if (lanes.length + replays.length > 0) {
    await inTransaction(pool, async (tx) => {
      await holdLanes(tx, lanes);
      await addWakeUps(tx, [
        ...lanes.map((id) => ({ task: "pump-lane" as const, id, delayMs: 0 })),
        ...replays.map((id) => ({ task: "run-replay" as const, id, delayMs: 0 })),
      ]);
    });
  }
  if (lanes.length > 0) telemetry.repaired("lane", lanes);
  if (replays.length > 0) telemetry.repaired("replay", replays);
  return { lanes: lanes.length, replays: replays.length };
}

/**
 * The audit of a worker's own: a lease or a claim that the database gave and whose answer never
 * arrived is in nobody's hands, and its worker lives. It is given back. And a thread that is free
 * while a job waits was not told of it.
 */
export async function auditOwn(
  context: Pick<Context, "pool" | "telemetry" | "worker" | "pumps" | "runs" | "endings" | "jobs">,
): Promise<void> {
  const { pool, telemetry, worker } = context;
  // what is in hand is noted before it is asked for, so what is noted nowhere was lost
  for (const { id, epoch } of await findLeasesOf(pool, worker.id)) {
    if (context.pumps.has(id)) continue;
    const broken = await inTransaction(pool, async (tx) => {
      if (!(await breakLease(tx, id, epoch))) return false;
      await wakeLanes(tx, [id]);
      return true;
    });
    if (broken) telemetry.repaired("lease", [id]);
  }
  for (const { id, run } of await findOrphanedRuns(context)) {
    const returned = await handBack(context, { id, run, delayMs: 0, failed: false });
    if (returned) telemetry.repaired("run", [id]);
  }
  if (!context.jobs.isIdle()) return;
  const forgotten = await findOverdueJobs(pool, UNTOLD_MS, LIMIT);
  if (forgotten.length === 0 || !context.jobs.isIdle()) return;
  await context.jobs.look();
  telemetry.repaired("job", forgotten);
}

async function findOrphanedRuns({
  pool,
  worker,
  runs,
  jobs,
}: Pick<Context, "pool" | "worker" | "runs" | "jobs">): Promise<{ id: string; run: number }[]> {
  const before = (await findRunsOf(pool, worker.id)).filter(({ id }) => !runs.has(id));
  if (before.length === 0) return [];
  // what was being claimed is in hand then, and what ends while the answer is on its way was
  await jobs.settled();
  const inHand = new Set(runs.keys());
  const known = new Set(before.map(({ id, run }) => `${id} ${run}`));
  return (await findRunsOf(pool, worker.id)).filter(
    ({ id, run }) => known.has(`${id} ${run}`) && !inHand.has(id),
  );
}

/**
 * What nobody needs any more, each kind whatever became of the others.
 * @throws the first failure, when all were tried
 */
export async function sweep(context: Pick<Context, "pool" | "stopping">): Promise<void> {
  const { pool } = context;
  const failures: unknown[] = [];
  const tasks = [
    () => inTransaction(pool, unlockOrphanedQueueJobs),
    () => inTransaction(pool, deleteSpentQueueJobs),
    () => inBatches(context, deleteExpiredIdempotencyRecords),
    () => inBatches(context, deleteOldStats),
    () => sweepEvents(context),
  ];
  for (const task of tasks) await task().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function sweepEvents(context: Pick<Context, "pool" | "stopping">): Promise<void> {
  for (const accountId of await listInterests(context.pool)) {
    await inBatches(context, (tx, limit) => deleteOldEvents(tx, accountId, limit));
  }
  await inTransaction(context.pool, deleteOldInterests);
}

/** What comes in between two sweeps is less than this; a backlog goes over several of them. */
async function inBatches(
  { pool, stopping }: Pick<Context, "pool" | "stopping">,
  remove: (tx: Tx, limit: number) => Promise<number>,
): Promise<void> {
  for (let batch = 0; batch < SWEEP_BATCHES && !stopping.aborted; batch += 1) {
    const startedAt = performance.now();
    if ((await inTransaction(pool, (tx) => remove(tx, LIMIT))) < LIMIT) return;
    // half of the time is for others
    await sleep(performance.now() - startedAt);
  }
}
