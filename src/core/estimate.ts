import type { Job } from "./model.ts";

/** Less is too little to go by. */
const LEAST_FRACTION = 0.01;
const LEAST_MS = 1_000;

// Beyond the year 9999 an ISO time changes its form.
const LATEST = Date.UTC(9999, 11, 31);

/**
 * When a running job will end if it goes on at the pace of this run so far; null when nothing is
 * known yet, as in the first second and below 1 %. Changes only with the progress, so two looks at the same state agree.
 */
export function estimateEnd(
  job: Pick<Job, "status" | "progress_fraction" | "progress_at" | "run_started_at">,
): Date | null {
  const { progress_fraction: f, progress_at: at, run_started_at: start } = job;
  if (job.status !== "running" || at === null || start === null) return null;
  const soFar = at.getTime() - start.getTime();
  if (!(f >= LEAST_FRACTION && f < 1) || soFar < LEAST_MS) return null;
  const end = at.getTime() + (soFar * (1 - f)) / f;
  return end <= LATEST ? new Date(end) : null;
}

/** Seconds until a look at an unfinished job is worth it: a tenth of its age, from 1 to 10. */
export function retryAfterS(ageMs: number): number {
  return Math.min(10, Math.max(1, Math.ceil(ageMs / 10_000)));
}
