import type { Context } from "../context.ts";
import { failpoint } from "../../core/failpoint.ts";
import { formatId, newId } from "../../core/ids.ts";
import type { Delivery, Replay, ReplayAction, ReplayFilter } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import {
  attemptNow,
  findDeliveryLane,
  lockDelivery,
  reopenDeliveries,
} from "../../db/deliveries/reopen.ts";
import { discardDeadLetters } from "../../db/deliveries/dead-letters.ts";
import { cancelDeliveries, getDelivery } from "../../db/deliveries/deliveries.ts";
import type { ReplayTarget } from "../../db/deliveries/reopen.ts";
import { shareLanes, lockLanes } from "../../db/deliveries/lanes.ts";
import { wake } from "../../db/queue/wake.ts";
import {
  advanceReplay,
  cancelRunningReplay,
  countReplayMatches,
  findReplayMatches,
  getReplay,
  insertReplay,
  lockReplay,
  queueForReplay,
} from "../../db/deliveries/replays.ts";
import { insertNotices } from "../../db/notices.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { wakeSharedLanes } from "./publish.ts";
import { recordActivity } from "../activity/record.ts";

const STEP = 500;

/**
 * Replays one delivery. A dead or delivered one starts a fresh budget, its attempt numbers go on; a
 * pending one gets one attempt now, and its automatic schedule stays as it was.
 * @throws Problem not_found, delivery_state, endpoint_state
 */
export async function replayDelivery(
  context: Pick<Context, "pool" | "telemetry">,
  { accountId, deliveryId }: { accountId: string; deliveryId: string },
): Promise<Delivery> {
  const delivery = await inTransaction(context.pool, async (tx) => {
    const laneId = await findDeliveryLane(tx, accountId, deliveryId);
    if (laneId === null) throw new Problem("not_found", "no such delivery");
    const lanes = await shareLanes(tx, [laneId]);
    const target = (await lockDelivery(tx, accountId, deliveryId))!;
    refuseUnsendable(target);
    if (target.status === "pending") await attemptNow(tx, target.id);
    else await reopen(tx, [target.id]);
    await wakeSharedLanes(tx, lanes);
    return (await getDelivery(tx, accountId, deliveryId))!;
  });
  context.telemetry.replayed(1, null);
  return delivery;
}

export interface NewReplay {
  accountId: string;
  filter: ReplayFilter;
  dryRun: boolean;
  action: ReplayAction;
  /** The reason to discard dead letters instead of sending them, and the API key of the caller. */
  discard?: { note: string; keyId: string };
}

/**
 * Makes a replay of many deliveries by filter: counted now, as far as one statement may look, and
 * sent again, discarded or canceled in steps by the queue, each match once. Deliveries that end
 * after this moment do not match.
 */
export async function createReplay(
  context: Pick<Context, "pool">,
  order: NewReplay,
): Promise<Replay> {
  const { accountId, filter, dryRun, action, discard } = order;
  return await inTransaction(context.pool, async (tx) => {
    const counted = await countReplayMatches(tx, { account_id: accountId, action, filter });
    const id = newId();
    const replay = await insertReplay(tx, {
      id,
      account_id: accountId,
      action,
      note: discard?.note ?? null,
      key_id: discard?.keyId ?? null,
      filter,
      dry_run: dryRun,
      matched: counted.matched,
      matched_exact: counted.exact,
    });
    await recordProgress(tx, replay);
    if (replay.status === "running") await wake(tx, [{ task: "run-replay", id, delayMs: 0 }]);
    return replay;
  });
}

/** Does the rest of a replay, one transaction per step. */
export async function runReplay(
  context: Pick<Context, "pool" | "telemetry" | "stopping">,
  replayId: string,
): Promise<void> {
  while (!context.stopping.aborted) {
    const step = await replayStep(context, replayId);
    failpoint("replay:step-committed");
    if (step.replayed > 0) context.telemetry[DONE[step.action]](step.replayed, replayId);
    if (step.finished) return;
  }
  // the next start of the queue goes on from the position reached
  await inTransaction(context.pool, (tx) =>
    wake(tx, [{ task: "run-replay", id: replayId, delayMs: 0 }]),
  );
}

async function replayStep(
  { pool }: Pick<Context, "pool">,
  replayId: string,
): Promise<{ action: ReplayAction; replayed: number; finished: boolean }> {
  return await inTransaction(pool, async (tx) => {
    await queueForReplay(tx, replayId);
    const replay = await lockReplay(tx, replayId);
    if (replay?.status !== "running") return { action: "replay", replayed: 0, finished: true };
    const { action } = replay;
    const { matches, position, finished } = await findReplayMatches(tx, replay, STEP);
    const replayed = matches.length === 0 ? 0 : await ACT[action](tx, matches, replay);
    const now = await advanceReplay(tx, replayId, { position, replayed, finished });
    await recordProgress(tx, now);
    if (now?.status === "completed") await noticeFinished(tx, now);
    failpoint("replay:before-commit");
    return { action, replayed, finished };
  });
}

interface Match {
  id: string;
  lane_id: string;
}

const ACT: Record<
  ReplayAction,
  (tx: Tx, matches: readonly Match[], replay: Replay) => Promise<number>
> = { replay: sendAgain, discard: takeOut, cancel: cancelSending };
const DONE = { replay: "replayed", discard: "discarded", cancel: "canceled" } as const;

async function sendAgain(tx: Tx, matches: readonly Match[]): Promise<number> {
  const laneIds = [...new Set(matches.map(({ lane_id }) => lane_id))];
  const lanes = await shareLanes(tx, laneIds);
  const ids = matches.map(({ id }) => id);
  const reopened = await reopen(tx, ids);
  await wakeSharedLanes(tx, lanes);
  return reopened;
}

async function reopen(tx: Tx, ids: readonly string[]): Promise<number> {
  const reopened = await reopenDeliveries(tx, ids);
  await recordActivity(tx, reopened, ({ id, job_id, message_id, endpoint_id }) => ({
    type: "delivery.replayed",
    job_id,
    message_id,
    delivery_id: id,
    endpoint_id,
  }));
  return reopened.length;
}

async function recordProgress(tx: Tx, replay: Replay | null): Promise<void> {
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

async function noticeFinished(tx: Tx, replay: Replay): Promise<void> {
  const { id, account_id, action, matched, replayed } = replay;
  const subject = formatId("replay", id);
  const detail = { status: "completed", action, matched, replayed };
  const notice = { accountId: account_id, subject, endpointId: null, detail };
  await insertNotices(tx, [{ type: "replay.finished", ...notice }]);
}

async function takeOut(tx: Tx, matches: readonly Match[], replay: Replay): Promise<number> {
  return await discardDeadLetters(
    tx,
    matches.map(({ id }) => id),
    { keyId: replay.key_id!, note: replay.note! },
  );
}

async function cancelSending(tx: Tx, matches: readonly Match[]): Promise<number> {
  // nothing of these lanes is settled meanwhile
  await lockLanes(
    tx,
    matches.map(({ lane_id }) => lane_id),
  );
  return await cancelDeliveries(
    tx,
    matches.map(({ id }) => id),
  );
}

/** Cancels the rest of a bulk replay. @throws Problem not_found, replay_finished */
export async function cancelReplay(
  context: Pick<Context, "pool">,
  { accountId, replayId }: { accountId: string; replayId: string },
): Promise<Replay> {
  return await inTransaction(context.pool, async (tx) => {
    await queueForReplay(tx, replayId);
    const canceled = await cancelRunningReplay(tx, accountId, replayId);
    if (canceled !== null) {
      await recordProgress(tx, canceled);
      return canceled;
    }
    const replay = await getReplay(tx, accountId, replayId);
    if (replay === null) throw new Problem("not_found", "no such replay");
    throw new Problem("replay_finished", `the replay has been ${replay.status} already`);
  });
}

function refuseUnsendable(target: ReplayTarget): void {
  if (target.status === "canceled") {
    throw new Problem("delivery_state", "the delivery was canceled");
  }
  if (target.endpoint_deleted) {
    throw new Problem("endpoint_state", "the endpoint was deleted");
  }
  if (target.endpoint_state === "disabled") {
    throw new Problem(
      "endpoint_state",
      "the endpoint is disabled; enable it (POST /v1/endpoints/{id}/enable), then replay",
    );
  }
}
