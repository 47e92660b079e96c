import { setTimeout as sleep } from "node:timers/promises";
import type { TaskList } from "graphile-worker";
import type { Context } from "../flow/context.ts";
import { hindranceOf } from "../core/outage.ts";
import { wakeAgain } from "../db/queue/wake.ts";
import type { WakeUp } from "../db/queue/wake.ts";
import { pumpLane } from "../flow/deliveries/lane/pump.ts";
import { MAX_PUMPS } from "../flow/deliveries/lane/slice.ts";
import { runDeletion } from "../flow/accounts/run-deletion.ts";
import { createExpiry } from "../flow/maintenance/expire.ts";
import { auditOwn, createReconciler, sweep } from "../flow/maintenance/reconcile.ts";
import { runReplay } from "../flow/deliveries/replay-steps.ts";
import { retain } from "../flow/maintenance/retain.ts";
import { followNudges } from "../flow/maintenance/follow-nudges.ts";
import { startLiveness } from "../flow/maintenance/liveness.ts";
import { startRunner } from "../db/queue/runner.ts";
import type { QueueRunner } from "../db/queue/runner.ts";

/** Job wake-ups taken at once; several that come together are one look for jobs. */
const JOB_WAKE_UPS = 10;
const RECONCILE_MS = 5_000;
/** Work that an outage left in nobody's hands must go on within 5 s of its end. */
const AUDIT_MS = 2_000;
/** Half a minute late at most, where nothing may be sent. */
const EXPIRE_MS = 10_000;
/** Every so many audits, all lanes are looked at. */
const AUDITS_OF_ALL_LANES = 15;
const SWEEP_MS = 300_000;
/** Whether it is time to retain; one process of all does. */
const RETAIN_MS = 60_000;
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
  const leaveNudges = await followNudges(context);
  const runners: QueueRunner[] = [];
  const queue = { pool: context.pool, log: context.telemetry.log };
  const pump = enduring(context, "pump-lane", (id) => pumpLane(context, id));
  const registerPools = async (): Promise<void> =>
    await liveness.setPools(runners.map((runner) => runner.poolId()));
  if (roles.includes("compute")) {
    runners.push(
      await startRunner(
        queue,
        {
          tasks: {
            "claim-jobs": async () => await context.jobs.look(),
          },
          concurrency: JOB_WAKE_UPS,
          ahead: JOB_WAKE_UPS,
          pollMs: 1_000,
          batched: true,
        },
        registerPools,
      ),
    );
  }
  if (roles.includes("deliver")) {
    runners.push(
      await startRunner(
        queue,
        {
          tasks: {
            "pump-lane": task(pump),
            "run-replay": task(enduring(context, "run-replay", (id) => runReplay(context, id))),
            "delete-account": task(
              enduring(context, "delete-account", (id) => runDeletion(context, id)),
            ),
          },
          concurrency: MAX_PUMPS,
          ahead: MAX_PUMPS,
          pollMs: 500,
          // a message for several lanes re-queues wake-ups of lanes that are being pumped
          batched: false,
        },
        registerPools,
      ),
    );
  }
  await registerPools();
  // jobs that were pending before, whose wake-up a process took that is gone
  void context.jobs.look(true);

  const reconciler = createReconciler(context, pump);
  const expiry = createExpiry(context);
  let audits = 0;
  const repeating = [
    repeat(context, RECONCILE_MS, () => reconciler.turn()),
    repeat(context, EXPIRE_MS, () => expiry.turn()),
    repeat(context, AUDIT_MS, () => auditOwn(context, (audits += 1) % AUDITS_OF_ALL_LANES === 0)),
    repeat(context, SWEEP_MS, () => sweep(context)),
    repeat(context, RETAIN_MS, () => retain(context, true)),
  ];

  return {
    async stop(graceMs) {
      // lanes that are kept without work are left now
      for (const held of context.pumps.values()) held.nudge();
      const stopped = Promise.allSettled([
        ...runners.map((runner) => runner.stop()),
        context.jobs.idle(),
        reconciler.idle(),
      ]);
      await Promise.race([stopped, sleep(graceMs * RUN_SHARE, undefined, { ref: false })]);
      for (const run of context.runs.values()) run.stop("shutdown");
      await Promise.race([stopped, sleep(graceMs * (1 - RUN_SHARE), undefined, { ref: false })]);
      await Promise.all(repeating);
      await liveness.leave();
      leaveNudges();
    },
  };
}

function task(work: (id: string) => Promise<void>): NonNullable<TaskList[string]> {
  return async (payload) => await work((payload as { id: string }).id);
}

/** A task that an outage cut short is queued again at once: graphile-worker would wait e^attempts s. */
function enduring(
  context: Context,
  name: WakeUp["task"],
  work: (id: string) => Promise<void>,
): (id: string) => Promise<void> {
  const queue = { pool: context.pool, log: context.telemetry.log };
  return async (id) => {
    try {
      await work(id);
    } catch (error) {
      if (hindranceOf(error) === null) throw error;
      await wakeAgain(queue, { task: name, id, delayMs: 0 });
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
      const hindrance = hindranceOf(error);
      if (hindrance !== null) telemetry.log.warn(hindrance, { what: "maintenance" });
      else telemetry.unexpectedError(error, { what: "maintenance" });
    }
  }
}
