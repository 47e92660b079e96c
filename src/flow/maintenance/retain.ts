import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { newId } from "../../core/ids.ts";
import * as partitions from "../../db/maintenance/partitions.ts";
import type { BigTable, Partition } from "../../db/maintenance/partitions.ts";
import {
  dropGone,
  endTurn,
  hastenTurn,
  keepTurn,
  listGone,
  takeTurn,
} from "../../db/maintenance/retention.ts";
import {
  beginRewrite,
  continueRewrite,
  storeRewrite,
  swapPartitions,
} from "../../db/maintenance/rewrites.ts";
import { rewriteOfDefault, rewriteOfOld } from "../../db/maintenance/rewrite.ts";
import type { Rewrite } from "../../db/maintenance/rewrite.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Weeks that one rewrite makes for the rows of a default partition. */
const WEEKS = 20;
/** Failed turns in a row; the pauses grow, so this many take half an hour. */
const MANY_FAILURES = 5;
/** Pauses between tries to lock everybody out. */
const RETRY_MS = [1_000, 3_000, 9_000];

type RetainContext = Pick<Context, "pool" | "now" | "telemetry" | "stopping"> & {
  config: Pick<Context["config"], "retention">;
};

/** Runs one step in a transaction of its own, if this process still has the turn. */
type Step = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** Another process has the turn now, or this process stops: the rest is left as it is. */
class Left extends Error {}

/**
 * Makes the coming weeks, and replaces weeks past retention by the rows still needed, in steps that
 * are short transactions; any process can go on after any step (docs/decisions/0024).
 * @param due only when the next turn, which all processes share, is due
 */
export async function retain(context: RetainContext, due = false): Promise<void> {
  const { pool, telemetry, stopping } = context;
  const holder = newId();
  const turn = await inTransaction(pool, (tx) => takeTurn(tx, holder, due));
  if (turn === null) return;
  const end = async (how: "done" | "failed" | "left"): Promise<void> =>
    await inTransaction(pool, (tx) => endTurn(tx, holder, how));
  const step: Step = async (work) => {
    if (stopping.aborted) throw new Left();
    return await inTransaction(pool, async (tx) => {
      if (!(await keepTurn(tx, holder))) throw new Left();
      return await work(tx);
    });
  };
  try {
    await dropAll(step, turn.gone);
    if (turn.rewrite !== null) await finish(context, step, turn.rewrite);
    await emptyDefaults(context, step);
    await again(context, () => makePartitions(pool, context.now()));
    await replaceOld(context, step);
    await end("done");
  } catch (error) {
    await end(error instanceof Left ? "left" : "failed").catch(() => undefined);
    if (error instanceof Left) return;
    if (!partitions.isPutOff(error)) throw error;
    // a table is in long use: the next turn tries again
    const failures = turn.failures + 1;
    const level = failures < MANY_FAILURES ? "info" : "warn";
    telemetry.log.log(level, "retention put off", { reason: (error as Error).message, failures });
  }
}

/**
 * Makes this week and the next two. False: not for tables with rows that no week was made for, or
 * another process makes them; `retain` does the rest.
 * @throws errors of `isPutOff`
 */
export async function makePartitions(pool: Context["pool"], now: Date): Promise<boolean> {
  const wanted = [0, 1, 2].flatMap((weeks) => {
    const at = new Date(now.getTime() + weeks * WEEK_MS);
    return partitions.BIG_TABLES.map((table) => partitions.partitionAt(table, at));
  });
  if (without(wanted, await partitions.listPartitions(pool)).length === 0) return true;
  return await inTransaction(pool, async (tx) => {
    if (!(await partitions.lockPartitions(tx))) return false;
    const missing = without(wanted, await partitions.listPartitions(tx));
    const used = await partitions.findUsedDefaults(tx, partitions.BIG_TABLES);
    const weeks = missing.filter(({ table }) => !used.includes(table));
    if (weeks.length > 0) await partitions.createWeeks(tx, weeks);
    return weeks.length === missing.length;
  });
}

/** Drops weeks that are part of the kept rows, which a clock far behind asks for. */
function without(wanted: Partition[], existing: readonly Partition[]): Partition[] {
  return wanted.filter(
    ({ table, from, to }) =>
      !existing.some((one) => one.table === table && one.from < to && from < one.to),
  );
}

/** Makes weeks at a start, without waits for tables in use: the defaults take rows meanwhile. */
export async function makePartitionsIfFree({
  pool,
  now,
  telemetry,
}: Pick<Context, "pool" | "now" | "telemetry">): Promise<void> {
  try {
    await makePartitions(pool, now());
  } catch (error) {
    if (!partitions.isPutOff(error)) throw error;
    telemetry.log.warn("weeks put off", { reason: (error as Error).message });
    await inTransaction(pool, hastenTurn);
  }
}

/** Gives weeks to rows that came before there was one for them. */
async function emptyDefaults(context: RetainContext, step: Step): Promise<void> {
  for (const table of await partitions.findUsedDefaults(context.pool, partitions.BIG_TABLES)) {
    const weeks = await partitions.findMissingWeeks(context.pool, table, WEEKS);
    await start(context, step, rewriteOfDefault(table, weeks));
  }
}

/** Replaces old weeks: messages, deliveries and attempts together, as their rows are kept so; and
 * jobs with their ends. */
async function replaceOld(context: RetainContext, step: Step): Promise<void> {
  const { jobsDays, deliveriesDays, deadLettersDays } = context.config.retention;
  const ago = (days: number): Date => new Date(context.now().getTime() - days * DAY_MS);
  const plans: { what: "messages" | "jobs"; tables: BigTable[]; days: number }[] = [
    { what: "messages", tables: ["messages", "deliveries", "attempts"], days: deliveriesDays },
    { what: "jobs", tables: ["jobs", "job_ends"], days: jobsDays },
  ];
  for (const { what, tables, days } of plans) {
    const until = partitions.weekOf(ago(days));
    const kept = tables.map((table) => partitions.keptBefore(table, until));
    const old = (await partitions.listPartitions(context.pool)).filter(
      ({ table, name, to }) =>
        tables.includes(table) && to <= until && !kept.some((one) => one.name === name),
    );
    if (old.length === 0) continue;
    const since = { ended: ago(days), died: ago(deadLettersDays) };
    await start(context, step, rewriteOfOld(what, old, kept, since));
    context.telemetry.log.info("retention", { replaced: old.map(({ name }) => name) });
  }
  await dropSearchKeys(context, step, ago(Math.max(jobsDays, deliveriesDays)));
}

/** Drops the weeks of search keys whose jobs and messages are past retention. */
async function dropSearchKeys(context: RetainContext, step: Step, before: Date): Promise<void> {
  const until = partitions.weekOf(before);
  const old = (await partitions.listPartitions(context.pool)).filter(
    ({ table, to }) => table === "search_keys" && to <= until,
  );
  if (old.length === 0) return;
  await again(context, () => step((tx) => partitions.detachWeeks(tx, old)));
  await dropAll(step, await step(listGone));
}

async function start(context: RetainContext, step: Step, rewrite: Rewrite): Promise<void> {
  await again(context, () => step((tx) => beginRewrite(tx, rewrite)));
  await finish(context, step, rewrite);
}

/** Finishes a rewrite. A pause as long as each step leaves others half of the time. */
async function finish(context: RetainContext, step: Step, begun: Rewrite): Promise<void> {
  let rewrite: Rewrite | null = begun;
  while (rewrite !== null) {
    const current: Rewrite = rewrite;
    const startedAt = performance.now();
    const next: Rewrite = await step((tx) => continueRewrite(tx, current));
    if (next !== current) {
      rewrite = next;
      if (next.phase !== "following") await pause(context, performance.now() - startedAt);
    } else if (current.phase === "following") {
      rewrite = await again(context, () => step((tx) => swapPartitions(tx, current)));
      await dropAll(step, await step(listGone));
    } else {
      await step((tx) => storeRewrite(tx, null));
      rewrite = null;
    }
  }
}

async function dropAll(step: Step, names: readonly string[]): Promise<void> {
  for (const name of names) await step((tx) => dropGone(tx, name));
}

/** Tries again: a session that has locked a table may end soon. */
async function again<T>(context: RetainContext, work: () => Promise<T>): Promise<T> {
  for (const waitMs of RETRY_MS) {
    try {
      return await work();
    } catch (error) {
      if (!partitions.isPutOff(error)) throw error;
      await pause(context, waitMs);
    }
  }
  return await work();
}

async function pause({ stopping }: RetainContext, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: stopping }).catch(() => undefined);
}
