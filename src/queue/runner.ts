import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger, run } from "graphile-worker";
import type { Runner, TaskList, WorkerEvents } from "graphile-worker";
import type { Context } from "../context.ts";

export interface QueueRunner {
  /** The name under which graphile-worker locks the entries this runner takes. */
  poolId(): string;
  /** No entry is begun any more; resolves when those in work are done. */
  stop(): Promise<void>;
}

const RESTART_MS = 500;

export interface RunnerOptions {
  tasks: TaskList;
  concurrency: number;
  /** Entries fetched ahead; they are locked while they wait here. */
  ahead: number;
  pollMs: number;
}

/**
 * Keeps one graphile-worker runner going on the context's pool: one that gives up is replaced.
 * @param onPool called with each new pool id
 */
export async function startRunner(
  context: Pick<Context, "pool" | "telemetry">,
  options: RunnerOptions,
  onPool: () => Promise<void>,
): Promise<QueueRunner> {
  let poolId = "";
  let stopping = false;
  let runner = await start();

  async function start(): Promise<Runner> {
    const started = await launch(context, options, (id) => (poolId = id));
    started.promise.catch((error: Error) => {
      context.telemetry.log.warn("queue runner ended", { error: error.message });
      if (!stopping) void restart();
    });
    return started;
  }

  async function restart(): Promise<void> {
    while (!stopping) {
      await sleep(RESTART_MS);
      try {
        runner = await start();
        return await onPool();
      } catch (error) {
        context.telemetry.log.warn("queue runner not started", { error: (error as Error).message });
      }
    }
  }

  return {
    poolId: () => poolId,
    async stop() {
      stopping = true;
      await runner.stop();
    },
  };
}

async function launch(
  { pool, telemetry }: Pick<Context, "pool" | "telemetry">,
  options: RunnerOptions,
  onPoolId: (id: string) => void,
): Promise<Runner> {
  const events: WorkerEvents = new EventEmitter();
  events.on("pool:create", ({ workerPool }) => onPoolId(workerPool.id));
  return await run({
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
}
