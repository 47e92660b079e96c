import type { MessagePort } from "node:worker_threads";

/** How every thread of a pool is set up. */
export interface ThreadOptions {
  modules: string[];
  /** Comma-separated CIDR ranges that the `fetch` of a job may reach beside public ones. */
  allowTargets: string;
  maxResultBytes: number;
}

/** One run on its way into a thread. */
export interface ThreadTask {
  /** Unique within the pool. */
  runKey: number;
  jobId: string;
  run: number;
  type: string;
  /** JSON text. */
  input: string;
}

/** How a run ended, as its thread saw it. */
export type ThreadOutcome =
  | { kind: "completed"; result: string }
  | { kind: "failed"; code: string; message: string; retryable: boolean };

export type StopReason = "canceled" | "shutdown";
export type AbortReason = StopReason | "timeout";

/** Pool to thread, over the port of the thread. */
export interface AbortMessage {
  runKey: number;
  reason: AbortReason;
}

export interface Progress {
  /** 0 to 1. */
  fraction: number;
  message: string | null;
  /** JSON text. */
  data: string | null;
}

export interface LogLine {
  message: string;
  /** JSON text of an object. */
  fields: string;
}

/** Thread to pool, over the port of the thread. */
export type ThreadMessage =
  | { kind: "progress"; runKey: number; progress: Progress }
  | { kind: "log"; runKey: number; line: LogLine }
  | { kind: "crashed"; runKey: number; message: string };

/** A thread's first message: the port on which it is reached from then on. */
export interface ThreadHello {
  threadId: number;
  port: MessagePort;
}
