import { setTimeout as sleep } from "node:timers/promises";
import { SYSTEM } from "../../core/audit.ts";
import { Problem } from "../../core/problem.ts";
import { lockAccount, setAccountState } from "../../db/accounts/accounts.ts";
import {
  addDeletedRows,
  deletePendingJobs,
  deleteSomeRows,
  findDeletionOrder,
  findRunningJobs,
  findRunningReplays,
  hasRows,
  type Positions,
} from "../../db/accounts/deletion.ts";
import { listEndpoints } from "../../db/accounts/endpoint-lists.ts";
import { wake } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Context } from "../context.ts";
import { cancelReplay } from "../deliveries/replays.ts";
import { cancelJob } from "../jobs/cancel.ts";
import { recordAudit } from "./audit.ts";
import { deleteEndpoint } from "./endpoints.ts";

/** Rows of a table that one transaction deletes, and what hangs on them. */
const STEP = 500;
/** Endpoints, or runs, that are stopped at once. */
const STOPPED_AT_ONCE = 20;
/** Pause while runs and lanes of the account come to rest. */
const WAIT_MS = 1_000;
/** Processes that remember a key, or count for charts, have written their last by then. */
const QUIET_MS = 15_000;

type DeletionContext = Pick<Context, "pool" | "config" | "runs" | "telemetry" | "stopping" | "now">;

/** `wait`: the rest has to come to rest first. */
type Step = "more" | "wait" | "done";

/**
 * Deletes what an account has left, in steps of one transaction each. What is next to do is read
 * from the rows, so any process can go on after any step.
 */
export async function runDeletion(context: DeletionContext, accountId: string): Promise<void> {
  const positions: Positions = new Map();
  let step: Step = "more";
  while (step === "more" && !context.stopping.aborted) {
    const startedAt = performance.now();
    step = await takeStep(context, accountId, positions);
    // half of the time is left to others
    if (step === "more") await sleep(Math.min(WAIT_MS, performance.now() - startedAt));
  }
  if (step === "done") return;
  const delayMs = step === "wait" ? WAIT_MS : 0;
  await inTransaction(context.pool, (tx) =>
    wake(tx, [{ task: "delete-account", id: accountId, delayMs }]),
  );
}

async function takeStep(
  context: DeletionContext,
  accountId: string,
  positions: Positions,
): Promise<Step> {
  const { pool, now } = context;
  const stopped = await stopWork(context, accountId);
  if (stopped !== "done") return stopped;
  return await inTransaction(pool, async (tx) => {
    const account = await lockAccount(tx, accountId);
    if (account?.state !== "deleting") return "done";
    const count = await deleteSomeRows(tx, accountId, STEP, positions);
    if (count > 0) {
      await addDeletedRows(tx, accountId, count);
      return "more";
    }
    const quiet = now().getTime() - account.state_changed_at.getTime() > QUIET_MS;
    if (!quiet || (await hasRows(tx, accountId))) return "wait";
    const { operatorId } = await findDeletionOrder(tx, accountId);
    await setAccountState(tx, accountId, { state: "deleted", reason: null });
    await recordAudit(tx, SYSTEM, {
      accountId: operatorId,
      action: "account.deleted",
      target: { type: "account", id: accountId, name: account.name },
      after: { deleted_rows: account.deleted_rows },
    });
    return "done";
  });
}

/** Stops what would make new rows: endpoints, replays, jobs. `done`: all is at rest. */
async function stopWork(context: DeletionContext, accountId: string): Promise<Step> {
  const { pool } = context;
  const endpoints = await listEndpoints(pool, accountId, { limit: STOPPED_AT_ONCE });
  for (const { id } of endpoints) {
    await unlessGone(deleteEndpoint(context, { accountId, endpointId: id }));
  }
  if (endpoints.length > 0) return "more";
  for (const replayId of await findRunningReplays(pool, accountId)) {
    await unlessGone(cancelReplay(context, { accountId, replayId }));
  }
  const pending = await inTransaction(pool, async (tx) => {
    const count = await deletePendingJobs(tx, accountId, STEP);
    if (count > 0) await addDeletedRows(tx, accountId, count);
    return count;
  });
  if (pending > 0) return "more";
  const running = await findRunningJobs(pool, accountId, STOPPED_AT_ONCE);
  for (const { id, told } of running) {
    if (!told) await unlessGone(cancelJob(context, { accountId, jobId: id }));
  }
  return running.length > 0 ? "wait" : "done";
}

/** What has ended by itself, or was deleted by another process, needs no stop. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof Problem)) throw error;
  });
}
