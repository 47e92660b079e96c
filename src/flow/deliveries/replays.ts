import type { Context } from "../context.ts";
import { SYSTEM, type AuditAction, type Author } from "../../core/audit.ts";
import { formatId, newId } from "../../core/ids.ts";
import type {
  Replay,
  ReplayAction,
  ReplayCanary,
  ReplayDestination,
  ReplayFilter,
  ReplayOrder,
  ReplayPace,
  ReplayTargets,
} from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { getEndpoint } from "../../db/accounts/endpoints.ts";
import { countReplayMatches } from "../../db/deliveries/replay-matches.ts";
import {
  cancelRunningReplay,
  getReplay,
  insertReplay,
  queueForReplay,
  setReplayPaused,
} from "../../db/deliveries/replays.ts";
import { wake } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { recordAudit } from "../accounts/audit.ts";
import { recordActivity } from "../activity/record.ts";

export interface NewReplay {
  accountId: string;
  filter: ReplayFilter;
  dryRun: boolean;
  action: ReplayAction;
  target?: ReplayTargets;
  order?: ReplayOrder;
  pace?: ReplayPace;
  /** Null or past: now. */
  startAt?: Date;
  canary?: ReplayCanary;
  /** Where copies are sent, instead of where they were sent before. */
  destination?: ReplayDestination;
  /** The reason to discard dead letters instead of sending them, and the API key of the caller. */
  discard?: { note: string; keyId: string };
  by?: Author;
}

/**
 * Makes a replay of many deliveries, or failed jobs, by filter: counted now, as far as one
 * statement may look, and carried out in steps by the queue, each match once. Deliveries that end
 * after this moment do not match.
 */
export async function createReplay(
  context: Pick<Context, "pool" | "now">,
  wanted: NewReplay,
): Promise<Replay> {
  return await inTransaction(context.pool, (tx) => orderReplay(tx, wanted, context.now()));
}

/** Makes such a replay in the caller's transaction. */
export async function orderReplay(tx: Tx, wanted: NewReplay, now: Date): Promise<Replay> {
  const { accountId, filter, action, discard, target = "deliveries", startAt } = wanted;
  const { by = SYSTEM } = wanted;
  const destination = wanted.destination ?? null;
  await checkDestination(tx, accountId, destination);
  const of = { account_id: accountId, action, target, filter, destination };
  const counted = await countReplayMatches(tx, of);
  const id = newId();
  const replay = await insertReplay(tx, {
    id,
    account_id: accountId,
    action,
    target,
    note: discard?.note ?? null,
    key_id: discard?.keyId ?? null,
    filter,
    dry_run: wanted.dryRun,
    order: wanted.order ?? "oldest_first",
    pace: wanted.pace ?? null,
    start_at: startAt ?? null,
    destination,
    canary: wanted.canary ?? null,
    matched: counted.matched,
    matched_exact: counted.exact,
    left_out: counted.left_out,
  });
  await recordProgress(tx, replay);
  await auditReplay(tx, by, replay);
  if (replay.status === "running") {
    const delayMs = Math.max(0, (startAt?.getTime() ?? 0) - now.getTime());
    await wake(tx, [{ task: "run-replay", id, delayMs }]);
  }
  return replay;
}

/** @throws Problem endpoint_unknown, endpoint_state */
async function checkDestination(
  tx: Tx,
  accountId: string,
  destination: ReplayDestination | null,
): Promise<void> {
  if (destination === null || "url" in destination) return;
  const endpoint = await getEndpoint(tx, accountId, destination.endpoint_id);
  if (endpoint === null) {
    const errors = [{ pointer: "/destination/endpoint_id", detail: "no such endpoint" }];
    throw new Problem("endpoint_unknown", "the destination does not exist", { errors });
  }
  if (endpoint.state === "disabled") {
    throw new Problem("endpoint_state", "the destination is disabled: enable it first");
  }
}

interface Named {
  accountId: string;
  replayId: string;
  by?: Author;
}

/** Cancels the rest of a bulk replay. @throws Problem not_found, replay_finished */
export async function cancelReplay(context: Pick<Context, "pool">, named: Named): Promise<Replay> {
  return await change(context, named, "replay.canceled", async (tx) => {
    return await cancelRunningReplay(tx, named.accountId, named.replayId);
  });
}

/** Stops a bulk replay for a while. @throws Problem not_found, replay_finished */
export async function pauseReplay(context: Pick<Context, "pool">, named: Named): Promise<Replay> {
  return await change(context, named, "replay.paused", async (tx) => {
    const paused = await setReplayPaused(tx, named.accountId, named.replayId, true);
    return paused === null ? null : paused.replay;
  });
}

/** Lets a paused replay go on from where it was. @throws Problem not_found, replay_finished */
export async function resumeReplay(context: Pick<Context, "pool">, named: Named): Promise<Replay> {
  return await change(context, named, "replay.resumed", async (tx) => {
    const resumed = await setReplayPaused(tx, named.accountId, named.replayId, false);
    if (resumed === null) return null;
    await wake(tx, [{ task: "run-replay", id: named.replayId, delayMs: resumed.waitMs }]);
    return resumed.replay;
  });
}

/** Changes a replay between two of its steps. */
async function change(
  { pool }: Pick<Context, "pool">,
  { accountId, replayId, by = SYSTEM }: Named,
  action: AuditAction,
  write: (tx: Tx) => Promise<Replay | null>,
): Promise<Replay> {
  return await inTransaction(pool, async (tx) => {
    await queueForReplay(tx, replayId);
    const changed = await write(tx);
    if (changed !== null) {
      await recordProgress(tx, changed);
      await recordAudit(tx, by, {
        accountId,
        action,
        target: { type: "replay", id: replayId },
        after: { status: changed.status, replayed: changed.replayed },
      });
      return changed;
    }
    const replay = await getReplay(tx, accountId, replayId);
    if (replay === null) throw new Problem("not_found", "no such replay");
    throw new Problem("replay_finished", `the replay has been ${replay.status} already`);
  });
}

const AUDITED = {
  replay: "replay.created",
  send_missed: "replay.created",
  discard: "dead_letters.discarded",
  cancel: "deliveries.canceled",
} as const;

/** A new replay in the audit log. */
export async function auditReplay(tx: Tx, by: Author, replay: Replay): Promise<void> {
  if (replay.dry_run) return;
  const { id, account_id: accountId, action, filter, matched, note } = replay;
  await recordAudit(tx, by, {
    accountId,
    action: AUDITED[action],
    target: { type: "replay", id },
    after: { filter: shownFilter(filter), matched, note },
  });
}

/** A filter as the audit log tells it: ids with their prefix, and of many the number. */
function shownFilter({ ids, endpoint_id, job_id, ...rest }: ReplayFilter): Record<string, unknown> {
  return {
    ...rest,
    ...(endpoint_id === undefined
      ? {}
      : { endpoint_id: endpoint_id === null ? null : formatId("endpoint", endpoint_id) }),
    ...(job_id === undefined ? {} : { job_id: formatId("job", job_id) }),
    ...(ids === undefined ? {} : { ids: ids.length }),
  };
}

export async function recordProgress(tx: Tx, replay: Replay | null): Promise<void> {
  await recordActivity(tx, replay === null ? [] : [replay], (one) => ({
    type: "replay.progress",
    data: {
      replay_id: formatId("replay", one.id),
      action: one.action,
      status: one.status,
      matched: one.matched,
      replayed: one.replayed,
    },
  }));
}
