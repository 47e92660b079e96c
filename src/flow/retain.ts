import type { Context } from "../context.ts";
import * as partitions from "../db/partitions.ts";
import type { BigTable, Partition } from "../db/partitions.ts";
import { inTransaction } from "../db/transaction.ts";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const BATCH = 1_000;
const LOCK_NOT_AVAILABLE = "55P03";

type RetainContext = Pick<Context, "pool" | "now" | "telemetry"> & {
  config: Pick<Context["config"], "retention">;
};

/** Makes the weeks that come, drops those that are past retention, forgets old dead letters. */
export async function retain(context: RetainContext): Promise<void> {
  try {
    await makePartitions(context.pool, context.now());
    await dropOldPartitions(context);
    await forgetDeadLetters(context);
  } catch (error) {
    // somebody uses a table for long, or the server waits for us: there is a next time
    if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
    context.telemetry.log.info("retention put off", { reason: (error as Error).message });
  }
}

/** This week and the next two. */
export async function makePartitions(pool: Context["pool"], now: Date): Promise<void> {
  const wanted = [0, 1, 2].flatMap((weeks) => {
    const at = new Date(now.getTime() + weeks * WEEK_MS);
    return partitions.BIG_TABLES.map((table) => partitions.partitionAt(table, at));
  });
  const there = new Set((await partitions.listPartitions(pool)).map(({ name }) => name));
  if (wanted.every(({ name }) => there.has(name))) return;
  await inTransaction(pool, async (tx) => {
    if (!(await partitions.lockPartitions(tx))) return;
    await partitions.limitWaits(tx);
    const existing = new Set((await partitions.listPartitions(tx)).map(({ name }) => name));
    for (const one of wanted) {
      if (!existing.has(one.name)) await partitions.createPartition(tx, one);
    }
  });
}

/** Messages, deliveries and attempts of a week go together, because what is kept of them does. */
async function dropOldPartitions(context: RetainContext): Promise<void> {
  const { pool, telemetry } = context;
  const { jobs, deliveries } = limits(context);
  const past = (await partitions.listPartitions(pool)).filter(({ table, to }) =>
    table === "jobs" ? to <= jobs : to <= deliveries,
  );
  for (const week of [...Map.groupBy(past, ({ from }) => from.getTime()).values()]) {
    const dropped = await inTransaction(pool, async (tx) => {
      if (!(await partitions.lockPartitions(tx))) return false;
      await partitions.limitWaits(tx);
      const of = new Map<BigTable, Partition>(week.map((one) => [one.table, one]));
      for (const one of week) await partitions.detachPartition(tx, one);
      for (const [table, keep] of KEEP) {
        const one = of.get(table);
        if (one !== undefined) await keep(tx, one);
      }
      for (const one of week) await partitions.dropPartition(tx, one);
      return true;
    });
    if (dropped) telemetry.log.info("retention", { dropped: week.map(({ name }) => name) });
  }
}

// deliveries first: what is kept of the others depends on what is kept of them
const KEEP = [
  ["deliveries", partitions.keepUnfinishedDeliveries],
  ["attempts", partitions.keepAttempts],
  ["messages", partitions.keepMessages],
  ["jobs", partitions.keepJobs],
] as const;

async function forgetDeadLetters(context: RetainContext): Promise<void> {
  const { jobs, deliveries, deadLetters } = limits(context);
  let forgotten: number;
  do {
    forgotten = await inTransaction(context.pool, (tx) =>
      partitions.deleteOldDeadLetters(tx, deadLetters, BATCH),
    );
  } while (forgotten === BATCH);
  await inTransaction(context.pool, (tx) => partitions.deleteUnneeded(tx, { jobs, deliveries }));
}

function limits({ config, now }: RetainContext): {
  jobs: Date;
  deliveries: Date;
  deadLetters: Date;
} {
  const { jobsDays, deliveriesDays, deadLettersDays } = config.retention;
  const ago = (days: number): Date => new Date(now().getTime() - days * DAY_MS);
  return {
    jobs: ago(jobsDays),
    deliveries: ago(deliveriesDays),
    deadLetters: ago(Math.max(deadLettersDays, deliveriesDays)),
  };
}
