import type { RunOutcome } from "../../compute/pool.ts";
import type { Context } from "../context.ts";
import { failpoint } from "../../core/failpoint.ts";
import { backoffMs } from "../../core/backoff.ts";
import type { ClaimedRun } from "../../db/jobs/runs.ts";
import { CANCELED, finishJob, handBack } from "./finish.ts";
import { createProgressReporter } from "./progress.ts";

/** Pause before another run of a job whose run failed: 2 s, 6 s, 18 s, … up to 5 min. */
const RUN_RETRY = { max_attempts: Infinity, base_s: 2, factor: 3, cap_s: 300 };

/** How long a run that was claimed ahead waits for a thread before it is handed back. */
const THREAD_WAIT_MS = 1_000;

type RunParts = Pick<
  Context,
  "pool" | "config" | "telemetry" | "compute" | "endings" | "random" | "runs" | "stopping"
>;

/**
 * Computes a run that was claimed, in a thread, and brings it to its end.
 * @param computed called when the thread is free again, before the end is written, with the
 *   milliseconds for which the thread was busy; null when the run never began
 */
export async function computeRun(
  context: RunParts,
  job: ClaimedRun,
  computed: (busyMs: number | null) => void,
): Promise<void> {
  failpoint("claim:committed");
  const progress = createProgressReporter(context, job);
  let startedAt: number | null = null;
  const running = context.compute.start({
    jobId: job.id,
    run: job.run,
    type: job.type,
    input: job.input,
    timeoutMs: job.timeout_s * 1000,
    onStart() {
      startedAt = performance.now();
      clearTimeout(waiting);
    },
    onProgress: (p) => progress.report(p),
    onLog: (message, fields) =>
      context.telemetry.log.info(message, { ...fields, job_id: job.id, run: job.run }),
  });
  // a run claimed ahead waited for a long one: others may have a thread free; a run that was not
  // claimed ahead has a thread, if only one that is being started
  const ahead = context.runs.size > context.compute.threads;
  const waiting = ahead ? setTimeout(() => running.stop("shutdown"), THREAD_WAIT_MS) : undefined;
  context.runs.set(job.id, { run: job.run, job, stop: (reason) => running.stop(reason) });
  if (context.stopping.aborted) running.stop("shutdown");
  const outcome = await running.outcome;
  clearTimeout(waiting);
  const busyMs = startedAt === null ? null : performance.now() - startedAt;
  computed(busyMs);
  await progress.settled();
  const label = outcome.kind === "failed" ? outcome.code : outcome.kind;
  context.telemetry.runEnded(job, label, busyMs ?? 0);
  failpoint("computed");
  await conclude(context, job, outcome);
}

/** Turns the outcome of a run into the end of the job, another run later, or a run handed back. */
async function conclude(context: RunParts, job: ClaimedRun, outcome: RunOutcome): Promise<void> {
  const end = { id: job.id, run: job.run, result: null, errorCode: null, errorMessage: null };
  if (outcome.kind === "completed") {
    await complete(context, job, outcome.result);
  } else if (outcome.kind === "stopped" && outcome.reason === "shutdown") {
    await handBack(context, { id: job.id, run: job.run, delayMs: 0, failed: false });
  } else if (outcome.kind === "stopped") {
    await finishJob(context, { ...end, ...CANCELED });
  } else if (outcome.retryable && job.failures + 1 < job.max_runs) {
    const delayMs = backoffMs(RUN_RETRY, job.failures + 1, context.random());
    await handBack(context, { id: job.id, run: job.run, delayMs, failed: true });
  } else {
    const error = { errorCode: outcome.code, errorMessage: outcome.message };
    await finishJob(context, { ...end, ...error, status: "failed" });
  }
}

/** A result that the database refuses for another reason than an outage fails the run. */
async function complete(context: RunParts, job: ClaimedRun, result: string): Promise<void> {
  const { id, run } = job;
  const end = { id, run, status: "completed", errorCode: null, errorMessage: null } as const;
  try {
    await finishJob(context, { ...end, result });
  } catch (error) {
    context.telemetry.unexpectedError(error, { job_id: id, run });
    const message = "the result could not be stored";
    const failure = {
      kind: "failed",
      code: "result_not_stored",
      message,
      retryable: true,
    } as const;
    await conclude(context, job, failure);
  }
}
