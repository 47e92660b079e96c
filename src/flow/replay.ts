import type { Context } from "../context.ts";
import { reached } from "../core/checkpoint.ts";
import { newId } from "../core/ids.ts";
import type { Delivery, Replay, ReplayFilter } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import { attemptNow, findDeliveryLane, lockDelivery, reopenDeliveries } from "../db/reopen.ts";
import { getDelivery } from "../db/deliveries.ts";
import type { ReplayTarget } from "../db/reopen.ts";
import { holdLanes } from "../db/lanes.ts";
import { addWakeUps } from "../db/queue.ts";
import {
  advanceReplay,
  cancelRunningReplay,
  countReplayMatches,
  findReplayMatches,
  getReplay,
  insertReplay,
  lockReplay,
} from "../db/replays.ts";
import { inTransaction } from "../db/transaction.ts";
import { wakeLanes } from "./publish.ts";

const STEP = 500;

/**
 * T6, one delivery. A dead or delivered one starts a fresh budget, its attempt numbers go on; a
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
    await holdLanes(tx, [laneId]);
    const target = (await lockDelivery(tx, accountId, deliveryId))!;
    refuseUnsendable(target);
    if (target.status === "pending") await attemptNow(tx, target.id);
    else await reopenDeliveries(tx, [target.id]);
    await wakeLanes(tx, [target.lane_id]);
    return (await getDelivery(tx, accountId, deliveryId))!;
  });
  context.telemetry.replayed(1, null);
  return delivery;
}

/**
 * Many by filter: counted now, sent again in steps by the queue, each match once. What ends
 * after this moment is not matched.
 */
export async function createReplay(
  context: Pick<Context, "pool">,
  order: { accountId: string; filter: ReplayFilter; dryRun: boolean },
): Promise<Replay> {
  const { accountId, filter, dryRun } = order;
  return await inTransaction(context.pool, async (tx) => {
    const matched = await countReplayMatches(tx, accountId, filter);
    const id = newId();
    const replay = await insertReplay(tx, {
      id,
      account_id: accountId,
      filter,
      dry_run: dryRun,
      matched,
    });
    if (replay.status === "running") await addWakeUps(tx, [{ task: "run-replay", id, delayMs: 0 }]);
    return replay;
  });
}

/** Does what is left of a replay, one transaction per step. */
export async function runReplay(
  context: Pick<Context, "pool" | "telemetry" | "stopping">,
  replayId: string,
): Promise<void> {
  while (!context.stopping.aborted) {
    const step = await replayStep(context, replayId);
    reached("replay:step-committed");
    if (step.replayed > 0) context.telemetry.replayed(step.replayed, replayId);
    if (step.finished) return;
  }
  // the next start of the queue goes on from the position reached
  await inTransaction(context.pool, (tx) =>
    addWakeUps(tx, [{ task: "run-replay", id: replayId, delayMs: 0 }]),
  );
}

async function replayStep(
  { pool }: Pick<Context, "pool">,
  replayId: string,
): Promise<{ replayed: number; finished: boolean }> {
  return await inTransaction(pool, async (tx) => {
    const replay = await lockReplay(tx, replayId);
    if (replay?.status !== "running") return { replayed: 0, finished: true };
    const matches = await findReplayMatches(tx, replay, STEP);
    const laneIds = [...new Set(matches.map(({ lane_id }) => lane_id))];
    await holdLanes(tx, laneIds);
    const reopened = await reopenDeliveries(
      tx,
      matches.map(({ id }) => id),
    );
    await wakeLanes(tx, laneIds);
    const finished = matches.length < STEP;
    const position = matches.at(-1)?.id ?? null;
    await advanceReplay(tx, replayId, { position, replayed: reopened.length, finished });
    reached("replay:before-commit");
    return { replayed: reopened.length, finished };
  });
}

/** What was sent again stays so. @throws Problem not_found, replay_finished */
export async function cancelReplay(
  context: Pick<Context, "pool">,
  { accountId, replayId }: { accountId: string; replayId: string },
): Promise<Replay> {
  return await inTransaction(context.pool, async (tx) => {
    const canceled = await cancelRunningReplay(tx, accountId, replayId);
    if (canceled !== null) return canceled;
    const replay = await getReplay(tx, accountId, replayId);
    if (replay === null) throw new Problem("not_found", "no such replay");
    throw new Problem("replay_finished", `the replay has been ${replay.status} already`);
  });
}

function refuseUnsendable(target: ReplayTarget): void {
  if (target.status === "canceled") {
    throw new Problem("delivery_state", "the delivery was canceled with its endpoint");
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
