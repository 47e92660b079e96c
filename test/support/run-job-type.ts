import type { JobType, RunContext } from "../../src/core/job-type.ts";

export interface Reports {
  progress: Parameters<RunContext<unknown>["progress"]>[];
}

/** Runs a job type here, without a pool: validated as in a thread, its errors as they were thrown. */
export async function runJobType<Input, Result>(
  type: JobType<Input, Result>,
  input: unknown,
  context: Partial<RunContext<unknown>> & { reports?: Reports } = {},
): Promise<Result> {
  const value = await type.run({
    jobId: "job_test",
    run: 1,
    signal: new AbortController().signal,
    progress: (...report) => context.reports?.progress.push(report),
    log: () => undefined,
    fetch,
    ...context,
    input: type.input.parse(input),
  });
  return type.result.parse(value);
}

/** The code, message and retryability of the JobError that a promise must reject with. */
export async function jobErrorOf(promise: Promise<unknown>) {
  const error = await promise.then(
    (value) => {
      throw new Error(`no error, but ${JSON.stringify(value)}`);
    },
    (thrown: unknown) => thrown as { code?: string; message: string; retryable?: boolean },
  );
  const { code, message, retryable } = error;
  return { code, message, retryable };
}
