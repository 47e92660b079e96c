import type { z } from "zod";

/** The arguments of a run. Everything a run needs arrives here; a job type holds no state. */
export interface RunContext<Input> {
  /** The validated input, defaults and transforms of its schema applied. */
  input: Input;
  /** The id of the job (`job_…`) and which run of it this is (1, 2, …). */
  jobId: string;
  run: number;
  /** Aborted when the job is canceled, timed out or its worker stops. */
  signal: AbortSignal;
  /**
   * Reports progress.
   * @param fraction 0 to 1; what lies outside is taken to the nearer end
   * @param message a short text for people
   * @param data intermediate results, JSON, at most 16 KiB
   * @throws TypeError when the data is not JSON, RangeError when it is too long
   */
  progress: (fraction: number, message?: string, data?: unknown) => void;
  /** Writes a line to the service's log, bound to this job. */
  log: (message: string, fields?: Record<string, unknown>) => void;
  /** `fetch` that may reach only the addresses the service may call. */
  fetch: typeof globalThis.fetch;
}

/** A named computation with an input and a result schema. */
export interface JobType<Input = unknown, Result = unknown> {
  name: string;
  description?: string;
  input: z.ZodType<Input>;
  result: z.ZodType<Result>;
  /** Longest a run may take, in seconds; a job may ask for less or more. */
  timeoutSeconds: number;
  /** How many runs a job gets when runs fail with a retryable error. */
  maxRuns: number;
  run(context: RunContext<Input>): Promise<Result> | Result;
}

type JobTypeDefinition<Input, Result> = Omit<JobType<Input, Result>, "timeoutSeconds" | "maxRuns"> &
  Partial<Pick<JobType, "timeoutSeconds" | "maxRuns">>;

const NAME = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/;

/** Declares a job type. Defaults: `timeoutSeconds` 600, `maxRuns` 3. */
export function defineJobType<Input, Result>(
  definition: JobTypeDefinition<Input, Result>,
): JobType<Input, Result> {
  if (!NAME.test(definition.name) || definition.name.length > 100) {
    throw new Error(`job type name ${JSON.stringify(definition.name)} must match ${NAME.source}`);
  }
  return { timeoutSeconds: 600, maxRuns: 3, ...definition };
}

/** Thrown by a run to say what went wrong, and whether another run could help (default: no). */
export class JobError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(message: string, options: { code?: string; retryable?: boolean } = {}) {
    super(message);
    this.name = "JobError";
    this.code = options.code ?? "job_error";
    this.retryable = options.retryable ?? false;
  }
}
