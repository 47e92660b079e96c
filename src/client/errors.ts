import type { Job as JobData, Problem } from "./openapi-types.ts";

/** Codes of calls with no answer, or with one that can't be understood. */
export type ClientErrorCode = "connection_failed" | "timed_out" | "answer_malformed";

/** Every code the API answers with, and those for calls that got no answer. */
export type ErrorCode = Problem["code"] | ClientErrorCode;

/** One place of a request that is wrong. */
export type ErrorDetail = NonNullable<Problem["errors"]>[number];

interface Facts {
  code: ErrorCode;
  detail: string;
  status?: number | undefined;
  errors?: ErrorDetail[] | undefined;
  requestId?: string | undefined;
  attempts?: number | undefined;
  cause?: unknown;
}

/** A call that did not work. Decide by `code`. */
export class RingbackError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly detail: string;
  /** Faults of a request that did not fit. */
  readonly errors: ErrorDetail[];
  /** Names the request in the service's log; null when no answer came. */
  readonly requestId: string | null;
  /** How often the call was made. */
  readonly attempts: number;

  constructor(facts: Facts) {
    super(`${facts.code}: ${facts.detail}`, { cause: facts.cause });
    this.name = "RingbackError";
    this.code = facts.code;
    this.status = facts.status ?? null;
    this.detail = facts.detail;
    this.errors = facts.errors ?? [];
    this.requestId = facts.requestId ?? null;
    this.attempts = facts.attempts ?? 1;
  }
}

/** The calls worked, the job did not: it failed, or was canceled. */
export class JobFailedError extends Error {
  /** The job's own code, as its job type chose it; `canceled` when it was canceled. */
  readonly code: string;
  readonly jobId: string;
  readonly status: "failed" | "canceled";
  readonly job: JobData;

  constructor(job: JobData) {
    const { code, message } = job.error ?? { code: job.status, message: "no reason was given" };
    const reason = code === job.status ? message : `${code} (${message})`;
    super(`${job.type} ${job.id} ${job.status}: ${reason}`);
    this.name = "JobFailedError";
    this.code = code;
    this.jobId = job.id;
    this.status = job.status === "canceled" ? "canceled" : "failed";
    this.job = job;
  }
}
