import type { Context } from "../context.ts";
import { formatId, newId } from "../../core/ids.ts";
import type { Job } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import { findRetryOf, insertRetries, lockEnds } from "../../db/jobs/retries.ts";
import type { MadeRetry } from "../../db/jobs/retries.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";

/**
 * Runs a job that failed or was canceled again: a new job with the same input, callbacks and
 * metadata. What was told of the first stays told.
 * @throws Problem not_found, job_state, job_retried
 */
export async function retryJob(
  context: Pick<Context, "pool" | "telemetry" | "jobs">,
  { accountId, jobId, requestId }: { accountId: string; jobId: string; requestId: string },
): Promise<Job> {
  const job = await inTransaction(context.pool, async (tx) => {
    const failed = await getJob(tx, accountId, jobId);
    if (failed === null) throw new Problem("not_found", "There is no such job.");
    if (failed.status !== "failed" && failed.status !== "canceled") {
      const state = failed.finished_at === null ? `is ${failed.status}` : "has completed";
      throw new Problem("job_state", `The job ${state}; only one that failed or was canceled can.`);
    }
    const [made] = await retryJobs(tx, [jobId], requestId);
    if (made === undefined) {
      const id = formatId("job", (await findRetryOf(tx, jobId))!);
      throw new Problem("job_retried", `It was retried as ${id}: look at that, or retry it.`);
    }
    return (await getJob(tx, accountId, made.id))!;
  });
  context.telemetry.jobAccepted(job);
  if (context.jobs.hasFreeThread()) void context.jobs.look();
  return job;
}

/** Makes a job in place of each of these that failed, but of those retried before. */
export async function retryJobs(
  tx: Tx,
  ids: readonly string[],
  requestId: string,
): Promise<MadeRetry[]> {
  await lockEnds(tx, ids);
  return await insertRetries(
    tx,
    ids.map((id) => ({ id: newId(), retry_of: id, request_id: requestId })),
  );
}
