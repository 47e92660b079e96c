import { RingbackError } from "../../client/errors.ts";
import type { Job } from "../../client/job.ts";
import { EXIT } from "../exit.ts";
import { createProgress } from "../output/progress.ts";
import { showJob, showJson } from "./job-view.ts";
import type { CliSession } from "./session.ts";

/** Time between looks at progress, if it is shown; the end is noticed at once. */
const SLICE_MS = 1_000;

/** Waits for the end of a job, with a progress bar. False: time was up before. */
async function waitForJob(
  { out, terminal, interrupted }: CliSession,
  job: Job,
  limitS: number,
): Promise<boolean> {
  const bar = createProgress(terminal, out.json);
  const sliceMs = bar.visible ? SLICE_MS : Infinity;
  const deadline = performance.now() + limitS * 1_000;
  try {
    while (!job.ended) {
      const { fraction, message } = job.progress;
      bar.update(fraction, 1, `${job.status} ${message ?? ""}`.trim());
      const timeoutMs = Math.min(sliceMs, deadline - performance.now());
      if (timeoutMs <= 0) return false;
      await job.wait({ timeoutMs, signal: interrupted }).catch(async (error: unknown) => {
        if (!(error instanceof RingbackError && error.code === "timed_out")) throw error;
        await job.refresh({ signal: interrupted });
      });
    }
    return true;
  } finally {
    bar.stop();
  }
}

/** Waits, then shows the job with its result; the exit code depends on its end. */
export async function waitAndShow(session: CliSession, job: Job, limitS: number): Promise<number> {
  const { out } = session;
  const ended = await waitForJob(session, job, limitS);
  const result = job.status === "completed" ? { result: await job.result() } : {};
  out.answer({ ...job.data, ...result }, () => {
    showJob(session, job.data);
    if ("result" in result) {
      out.line();
      showJson(session, result.result);
    }
  });
  if (!ended) {
    out.note(`Time is up, but the job goes on: ringback jobs wait ${job.id}`);
    return EXIT.timedOut;
  }
  return job.status === "completed" ? EXIT.ok : EXIT.failed;
}
