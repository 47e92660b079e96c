import type { Context } from "../context.ts";
import { addWakeUps, findEntriesOf, unlockQueueJobs } from "../db/queue.ts";
import type { WakeUp } from "../db/queue.ts";
import { inTransaction } from "../db/transaction.ts";
import { persist } from "./persist.ts";

/** Queues what an outage cut short, as soon as the database takes it. */
export async function queueAgain(
  context: Pick<Context, "pool" | "telemetry">,
  wakeUp: WakeUp,
): Promise<void> {
  await persist(context, "queue again", () =>
    inTransaction(context.pool, (tx) => addWakeUps(tx, [wakeUp])),
  );
}

/** Gives all entries that a runner holds a successor: it does not know of some of them. */
export async function replaceEntries(
  { pool }: Pick<Context, "pool">,
  poolId: string,
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await addWakeUps(tx, await findEntriesOf(tx, [poolId]));
    await unlockQueueJobs(tx, [poolId]);
  });
}
