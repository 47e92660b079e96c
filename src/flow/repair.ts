import type { Context } from "../context.ts";
import { deleteExpiredIdempotencyRecords } from "../db/idempotency.ts";
import { findForgottenJobs } from "../db/jobs.ts";
import { findRunsOf } from "../db/runs.ts";
import { breakLease, findLeasesOf } from "../db/leases.ts";
import { findForgottenLanes, holdLanes } from "../db/lanes.ts";
import { addWakeUps, deleteSpentQueueJobs, unlockOrphanedQueueJobs } from "../db/queue.ts";
import { findForgottenReplays } from "../db/replays.ts";
import { inTransaction } from "../db/transaction.ts";
import { handBack } from "./finish-job.ts";
import { wakeLanes } from "./publish.ts";

/** How long something must have been due without a wake-up before it counts as forgotten. */
const OVERDUE_MS = 5_000;
const LIMIT = 1_000;

/**
 * The reconciler: the rows are the truth, the queue only wakes. What is due and has no wake-up
 * gets one; each is counted, because it should never happen.
 */
export async function repairWakeUps(
  context: Pick<Context, "pool" | "telemetry">,
): Promise<{ jobs: number; lanes: number; replays: number }> {
  const { pool, telemetry } = context;
  const jobs = await findForgottenJobs(pool, OVERDUE_MS, LIMIT);
  const lanes = await findForgottenLanes(pool, OVERDUE_MS, LIMIT);
  const replays = await findForgottenReplays(pool);
  if (jobs.length + lanes.length + replays.length > 0) {
    await inTransaction(pool, async (tx) => {
      await holdLanes(tx, lanes);
      await addWakeUps(tx, [
        ...jobs.map((id) => ({ task: "run-job" as const, id, delayMs: 0 })),
        ...lanes.map((id) => ({ task: "pump-lane" as const, id, delayMs: 0 })),
        ...replays.map((id) => ({ task: "run-replay" as const, id, delayMs: 0 })),
      ]);
    });
  }
  if (jobs.length > 0) telemetry.repaired("job", jobs);
  if (lanes.length > 0) telemetry.repaired("lane", lanes);
  if (replays.length > 0) telemetry.repaired("replay", replays);
  return { jobs: jobs.length, lanes: lanes.length, replays: replays.length };
}

/**
 * The audit of a worker's own: a lease or a claim that the database gave and whose answer never
 * arrived is in nobody's hands, and its worker lives. It is given back.
 */
export async function auditOwn(
  context: Pick<Context, "pool" | "telemetry" | "worker" | "pumps" | "runs" | "endings">,
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
  // and a run that ends while the answer is on its way was in hand before
  const inHand = new Set(context.runs.keys());
  for (const { id, run } of await findRunsOf(pool, worker.id)) {
    if (inHand.has(id) || context.runs.has(id)) continue;
    const returned = await handBack(context, { id, run, delayMs: 0, failed: false });
    if (returned) telemetry.repaired("run", [id]);
  }
}

/** What nobody needs any more. */
export async function sweep({ pool }: Pick<Context, "pool">): Promise<void> {
  await inTransaction(pool, unlockOrphanedQueueJobs);
  await inTransaction(pool, deleteSpentQueueJobs);
  await inTransaction(pool, deleteExpiredIdempotencyRecords);
}
