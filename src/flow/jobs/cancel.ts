import type { Context } from "../context.ts";
import { formatId } from "../../core/ids.ts";
import type { Job } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { cancelPending } from "../../db/jobs/ends.ts";
import { lockJob, requestCancel } from "../../db/jobs/jobs.ts";
import { inTransaction } from "../../db/transaction.ts";
import { publish } from "../deliveries/publish.ts";
import { endPublication } from "./finish.ts";

/**
 * Cancels a job. A pending job ends at once; a running one is signalled, and its thread is ended
 * after a grace period when it does not react.
 * @throws Problem not_found, job_finished
 */
export async function cancelJob(
  context: Pick<Context, "pool" | "config" | "runs" | "telemetry">,
  { accountId, jobId }: { accountId: string; jobId: string },
): Promise<Job> {
  const job = await inTransaction(context.pool, async (tx) => {
    const found = await lockJob(tx, accountId, jobId);
    if (found === null) throw new Problem("not_found", "no such job");
    if (found.status === "pending") {
      const ended = (await cancelPending(tx, jobId))!;
      await publish(tx, [endPublication(ended, null, context.config.publicUrl)]);
      return ended;
    }
    if (found.status === "running") return (await requestCancel(tx, jobId))!;
    throw new Problem(
      "job_finished",
      `${formatId("job", jobId)} has ${found.status === "failed" ? "failed" : `been ${found.status}`} already`,
    );
  });
  if (job.status === "canceled") context.telemetry.jobEnded(job);
  // the worker with the run asks once a second; when the run is in this process, it stops now
  else context.runs.get(jobId)?.stop("canceled");
  return job;
}
