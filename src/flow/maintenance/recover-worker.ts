import type { Context } from "../context.ts";
import { failpoint } from "../../core/failpoint.ts";
import { formatId } from "../../core/ids.ts";
import type { EndedJob } from "../../db/jobs/ends.ts";
import { lockRunsOf, returnRuns } from "../../db/jobs/runs.ts";
import { breakLeases } from "../../db/deliveries/leases.ts";
import {
  wakeForJobs,
  findWakeUpsOf,
  wakeAfterRelease,
  unlockWakeUps,
} from "../../db/queue/wake.ts";
import { insertNoticeForOperators } from "../../db/notices.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import {
  deleteWorker,
  lockRecoveries,
  lockDeadWorker,
  lockWorker,
} from "../../db/maintenance/workers.ts";
import { CANCELED } from "../jobs/finish.ts";
import { endJobs } from "../jobs/finish.ts";

/** Crashes after which a job is taken to be their cause. */
const MAX_CRASHES = 3;

type RecoveryContext = Pick<Context, "pool" | "config" | "telemetry">;

/**
 * Recovers the work of a dead worker in one transaction: its wake-ups are queued anew, its leases
 * broken and their lanes woken, its runs given back with one more crash. The third crash of a job
 * fails it.
 * @param dead the worker with the heartbeat seen unchanged; if it has beaten since, it is alive
 */
export async function recoverWorker(
  context: RecoveryContext,
  dead: { id: string; heartbeat: string },
): Promise<boolean> {
  const found = await inTransaction(context.pool, async (tx) => {
    await lockRecoveries(tx);
    const worker = await lockDeadWorker(tx, dead.id, dead.heartbeat);
    return worker && (await takeOver(tx, dead.id, worker.pool_ids, true, context));
  });
  failpoint("recovery:committed");
  if (found === null) return false;
  const { ended, ...counts } = found;
  context.telemetry.workerRecovered(dead.id, counts);
  for (const job of ended) context.telemetry.jobEnded(job);
  return true;
}

/** Ends the registration of a worker. Work that it still has goes back, and is no crash. */
export async function unregister(
  context: RecoveryContext & Pick<Context, "worker">,
): Promise<void> {
  const { id } = context.worker;
  await inTransaction(context.pool, async (tx) => {
    const worker = await lockWorker(tx, id);
    if (worker !== null) await takeOver(tx, id, worker.pool_ids, false, context);
    // This worker was declared dead and stopped before it noticed. Since then it used up job
    // wake-ups without a claim, so one is added for them.
    else await wakeForJobs(tx);
  });
}

async function takeOver(
  tx: Tx,
  workerId: string,
  poolIds: readonly string[],
  crashed: boolean,
  { config }: Pick<Context, "config">,
): Promise<{ runs: number; lanes: number; ended: EndedJob[] }> {
  const runs = await lockRunsOf(tx, workerId);
  // before any wake-up: a producer shares its lane while it waits for the lane's wake-up
  const lanes = await breakLeases(tx, workerId);
  const isPoison = (crashes: number): boolean => crashed && crashes + 1 >= MAX_CRASHES;
  const ending = runs.filter((r) => r.cancel_requested_at !== null || isPoison(r.crashes));
  const returning = runs.filter((r) => !ending.includes(r)).map(({ id }) => id);
  const ended = await endJobs(
    tx,
    ending.map(({ id, run, cancel_requested_at }) => ({
      id,
      run,
      ...(cancel_requested_at === null ? POISONED : CANCELED),
    })),
    config.publicUrl,
  );
  await returnRuns(tx, returning, crashed);
  // under new ids: a worker declared dead by mistake still completes its wake-ups, by old ids
  await wakeAfterRelease(tx, [
    ...(await findWakeUpsOf(tx, poolIds)),
    ...lanes.map((id) => ({ task: "pump-lane" as const, id, delayMs: 0 })),
  ]);
  // the dead worker may have been about to look for more jobs with its next free thread
  await wakeForJobs(tx);
  await unlockWakeUps(tx, poolIds);
  await deleteWorker(tx, workerId);
  if (crashed) {
    await insertNoticeForOperators(tx, {
      type: "worker.lost",
      subject: formatId("worker", workerId),
      detail: { runs: runs.length, lanes: lanes.length },
    });
  }
  failpoint("recovery:before-commit");
  return {
    runs: runs.length,
    lanes: lanes.length,
    ended: ended.filter((job) => job !== null),
  };
}

const POISONED = {
  status: "failed",
  result: null,
  errorCode: "worker_crashed",
  errorMessage: `its worker died in ${MAX_CRASHES} runs`,
} as const;
