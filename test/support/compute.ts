import { createComputePool } from "../../src/compute/pool.ts";
import type {
  ComputePool,
  ComputePoolOptions,
  ComputeRequest,
  RunOutcome,
  RunningJob,
} from "../../src/compute/pool.ts";

const BEHAVIOURS = new URL("job-types/behaviours.ts", import.meta.url).href;
const EXAMPLE = new URL("../../docs/examples/word-count.ts", import.meta.url).href;

/** A pool that knows the built-in job types, those that misbehave, and the example. */
export function createTestPool(options: Partial<ComputePoolOptions> = {}): ComputePool {
  return createComputePool({
    modules: [BEHAVIOURS, EXAMPLE],
    threads: 1,
    allowTargets: "",
    graceMs: 200,
    ...options,
  });
}

export function startJob(
  pool: ComputePool,
  type: string,
  input: unknown = null,
  options: Partial<ComputeRequest> = {},
): RunningJob {
  return pool.start({
    jobId: "job_test",
    run: 1,
    type,
    input: JSON.stringify(input),
    timeoutMs: 60_000,
    ...options,
  });
}

export function runJob(
  pool: ComputePool,
  type: string,
  input: unknown = null,
  options: Partial<ComputeRequest> = {},
): Promise<RunOutcome> {
  return startJob(pool, type, input, options).outcome;
}

/** A run that is on: resolves when a thread has taken it. */
export async function startedJob(
  pool: ComputePool,
  type: string,
  input: unknown = null,
  options: Partial<ComputeRequest> = {},
): Promise<RunningJob> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const job = startJob(pool, type, input, { ...options, onStart: resolve });
  await promise;
  return job;
}
