// The entry of a pool thread: a process of its own as far as imports go. No top-level await
// (piscina loads it with require) and no throw at import (piscina would not start threads again).
import { AsyncLocalStorage } from "node:async_hooks";
import { MessageChannel, parentPort, threadId, workerData } from "node:worker_threads";
import type { RunFailure } from "../core/run-failures.ts";
import { parseAllowTargets } from "../core/targets.ts";
import { createGuardedFetch } from "../transport/guarded-fetch.ts";
import { execute } from "./execute.ts";
import { cleanText, errorMessage, firstLine } from "./json-text.ts";
import type { AbortMessage, AbortReason, ThreadMessage, ThreadOptions } from "./messages.ts";
import type { ThreadHello, ThreadOutcome, ThreadTask } from "./messages.ts";
import { createReporter } from "./reporter.ts";
import type { Reporter } from "./reporter.ts";
import { loadJobTypes } from "./registry.ts";
import type { JobTypeRegistry } from "./registry.ts";

interface CurrentRun {
  task: ThreadTask;
  abort: AbortController;
  reporter: Reporter;
}

const options: ThreadOptions = workerData;
// One port for the life of the thread. A channel per run took the main loop 10 to 18 µs more per
// run, of about 30.
const { port1: port, port2: poolPort } = new MessageChannel();
const runs = new AsyncLocalStorage<CurrentRun>();
let current: CurrentRun | null = null;
let jobTypes: Promise<JobTypeRegistry> | null = null;
let guardedFetch: typeof fetch | null = null;

port.on("message", (message: AbortMessage) => {
  if (current?.task.runKey === message.runKey) current.abort.abort(abortError(message.reason));
});
process.on("uncaughtException", onEscapedError);
process.on("unhandledRejection", onEscapedError);
const hello: ThreadHello = { threadId, port: poolPort };
parentPort?.postMessage(hello, [poolPort]);

/** Runs one job. Its progress and log lines are all on the port before this settles. */
export default async function runTask(task: ThreadTask): Promise<ThreadOutcome> {
  const { runKey } = task;
  const abort = new AbortController();
  const reporter = createReporter({
    progress: (progress) => post({ kind: "progress", runKey, progress }),
    log: (line) => post({ kind: "log", runKey, line }),
  });
  const run: CurrentRun = { task, abort, reporter };
  current = run;
  try {
    jobTypes ??= loadJobTypes(options.modules);
    const registry = await jobTypes;
    return await runs.run(run, () =>
      execute({
        task,
        type: registry.get(task.type),
        context: {
          signal: abort.signal,
          progress: reporter.progress,
          log: reporter.log,
          fetch: fetchFor(abort.signal),
        },
        maxResultBytes: options.maxResultBytes,
      }),
    );
  } catch (error) {
    jobTypes = null;
    const message = cleanText(firstLine(errorMessage(error)), 2_000);
    const code = "job_types_not_loaded" satisfies RunFailure;
    return { kind: "failed", code, message, retryable: true };
  } finally {
    reporter.end();
    current = null;
  }
}

function post(message: ThreadMessage): void {
  port.postMessage(message);
}

/** The guarded fetch, ended with the run unless the job brings a signal of its own. */
function fetchFor(signal: AbortSignal): typeof fetch {
  return (resource, init) => {
    guardedFetch ??= createGuardedFetch({ rules: parseAllowTargets(options.allowTargets) });
    return guardedFetch(resource, { ...init, signal: init?.signal ?? signal });
  };
}

function abortError(reason: AbortReason): DOMException {
  return reason === "timeout"
    ? new DOMException("the run took longer than its timeout", "TimeoutError")
    : new DOMException(
        reason === "canceled" ? "the job was canceled" : "shutting down",
        "AbortError",
      );
}

/**
 * An error nobody awaited. In the run that is on, it ends the run and the thread, whose state is
 * unknown from here. Left over from an earlier run, it must not hurt the one that is on now.
 */
function onEscapedError(error: unknown): void {
  const from = runs.getStore();
  const message = cleanText(firstLine(errorMessage(error)), 2_000);
  if (from !== undefined && from !== current) {
    const { jobId, run } = from.task;
    current?.reporter.log("an earlier run on this thread left an error behind", {
      job_id: jobId,
      run,
      error: message,
    });
    return;
  }
  if (current !== null) {
    current.reporter.end();
    post({ kind: "crashed", runKey: current.task.runKey, message });
  }
  process.exit(1);
}
