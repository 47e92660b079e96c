import { setTimeout as sleep } from "node:timers/promises";
import type { JobHelpers, TaskList } from "graphile-worker";
import type { Context } from "../context.ts";
import { isOutage } from "../core/outage.ts";
import { createSlots } from "../core/slots.ts";
import type { Slots } from "../core/slots.ts";
import type { WakeUp } from "../db/queue.ts";
import { pumpLane } from "../flow/pump-lane.ts";
import { putBack, queueAgain } from "../flow/queue-again.ts";
import { auditOwn, repairWakeUps, sweep } from "../flow/repair.ts";
import { runReplay } from "../flow/replay.ts";
import { runJob } from "../flow/run-job.ts";
import { startLiveness } from "./liveness.ts";
import { startRunner } from "./runner.ts";
import type { QueueRunner } from "./runner.ts";

/** Lanes pumped at once by one process; pumps mostly wait. */
const PUMPS = 500;
const SHORT_RUN_MS = 20;
const SHORT_RUNS_PER_THREAD = 16;
/** How long an entry waits here for a slot. */
const SLOT_WAIT_MS = 1_000;
const RECONCILE_MS = 30_000;
/** What an outage left in nobody's hands is to go on within 5 s of its end. */
const AUDIT_MS = 2_000;
const SWEEP_MS = 300_000;
/** On stopping, the share of the grace in which runs may end by themselves. */
const RUN_SHARE = 0.3;

export interface Worker {
  /**
   * Takes nothing new, lets sends finish, hands runs back, leaves. What is not done when the grace
   * ends goes to others as it is.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts what the process's roles ask for: a runner for computations, a runner for deliveries,
 * the signs of life, the reconciler. `context.stopping` must be aborted before `stop`.
 */
export async function startWorker(context: Context): Promise<Worker> {
  const { roles } = context.config;
  const liveness = await startLiveness(context);
  const runners: QueueRunner[] = [];
  const tellPools = async (): Promise<void> =>
    await liveness.setPools(runners.map((runner) => runner.poolId()));
  if (roles.includes("compute")) {
    const slots = createRunSlots(context.compute.threads);
    const concurrency = context.compute.threads * SHORT_RUNS_PER_THREAD * 2;
    runners.push(
      await startRunner(
        context,
        {
          tasks: {
            "run-job": task(context, "run-job", (id, { job }) =>
              runInSlot(context, slots, id, job.run_at),
            ),
          },
          // the end of one run is written while the next is claimed
          concurrency,
          ahead: context.compute.threads * 2,
          pollMs: 1_000,
          batched: true,
        },
        tellPools,
      ),
    );
  }
  if (roles.includes("deliver")) {
    runners.push(
      await startRunner(
        context,
        {
          tasks: {
            "pump-lane": task(context, "pump-lane", (id) => pumpLane(context, id)),
            "run-replay": task(context, "run-replay", (id) => runReplay(context, id)),
          },
          concurrency: PUMPS,
          ahead: PUMPS,
          pollMs: 500,
          // a message for several lanes re-queues wake-ups of lanes that are being pumped
          batched: false,
        },
        tellPools,
      ),
    );
  }
  await tellPools();

  const repeating = [
    repeat(context, RECONCILE_MS, () => repairWakeUps(context)),
    repeat(context, AUDIT_MS, () => auditOwn(context)),
    repeat(context, SWEEP_MS, () => sweep(context)),
  ];

  return {
    async stop(graceMs) {
      const stopped = Promise.allSettled(runners.map((runner) => runner.stop()));
      await Promise.race([stopped, sleep(graceMs * RUN_SHARE, undefined, { ref: false })]);
      for (const run of context.runs.values()) run.stop("shutdown");
      await Promise.race([stopped, sleep(graceMs * (1 - RUN_SHARE), undefined, { ref: false })]);
      await Promise.all(repeating);
      await liveness.leave();
    },
  };
}

interface RunSlots extends Slots {
  /** Takes note of how long a run kept its thread. */
  ran(ms: number): void;
}

/** One slot per thread; more while runs are so short that claiming them takes longer. */
function createRunSlots(threads: number): RunSlots {
  let averageMs = Infinity;
  const slots = createSlots(() =>
    averageMs < SHORT_RUN_MS ? threads * SHORT_RUNS_PER_THREAD : threads,
  );
  return {
    take: slots.take,
    ran(ms) {
      // a long run counts at once, short ones have to add up
      averageMs = ms > averageMs || averageMs === Infinity ? ms : averageMs * 0.9 + ms * 0.1;
    },
  };
}

/** No slot for long: the entry goes back to its place in the queue, for whoever has one. */
async function runInSlot(
  context: Context,
  slots: RunSlots,
  id: string,
  place: Date,
): Promise<void> {
  const release = await slots.take(SLOT_WAIT_MS);
  if (release === null) return await putBack(context, id, place);
  try {
    await runJob(context, id, (ms) => {
      if (ms !== null) slots.ran(ms);
      release();
    });
  } finally {
    release();
  }
}

/** What an outage cut short is queued again at once: graphile-worker would wait e^attempts s. */
function task(
  context: Context,
  name: WakeUp["task"],
  work: (id: string, helpers: JobHelpers) => Promise<void>,
): NonNullable<TaskList[string]> {
  return async (payload, helpers) => {
    const { id } = payload as { id: string };
    try {
      await work(id, helpers);
    } catch (error) {
      if (!isOutage(error)) throw error;
      await queueAgain(context, { task: name, id, delayMs: 0 });
    }
  };
}

/** Until the process stops. A database that is away is met again at the next turn. */
async function repeat(
  { stopping, telemetry }: Pick<Context, "stopping" | "telemetry">,
  everyMs: number,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!stopping.aborted) {
    await sleep(everyMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return;
    try {
      await work();
    } catch (error) {
      if (isOutage(error)) telemetry.log.warn("database away", { what: "maintenance" });
      else telemetry.unexpectedError(error, { what: "maintenance" });
    }
  }
}
