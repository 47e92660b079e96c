import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Logger, run } from "graphile-worker";
import type { Runner, TaskList, WorkerEvents } from "graphile-worker";
import type { Pool } from "pg";
import { retryWhileUnavailable } from "../retry.ts";
import type { RetryLog } from "../retry.ts";
import { createRetryingPool } from "./retrying-pool.ts";

export interface QueueRunner {
  /** The name under which graphile-worker locks the wake-ups that this runner takes. */
  poolId(): string;
  /** Begins no more wake-ups; resolves when those in work are done. */
  stop(): Promise<void>;
}

/** The parts of a runner. */
export interface QueueParts {
  pool: Pool;
  log: RetryLog;
}

const RESTART_MS = 500;

export interface RunnerOptions {
  tasks: TaskList;
  concurrency: number;
  /** The number of wake-ups fetched ahead; they are locked while they wait here. */
  ahead: number;
  pollMs: number;
  /**
   * Completes many wake-ups at once: faster, but a statement over many rows deadlocks with one that
   * re-queues the same wake-ups while they run, and then the runner gives up.
   */
  batched: boolean;
}

/**
 * Keeps one graphile-worker runner going on this pool: a runner that gives up is replaced.
 * @param onPool called with each new pool id
 */
export async function startRunner(
  parts: QueueParts,
  options: RunnerOptions,
  onPool: () => Promise<void>,
): Promise<QueueRunner> {
  let poolId = "";
  let stopping = false;
  let runner = await start();

  async function start(): Promise<Runner> {
    const started = await launch(parts, options, (id) => (poolId = id));
    // the promise also resolves when the runner gives up
    const ended = (error: Error | void): void => {
      if (stopping) return;
      parts.log.warn("queue runner ended", { error: error ? error.message : null });
      void restart();
    };
    started.promise.then(ended, ended);
    return started;
  }

  async function restart(): Promise<void> {
    while (!stopping) {
      await sleep(RESTART_MS);
      try {
        runner = await start();
        return await retryWhileUnavailable(parts.log, "register queue runner", onPool);
      } catch (error) {
        parts.log.warn("queue runner not started", { error: (error as Error).message });
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
  { pool, log }: QueueParts,
  options: RunnerOptions,
  onPoolId: (id: string) => void,
): Promise<Runner> {
  const events: WorkerEvents = new EventEmitter();
  events.on("pool:create", ({ workerPool }) => onPoolId(workerPool.id));
  return await run({
    pgPool: createRetryingPool(pool, log),
    taskList: options.tasks,
    noHandleSignals: true,
    events,
    logger: new Logger(() => (level, message) => {
      // graphile-worker logs as errors what it mends itself by trying again
      if (level === "error") {
        log.warn("queue", { detail: message.slice(0, 500) });
      }
    }),
    preset: {
      worker: {
        concurrentJobs: options.concurrency,
        pollInterval: options.pollMs,
        completeJobBatchDelay: options.batched ? 0 : -1,
        failJobBatchDelay: options.batched ? 0 : -1,
        localQueue: { size: options.ahead, refetchDelay: { durationMs: 0 } },
        gracefulShutdownAbortTimeout: 60_000,
      },
    },
  });
}
