import type { Job } from "../core/model.ts";
import { getJob } from "../db/jobs/jobs.ts";
import type { HttpContext } from "./http-context.ts";
import { entityTag, isFinished, jobText, matchesTag } from "./views/job.ts";
import { withWaiting } from "./views/job-wait.ts";

const LOOK_MS = 250;

/**
 * Delays a request until its job has ended, or, with an `If-None-Match` for the representation that
 * the client has, until there is a new one. Returns the job as it is then.
 */
export async function waitForNews(
  context: HttpContext,
  job: Job,
  wait: { ms: number; ifNoneMatch: string | undefined; gone: AbortSignal },
): Promise<Job> {
  const deadline = performance.now() + wait.ms;
  let latest: Job | null = job;
  while (latest !== null && !isFinished(latest.status)) {
    if (wait.ifNoneMatch !== undefined) {
      const [shown = latest] = await withWaiting(context, [latest], true);
      const tag = entityTag(jobText(context, shown));
      if (!matchesTag(wait.ifNoneMatch, tag)) return latest;
    }
    const left = deadline - performance.now();
    if (left <= 0) return latest;
    const step = wait.ifNoneMatch === undefined ? left : Math.min(left, LOOK_MS);
    const end = await context.watch.wait(job, step, wait.gone);
    if (end === "gone") return latest;
    latest = await getJob(context.pool, job.account_id, job.id);
  }
  return latest ?? job;
}
