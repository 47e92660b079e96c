import type { Context } from "../context.ts";
import type { ClaimedRun, ProgressWrite } from "../../db/jobs/runs.ts";
import { writeProgress } from "../../db/jobs/runs.ts";
import { inTransaction, singleStatement } from "../../db/transaction.ts";
import { jobPublication } from "./publication.ts";
import { callbacksWant, publish } from "../deliveries/publish.ts";

const WRITE_EVERY_MS = 250;
const PUBLISH_EVERY_MS = 1_000;

export interface ProgressReporter {
  report(progress: { fraction: number; message: string | null; data: string | null }): void;
  /** No write is under way any more, and none will begin. */
  settled(): Promise<void>;
}

/**
 * Writes a run's newest progress, at most four times a second, and publishes job.progress where
 * wanted, at most once a second. Progress may be lost, so a failed write only logs.
 */
export function createProgressReporter(
  context: Pick<Context, "pool" | "config" | "telemetry" | "runs">,
  job: ClaimedRun,
): ProgressReporter {
  const wanted = job.progress_subscribed || callbacksWant(job.callbacks, "job.progress");
  let newest: ProgressWrite | null = null;
  let writing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let lastWrite = -Infinity;
  let lastPublish = -Infinity;
  let closed = false;

  function schedule(): void {
    if (closed || writing !== null || timer !== null || newest === null) return;
    const wait = Math.max(0, lastWrite + WRITE_EVERY_MS - performance.now());
    timer = setTimeout(() => {
      timer = null;
      writing = write().finally(() => {
        writing = null;
        schedule();
      });
    }, wait);
  }

  async function write(): Promise<void> {
    const progress = newest!;
    newest = null;
    lastWrite = performance.now();
    const publishNow = wanted && lastWrite - lastPublish >= PUBLISH_EVERY_MS;
    if (publishNow) lastPublish = lastWrite;
    try {
      const row = publishNow
        ? await writeAndPublish(progress)
        : await writeProgress(singleStatement(context.pool), progress);
      if (row === null) closed = true;
      else if (row.cancel_requested_at !== null) context.runs.get(job.id)?.stop("canceled");
    } catch (error) {
      notWritten(error as Error);
    }
  }

  function notWritten(error: Error): void {
    context.telemetry.log.warn("progress not written", { error: error.message });
  }

  async function writeAndPublish(progress: ProgressWrite): ReturnType<typeof writeProgress> {
    return await inTransaction(context.pool, async (tx) => {
      const row = await writeProgress(tx, progress);
      if (row !== null) {
        const at = row.progress_at ?? row.updated_at;
        await publish(tx, [
          jobPublication("job.progress", row, at, context.config.publicUrl, null),
        ]);
      }
      return row;
    });
  }

  return {
    report({ fraction, message, data }) {
      newest = { id: job.id, run: job.run, fraction, message, data };
      schedule();
    },
    async settled() {
      const lost = closed;
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await writing;
      if (newest === null || lost) return;
      // the last progress of the run, which the pause has delayed
      await writeProgress(singleStatement(context.pool), newest).catch(notWritten);
    },
  };
}
