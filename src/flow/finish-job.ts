import type { Context } from "../context.ts";
import { reached } from "../core/checkpoint.ts";
import type { Ending } from "../db/runs.ts";
import { returnRun } from "../db/runs.ts";
import { addTicket } from "../db/queue.ts";
import { inTransaction } from "../db/transaction.ts";
import { persist } from "./persist.ts";

/** Brings a job to its one end (T3). A claim that was lost changes nothing. */
export async function finishJob(
  context: Pick<Context, "endings" | "telemetry">,
  ending: Ending,
): Promise<void> {
  const ended = await persist(context, "finish job", () => context.endings.add(ending));
  reached("finish:committed");
  if (ended === null) context.telemetry.claimLost("run", ending.id);
  else context.telemetry.jobEnded(ended);
}

/** What a cancellation makes of a run. */
export const CANCELED = {
  status: "canceled",
  result: null,
  errorCode: "canceled",
  errorMessage: "canceled while it ran",
} as const;

/**
 * `running → pending`, to be run again by anyone after a pause; or, when the job is to be
 * canceled, its end. False: it did not become pending.
 */
export async function handBack(
  context: Pick<Context, "pool" | "endings" | "telemetry">,
  run: { id: string; run: number; delayMs: number; failed: boolean },
): Promise<boolean> {
  const returned = await persist(context, "hand back run", () =>
    inTransaction(context.pool, async (tx) => {
      if (!(await returnRun(tx, run))) return false;
      await addTicket(tx, run.delayMs);
      return true;
    }),
  );
  reached("hand-back:committed");
  if (!returned) await finishJob(context, { id: run.id, run: run.run, ...CANCELED });
  return returned;
}
