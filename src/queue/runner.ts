import { EventEmitter } from "node:events";
import { Logger, run } from "graphile-worker";
import type { Runner, TaskList, WorkerEvents } from "graphile-worker";
import type { Context } from "../context.ts";

export interface QueueRunner {
  /** The name under which graphile-worker locks the entries this runner takes. */
  poolId: string;
  /** No entry is begun any more; resolves when those in work are done. */
  stop(): Promise<void>;
  /** Rejects when the runner can't go on. */
  promise: Promise<void>;
}

export interface RunnerOptions {
  tasks: TaskList;
  concurrency: number;
  /** Entries fetched ahead; they are locked while they wait here. */
  ahead: number;
  pollMs: number;
}

/** Starts one graphile-worker runner on the context's pool. */
export async function startRunner(
  { pool, telemetry }: Pick<Context, "pool" | "telemetry">,
  options: RunnerOptions,
): Promise<QueueRunner> {
  const events: WorkerEvents = new EventEmitter();
  let poolId = "";
  events.on("pool:create", ({ workerPool }) => (poolId = workerPool.id));
  const runner: Runner = await run({
    pgPool: pool,
    taskList: options.tasks,
    noHandleSignals: true,
    events,
    logger: new Logger(() => (level, message) => {
      // what it calls an error it mends itself by trying again
      if (level === "error") {
        telemetry.log.warn("queue", { detail: message.slice(0, 500) });
      }
    }),
    preset: {
      worker: {
        concurrentJobs: options.concurrency,
        pollInterval: options.pollMs,
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        localQueue: { size: options.ahead, refetchDelay: { durationMs: 0 } },
        gracefulShutdownAbortTimeout: 60_000,
      },
    },
  });
  return {
    poolId,
    promise: runner.promise,
    stop: () => runner.stop(),
  };
}
