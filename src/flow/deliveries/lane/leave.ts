import type { Context, LaneLeave, LeaveGroup, Leaving } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { rateLimitAfterChange } from "../../../core/rate-limit.ts";
import { CHANGE_STEP, cancelPendingOfLane } from "../../../db/deliveries/deliveries.ts";
import { readOutlooks } from "../../../db/deliveries/due.ts";
import type { LaneOutlook } from "../../../db/deliveries/due.ts";
import { lockLease, releaseLeases, tryLockLeases } from "../../../db/deliveries/leases.ts";
import type { LeaseLock } from "../../../db/deliveries/leases.ts";
import { wakeAfterRelease } from "../../../db/queue/wake.ts";
import type { WakeUp } from "../../../db/queue/wake.ts";
import { retryWhileUnavailable } from "../../../db/retry.ts";
import { inTransaction, limitLockWaits } from "../../../db/transaction.ts";
import type { Tx } from "../../../db/transaction.ts";
import { createGroupCommit } from "../../group-commit.ts";
import { writeBreaker } from "./lease.ts";
import type { LeasedLane } from "./lease.ts";

const GROUP = 200;

/**
 * Gives the lane back with its next wake-up, in one transaction, without waits.
 *
 * - The lane rests, when no producer shares it: its row is locked, and the next statement, which
 *   sees all that was committed before the lock, finds the next due time. Producers that commit
 *   later find the lane free and bring their own wake-ups.
 * - Else the lane stays, or is passed on: woken at once, or when its breaker or rate allows a send,
 *   due or not. The next holder looks.
 * @param mayStay whether the holder could as well keep the lane
 */
export async function leaveLane(
  context: Pick<Context, "pool" | "now" | "telemetry" | "leaves">,
  lane: LeasedLane,
  mayStay: boolean,
): Promise<Leaving> {
  const { config, nextSendAt, breaker, savedBreaker, evidence, savedEvidence } = lane;
  // an unchanged breaker is not written: times from now would creep
  const { failures, until } = savedBreaker;
  const isChanged =
    breaker.failures !== failures ||
    breaker.until !== until ||
    evidence.failure !== savedEvidence.failure;
  const { id, epoch } = config;
  const judged = { config, breaker, evidence };
  const leave = { id, epoch, mayStay, nextSendAt, ...judged, isBreakerChanged: isChanged };
  failpoint("lane:before-leave");
  const { log } = context.telemetry;
  const leaving = await retryWhileUnavailable(log, "leave lane", async () => {
    const answer = await context.leaves.add(leave);
    if (answer !== "alone") return answer;
    return await inTransaction(context.pool, (tx) => leaveAlone(tx, context, leave));
  });
  failpoint("lane:left");
  return leaving;
}

/** Lets lanes rest in groups. Those that are not at rest or have more to do are left alone. */
export function createLeaveGroup(context: Pick<Context, "pool" | "now" | "telemetry">): LeaveGroup {
  return createGroupCommit(async (group, lockWaitMs) => {
    return await inTransaction(context.pool, async (tx) => {
      limitLockWaits(tx, lockWaitMs);
      const locks = await tryLockLeases(tx, group);
      const outlooks = await readOutlooksOf(
        tx,
        group.filter((_, index) => locks[index] === "locked"),
      );
      const resting = group.filter(({ id }) => outlooks.get(id)?.endpoint_deleted === false);
      await release(tx, context, resting, outlooks, "locked");
      return group.map((leave, index): Leaving | "alone" => {
        if (locks[index] === "lost") return "lost";
        if (locks[index] === "busy") return leave.mayStay ? "stays" : "alone";
        return resting.includes(leave) ? "left" : "alone";
      });
    });
  }, GROUP);
}

async function readOutlooksOf(
  tx: Tx,
  lanes: readonly LaneLeave[],
): Promise<Map<string, LaneOutlook>> {
  if (lanes.length === 0) return new Map();
  return await readOutlooks(
    tx,
    lanes.map(({ id }) => id),
  );
}

async function leaveAlone(
  tx: Tx,
  context: Pick<Context, "now" | "telemetry">,
  leave: LaneLeave,
): Promise<Leaving> {
  const { id, epoch, mayStay } = leave;
  const [lock] = await tryLockLeases(tx, [leave]);
  if (lock === "lost") return "lost";
  if (lock === "busy" && mayStay) return "stays";
  // the look is a later statement: an admin's change is seen, or comes after and wakes the lane
  if (lock === "busy" && !(await lockLease(tx, id, epoch))) return "lost";
  await release(tx, context, [leave], await readOutlooks(tx, [id]), lock!);
  return "left";
}

/** Plans the next wake-ups of lanes whose rows are locked, and gives the leases back. */
async function release(
  tx: Tx,
  context: Pick<Context, "now" | "telemetry">,
  lanes: readonly LaneLeave[],
  outlooks: ReadonlyMap<string, LaneOutlook>,
  lock: LeaseLock,
): Promise<void> {
  if (lanes.length === 0) return;
  const now = context.now().getTime();
  const wakeUps: WakeUp[] = [];
  const leases: Parameters<typeof releaseLeases>[1][number][] = [];
  for (const lane of lanes) {
    const outlook = outlooks.get(lane.id)!;
    const breakerMs = lane.breaker.until === null ? null : lane.breaker.until - now;
    const { nextSendAt } = rateLimitAfterChange(lane, outlook.rate_limit_per_s, now);
    const nextSendMs = nextSendAt > now ? nextSendAt - now : null;
    const heldMs = Math.max(0, breakerMs ?? 0, nextSendMs ?? 0);
    const delayMs = outlook.endpoint_deleted
      ? await cancelSome(tx, lane.id, lock === "locked")
      : nextWakeUp(outlook, heldMs, lock === "locked");
    if (delayMs !== null) wakeUps.push({ task: "pump-lane", id: lane.id, delayMs });
    const { succeededAt } = lane.evidence;
    const successMs = succeededAt === null ? null : succeededAt - now;
    leases.push({ id: lane.id, nextSendMs, successMs });
  }
  await wakeAfterRelease(tx, wakeUps);
  for (const lane of lanes) {
    if (lane.isBreakerChanged) await writeBreaker(tx, context, lane);
  }
  await releaseLeases(tx, leases);
}

/** The next wake-up in milliseconds from now; null: none is needed. */
function nextWakeUp(outlook: LaneOutlook, heldMs: number, atRest: boolean): number | null {
  // an endpoint that is resumed wakes its lane
  if (outlook.endpoint_state === "paused") return null;
  // what is pending for a disabled one is given up, which nothing holds back
  const waitMs = outlook.endpoint_state === "disabled" ? 0 : heldMs;
  if (!atRest || outlook.ordering) return waitMs;
  return outlook.due_ms === null ? null : Math.max(waitMs, outlook.due_ms);
}

/** One step that ends a deleted endpoint; the next step comes with the next lease. */
async function cancelSome(tx: Tx, laneId: string, atRest: boolean): Promise<number | null> {
  const canceled = await cancelPendingOfLane(tx, laneId);
  return atRest && canceled < CHANGE_STEP ? null : 0;
}
