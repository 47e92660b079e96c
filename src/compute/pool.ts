import { fileURLToPath } from "node:url";
import { Piscina, queueOptionsSymbol } from "piscina";
import type { ThreadHello, ThreadOptions, ThreadOutcome, ThreadTask } from "./messages.ts";
import { createPoolRun, endedOutcome, receive, threadDeath } from "./pool-run.ts";
import type { ComputeRequest, StopCause, PoolRun, RunningJob } from "./pool-run.ts";
import { createThreadPorts } from "./thread-ports.ts";

export type { ComputeRequest, RunningJob, RunOutcome } from "./pool-run.ts";

export interface ComputePool {
  /** How many runs can be on at once. */
  threads: number;
  /** Runs a job as soon as a thread is free, in the order of the calls. */
  start(request: ComputeRequest): RunningJob;
  /** Stops all runs as at a shutdown, waits for them, ends the threads. */
  close(): Promise<void>;
}

export interface ComputePoolOptions {
  /** See `loadJobTypes`. */
  modules: string[];
  threads: number;
  /** The environment that jobs see as `process.env` (default: all of it). */
  env?: NodeJS.ProcessEnv;
  /** Comma-separated CIDR ranges that jobs may fetch from, beside public addresses. */
  allowTargets: string;
  /** How long a run has to end after its signal, before its thread is ended. */
  graceMs?: number;
  maxResultBytes?: number;
  /** Heap of one thread. */
  memoryMb?: number;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const THREAD_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "thread.ts" : "thread.js", import.meta.url),
);

/** The symbol stays on this side: it tells the load balancer which run a task is. */
type TaskInPool = ThreadTask & { [queueOptionsSymbol]: Pick<ThreadTask, "runKey"> };

/** A pool of threads, started when needed and kept from then on. */
export function createComputePool(options: ComputePoolOptions): ComputePool {
  const { threads, graceMs = 2_000 } = options;
  // Ours and not piscina's, which lets later tasks overtake and searches its list to remove one.
  const queue = new Map<number, PoolRun>();
  const active = new Map<number, PoolRun>();
  const ports = createThreadPorts((message) => {
    const run = active.get(message.runKey);
    if (run !== undefined) receive(run, message);
  });
  const piscina = createThreads(options, (runKey, threadId) => {
    const run = active.get(runKey);
    if (run !== undefined) onTaken(run, threadId);
  });
  piscina.on("message", onHello);
  // A thread that died while it had no run. The next run starts another.
  piscina.on("error", () => undefined);
  let lastKey = 0;
  let closed = false;

  function onHello(hello: ThreadHello): void {
    ports.add(hello);
    // A run that was ended before its thread could be reached.
    for (const run of active.values()) {
      if (run.threadId === hello.threadId && run.ending !== null) {
        ports.send(hello.threadId, { runKey: run.key, reason: run.ending });
      }
    }
  }

  function onTaken(run: PoolRun, threadId: number): void {
    run.threadId = threadId;
    // Later, so that the caller of start() has its return value by then.
    queueMicrotask(() => run.request.onStart?.());
    run.timer = setTimeout(
      // After the poll phase: a result that waited for a busy loop still counts.
      () => setImmediate(() => end(run, "timeout")),
      Math.min(run.request.timeoutMs, MAX_TIMEOUT_MS),
    );
  }

  function end(run: PoolRun, reason: StopCause): void {
    if (queue.delete(run.key)) {
      run.settle(endedOutcome(run.request, reason));
      return;
    }
    if (!active.has(run.key) || run.ending !== null) return;
    run.ending = reason;
    if (run.timer !== null) clearTimeout(run.timer);
    if (run.threadId === null) {
      run.kill.abort();
    } else {
      ports.send(run.threadId, { runKey: run.key, reason });
      run.timer = setTimeout(() => run.kill.abort(), graceMs);
    }
  }

  function dispatch(): void {
    for (const run of queue.values()) {
      if (active.size >= threads) return;
      queue.delete(run.key);
      active.set(run.key, run);
      void compute(run);
    }
  }

  async function compute(run: PoolRun): Promise<void> {
    const { jobId, run: number, type, input } = run.request;
    const task: ThreadTask = { runKey: run.key, jobId, run: number, type, input };
    let seen: ThreadOutcome;
    try {
      seen = await piscina.run(
        { ...task, [queueOptionsSymbol]: task },
        { signal: run.kill.signal },
      );
      drainReports(run);
    } catch (error) {
      drainReports(run);
      seen = threadDeath(run, error, options.memoryMb);
    }
    if (run.timer !== null) clearTimeout(run.timer);
    active.delete(run.key);
    run.settle(run.ending === null ? seen : endedOutcome(run.request, run.ending));
    dispatch();
  }

  /** The outcome comes by another way than the reports, and may overtake them. */
  function drainReports(run: PoolRun): void {
    if (run.threadId !== null) ports.drain(run.threadId);
  }

  return {
    threads,
    start(request) {
      const run = createPoolRun(++lastKey, request);
      queue.set(run.key, run);
      if (closed) end(run, "shutdown");
      else dispatch();
      return { outcome: run.outcome, stop: (reason) => end(run, reason) };
    },
    async close() {
      closed = true;
      const runs = [...queue.values(), ...active.values()];
      for (const run of runs) end(run, "shutdown");
      await Promise.all(runs.map((run) => run.outcome));
      await piscina.destroy();
    },
  };
}

/**
 * The young objects of a thread. Node ends a thread at its limit of memory with 16 MiB to spare; what
 * is promoted at once must fit in there, or V8 ends the whole process.
 */
const YOUNG_GENERATION_MB = 24;

function createThreads(
  options: ComputePoolOptions,
  onTaken: (runKey: number, threadId: number) => void,
): Piscina<TaskInPool, ThreadOutcome> {
  const workerData: ThreadOptions = {
    modules: options.modules,
    allowTargets: options.allowTargets,
    maxResultBytes: options.maxResultBytes ?? 8 * 1024 * 1024,
  };
  return new Piscina({
    filename: THREAD_FILE,
    workerData,
    minThreads: 0,
    maxThreads: options.threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    ...(options.env === undefined ? {} : { env: options.env }),
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      ...(options.memoryMb !== undefined && { maxOldGenerationSizeMb: options.memoryMb }),
    },
    // Piscina asks this in the moment it hands a task to a thread: the only sign of a start. Ready
    // threads stand behind those that still boot.
    loadBalancer(task, workers) {
      const worker = workers.findLast((one) => {
        return one.currentUsage === 0 && !one.terminating && !one.destroyed;
      });
      if (worker === undefined) return null;
      const mark = task[queueOptionsSymbol];
      if (mark !== null && "runKey" in mark) onTaken(Number(mark.runKey), worker.id);
      return worker;
    },
  });
}
