import type { RunFailure } from "../core/run-failures.ts";
import { errorMessage } from "./json-text.ts";
import type { LogLine, Progress, StopReason, ThreadMessage, ThreadOutcome } from "./messages.ts";

export interface ComputeRequest {
  jobId: string;
  run: number;
  type: string;
  /** JSON text. */
  input: string;
  timeoutMs: number;
  /** A thread has taken the run; its time runs from here. The callbacks must not throw. */
  onStart?(): void;
  /** At most ten times a second, and the last one before the outcome. */
  onProgress?(progress: Progress): void;
  /** At most 1,000 lines and a note on how many were dropped. */
  onLog?(message: string, fields: Record<string, unknown>): void;
}

/** How a run ended. The codes of a failure are those of `execute`, of this file, or of a `JobError`. */
export type RunOutcome = ThreadOutcome | { kind: "stopped"; reason: StopReason };

export interface RunningJob {
  /** Never rejects. */
  outcome: Promise<RunOutcome>;
  /** Asks the run to end: at once if no thread has it, else by its signal, then by force. */
  stop(reason: StopReason): void;
}

/** Why a run is being ended, and by when. The first reason stays. */
export type StopCause = StopReason | "timeout";

/** One run in the pool, from its request to its outcome. */
export interface PoolRun {
  readonly key: number;
  readonly request: ComputeRequest;
  readonly kill: AbortController;
  /** Null until a thread has it. */
  threadId: number | null;
  ending: StopCause | null;
  /** The error nobody awaited that ended the thread. */
  crash: string | null;
  timer: NodeJS.Timeout | null;
  readonly outcome: Promise<RunOutcome>;
  settle(outcome: RunOutcome): void;
}

export function createPoolRun(key: number, request: ComputeRequest): PoolRun {
  const { promise, resolve } = Promise.withResolvers<RunOutcome>();
  return {
    key,
    request,
    kill: new AbortController(),
    threadId: null,
    ending: null,
    crash: null,
    timer: null,
    outcome: promise,
    settle: resolve,
  };
}

export function receive(run: PoolRun, message: ThreadMessage): void {
  switch (message.kind) {
    case "progress":
      run.request.onProgress?.(message.progress);
      break;
    case "log":
      logLine(run, message.line);
      break;
    case "crashed":
      run.crash = message.message;
      break;
  }
}

function logLine({ request }: PoolRun, line: LogLine): void {
  const fields: Record<string, unknown> = JSON.parse(line.fields);
  request.onLog?.(line.message, fields);
}

/** The outcome of a run that the pool ended, whatever its thread made of it. */
export function endedOutcome(request: ComputeRequest, ending: StopCause): RunOutcome {
  if (ending !== "timeout") return { kind: "stopped", reason: ending };
  const message = `the run took longer than its timeout of ${request.timeoutMs / 1000} s`;
  return failed("timeout", message, false);
}

/** The outcome of a run whose thread ended before it did. */
export function threadDeath(run: PoolRun, error: unknown, memoryMb?: number): ThreadOutcome {
  if (run.crash !== null) {
    return failed("run_error", run.crash);
  }
  const outOfMemory =
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    error.code === "ERR_WORKER_OUT_OF_MEMORY";
  const limit = memoryMb === undefined ? "" : ` (${memoryMb} MiB)`;
  const message = outOfMemory
    ? `the run needed more memory than its thread has${limit}`
    : `the thread of the run died: ${errorMessage(error)}`;
  return failed("thread_died", message);
}

function failed(code: RunFailure, message: string, retryable = true): ThreadOutcome {
  return { kind: "failed", code, message, retryable };
}
