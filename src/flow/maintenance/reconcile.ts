import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { uuidAt } from "../../core/ids.ts";
import {
  deleteOldActivity,
  deleteOldInterests,
  listInterests,
} from "../../db/activity/activity.ts";
import { deleteOldAuditEvents } from "../../db/accounts/audit-events.ts";
import { deleteExpiredConsoleSessions } from "../../db/accounts/console-sessions.ts";
import { deleteExpiredPortalSessions } from "../../db/accounts/portal-sessions.ts";
import { deleteExpiredIdempotencyRecords } from "../../db/idempotency.ts";
import { findOverdueJobs } from "../../db/jobs/jobs.ts";
import { findRunsOf } from "../../db/jobs/runs.ts";
import { breakLease, findLeasesOf } from "../../db/deliveries/leases.ts";
import { findStarvedLanes, findStillFree, shareLanes } from "../../db/deliveries/lanes.ts";
import {
  wake,
  deleteSpentWakeUps,
  wakeAfterRelease,
  unlockOrphanedWakeUps,
} from "../../db/queue/wake.ts";
import { findForgottenDeletions } from "../../db/accounts/deletion.ts";
import { deleteOldReplayItems } from "../../db/deliveries/replay-items.ts";
import { findForgottenReplays } from "../../db/deliveries/replays.ts";
import { deleteOldStats } from "../../db/statistics/counters.ts";
import { deleteOldNoticeWindows } from "../../db/notices.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { handBack } from "../jobs/finish.ts";
import { wakeLanes } from "../deliveries/publish.ts";
import { MAX_PUMPS } from "../deliveries/lane/slice.ts";

/** Time after which due work that is in nobody's hands counts as starved. */
const OVERDUE_MS = 5_000;
/** The longest time that a job waits while a thread is free, if all is well. */
const UNCLAIMED_MS = 1_500;
/**
 * Time after which a lane or job that looks starved is checked again. A lane with a backlog is in
 * nobody's hands while one process passes it to another, and a job is late already when its
 * submission commits late.
 */
const SECOND_LOOK_MS = 1_000;
const LIMIT = 1_000;
const SWEEP_BATCHES = 500;
const DAY_MS = 86_400_000;
/** Lanes with pending deliveries examined in one turn. */
const LANES_PER_TURN = 1_000;
/** Starved lanes taken up at once by one process. */
const STARVED_AT_ONCE = 100;

export interface Reconciler {
  /** Makes one turn. Returns how much was repaired. */
  turn(): Promise<{ lanes: number; replays: number; deletions: number }>;
  /** Resolves when the lanes that the reconciler took up have been left. */
  idle(): Promise<void>;
}

/**
 * The rows are the truth, the queue only wakes. Work that has been due for a while and is in
 * nobody's hands is starved: its wake-up was lost, or waits and is not fetched. Lanes are pumped
 * without the queue by a process that delivers, and woken; replays are woken. Each case is counted,
 * because it should never happen. Each turn examines some of the lanes with pending deliveries.
 */
export function createReconciler(
  context: Pick<Context, "pool" | "telemetry" | "config" | "pumps">,
  pump: (laneId: string) => Promise<void>,
): Reconciler {
  const { pool, telemetry, config, pumps } = context;
  let after: string | null = null;
  const pumping = new Set<Promise<void>>();

  function takeUp(laneId: string): void {
    const pumped = pump(laneId)
      .catch((error: unknown) => telemetry.unexpectedError(error, { lane_id: laneId }))
      .finally(() => pumping.delete(pumped));
    pumping.add(pumped);
  }

  async function repairLanes(): Promise<number> {
    const look = { overdueMs: OVERDUE_MS, after, limit: LANES_PER_TURN };
    const { starved, last } = await findStarvedLanes(pool, look);
    after = last;
    if (starved.length === 0) return 0;
    await sleep(SECOND_LOOK_MS);
    // lanes in hand wait for their lease or for an answer
    const lanes = (await findStillFree(pool, starved)).filter((id) => !pumps.has(id));
    if (lanes.length === 0) return 0;
    await inTransaction(pool, async (tx) => {
      await shareLanes(tx, lanes);
      await wakeLanes(tx, lanes);
    });
    if (config.roles.includes("deliver")) {
      const room = Math.min(STARVED_AT_ONCE, MAX_PUMPS - pumps.size);
      for (const id of lanes.slice(0, Math.max(0, room))) takeUp(id);
    }
    telemetry.repaired("lane", lanes);
    return lanes.length;
  }

  async function repairReplays(): Promise<number> {
    const replays = await findForgottenReplays(pool);
    if (replays.length === 0) return 0;
    await inTransaction(pool, (tx) =>
      wake(
        tx,
        replays.map((id) => ({ task: "run-replay" as const, id, delayMs: 0 })),
      ),
    );
    telemetry.repaired("replay", replays);
    return replays.length;
  }

  async function repairDeletions(): Promise<number> {
    const accounts = await findForgottenDeletions(pool);
    if (accounts.length === 0) return 0;
    await inTransaction(pool, (tx) =>
      wake(
        tx,
        accounts.map((id) => ({ task: "delete-account" as const, id, delayMs: 0 })),
      ),
    );
    telemetry.repaired("deletion", accounts);
    return accounts.length;
  }

  return {
    turn: async () => ({
      lanes: await repairLanes(),
      replays: await repairReplays(),
      deletions: await repairDeletions(),
    }),
    idle: async () => void (await Promise.all(pumping)),
  };
}

/**
 * The audit of a worker's own work. A lease or a claim that the database gave and whose answer
 * never arrived is in nobody's hands, and its worker lives: the audit gives it back. And when a
 * thread is free while a job waits, a nudge was lost: the audit looks for jobs.
 * @param allLanes look for leases among all lanes, not only where an answer was lost
 */
export async function auditOwn(context: AuditContext, allLanes = true): Promise<void> {
  const { pool, telemetry } = context;
  for (const { id, epoch } of await findOrphanedLeases(context, allLanes)) {
    const broken = await inTransaction(pool, async (tx) => {
      if (!(await breakLease(tx, id, epoch))) return false;
      await wakeAfterRelease(tx, [{ task: "pump-lane", id, delayMs: 0 }]);
      return true;
    });
    if (broken) telemetry.repaired("lease", [id]);
  }
  for (const { id, run } of await findOrphanedRuns(context)) {
    const returned = await handBack(context, { id, run, delayMs: 0, failed: false });
    if (returned) telemetry.repaired("run", [id]);
  }
  if (!context.jobs.isIdle()) return;
  const overdue = await findOverdueJobs(pool, UNCLAIMED_MS, LIMIT);
  if (overdue.length === 0) return;
  await sleep(SECOND_LOOK_MS);
  const seen = new Set(overdue);
  const forgotten = (await findOverdueJobs(pool, UNCLAIMED_MS, LIMIT)).filter((id) => seen.has(id));
  if (forgotten.length === 0 || !context.jobs.isIdle()) return;
  await context.jobs.look();
  telemetry.repaired("job", forgotten);
}

type AuditContext = Pick<
  Context,
  "pool" | "telemetry" | "worker" | "pumps" | "runs" | "endings" | "jobs"
>;

async function findOrphanedLeases(
  { pool, worker, pumps }: AuditContext,
  allLanes: boolean,
): Promise<{ id: string; epoch: string }[]> {
  const doubtful = [...worker.doubtful];
  if (!allLanes && doubtful.length === 0) return [];
  const leases = await findLeasesOf(pool, worker.id, allLanes ? undefined : doubtful);
  // a lane in hand meanwhile is asked about once more
  for (const id of doubtful) if (!pumps.has(id)) worker.doubtful.delete(id);
  // a lane in hand is noted before its lease is asked for, so a lease not noted was lost
  return leases.filter(({ id }) => !pumps.has(id));
}

async function findOrphanedRuns({
  pool,
  worker,
  runs,
  jobs,
}: Pick<Context, "pool" | "worker" | "runs" | "jobs">): Promise<{ id: string; run: number }[]> {
  const before = (await findRunsOf(pool, worker.id)).filter(({ id }) => !runs.has(id));
  if (before.length === 0) return [];
  // runs being claimed are in hand then, and runs that end during the query were
  await jobs.settled();
  const inHand = new Set(runs.keys());
  const known = new Set(before.map(({ id, run }) => `${id} ${run}`));
  return (await findRunsOf(pool, worker.id)).filter(
    ({ id, run }) => known.has(`${id} ${run}`) && !inHand.has(id),
  );
}

/**
 * Deletes rows that nobody needs any more, each kind even if others fail.
 * @throws the first failure, when all were tried
 */
export async function sweep(
  context: Pick<Context, "pool" | "stopping" | "now" | "config">,
): Promise<void> {
  const { pool, config } = context;
  const { deadLettersDays, auditDays } = config.retention;
  const daysAgo = (days: number): Date => new Date(context.now().getTime() - days * DAY_MS);
  const oldReplay = uuidAt(daysAgo(deadLettersDays));
  const auditedSince = daysAgo(auditDays);
  const failures: unknown[] = [];
  const tasks = [
    () => inTransaction(pool, unlockOrphanedWakeUps),
    () => inTransaction(pool, deleteSpentWakeUps),
    () => inBatches(context, deleteExpiredIdempotencyRecords),
    () => inBatches(context, deleteExpiredConsoleSessions),
    () => inBatches(context, deleteExpiredPortalSessions),
    () => inBatches(context, deleteOldStats),
    () => inBatches(context, (tx, limit) => deleteOldReplayItems(tx, oldReplay, limit)),
    () => inBatches(context, (tx, limit) => deleteOldAuditEvents(tx, auditedSince, limit)),
    () => inBatches(context, deleteOldNoticeWindows),
    () => sweepEvents(context),
  ];
  for (const task of tasks) await task().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function sweepEvents(context: Pick<Context, "pool" | "stopping">): Promise<void> {
  for (const accountId of await listInterests(context.pool)) {
    await inBatches(context, (tx, limit) => deleteOldActivity(tx, accountId, limit));
  }
  await inTransaction(context.pool, deleteOldInterests);
}

/** Deletes in batches, more than come between two sweeps; a backlog takes several sweeps. */
async function inBatches(
  { pool, stopping }: Pick<Context, "pool" | "stopping">,
  remove: (tx: Tx, limit: number) => Promise<number>,
): Promise<void> {
  for (let batch = 0; batch < SWEEP_BATCHES && !stopping.aborted; batch += 1) {
    const startedAt = performance.now();
    if ((await inTransaction(pool, (tx) => remove(tx, LIMIT))) < LIMIT) return;
    // half of the time is left to others
    await sleep(performance.now() - startedAt);
  }
}
