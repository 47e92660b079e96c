import { toCapped } from "../../core/capped-count.ts";
import { jobWaitOf } from "../../core/job-wait.ts";
import type { JobStatus } from "../../core/model.ts";
import { listJobWaits } from "../../db/jobs/waits.ts";
import type { HttpContext } from "../http-context.ts";
import type { JobBody } from "../schemas/job.ts";
import { isoTime } from "./common.ts";

/** What a job waits for, where that was looked up. */
export interface Waiting {
  waiting_for?: JobBody["waiting_for"];
}

/**
 * Jobs with what pending ones wait for: one look more, for all of them.
 * @param counted whether to say how many are due before them
 */
export async function withWaiting<Row extends { id: string; status: JobStatus }>(
  { lookups, now }: Pick<HttpContext, "lookups" | "now">,
  jobs: readonly Row[],
  counted = false,
): Promise<(Row & Waiting)[]> {
  const pending = jobs.filter(({ status }) => status === "pending").map(({ id }) => id);
  const rows = pending.length === 0 ? [] : await listJobWaits(lookups, pending, counted);
  const facts = new Map(rows.map((row) => [row.id, row]));
  return jobs.map((job) => {
    const found = facts.get(job.id);
    const wait = found === undefined ? null : jobWaitOf(found, now());
    if (found === undefined || wait === null) return job;
    const ahead = found.ahead === null ? {} : { ahead: toCapped(found.ahead) };
    return { ...job, waiting_for: { ...wait, until: isoTime(wait.until), ...ahead } };
  });
}
