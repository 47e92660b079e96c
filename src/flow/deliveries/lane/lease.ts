import type { Context, LeaseReads } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { CLOSED } from "../../../core/breaker.ts";
import type { Breaker } from "../../../core/breaker.ts";
import { rateLimitAfterChange } from "../../../core/rate-limit.ts";
import { openHeaders } from "../../../core/sealed.ts";
import type { Signer } from "../../../core/signature.ts";
import { CHANGE_STEP, cancelPendingOfLane } from "../../../db/deliveries/deliveries.ts";
import { readOutlook } from "../../../db/deliveries/due.ts";
import type { LaneOutlook } from "../../../db/deliveries/due.ts";
import {
  lockLease,
  readLeases,
  releaseLease,
  saveBreaker,
  takeLease,
  tryLockLease,
} from "../../../db/deliveries/leases.ts";
import type { LaneConfig } from "../../../db/deliveries/leases.ts";
import { nudgeProcesses } from "../../../db/nudges.ts";
import { wakeAfterRelease } from "../../../db/queue/wake.ts";
import { inTransaction, singleStatement } from "../../../db/transaction.ts";
import type { Tx } from "../../../db/transaction.ts";
import { isRegistered } from "../../../db/maintenance/workers.ts";
import { createGroupCommit } from "../../group-commit.ts";
import { retryWhileUnavailable } from "../../../db/retry.ts";
import type { OrderingWalk } from "./order.ts";
import { passOn } from "./pass-on.ts";
import { signerOf } from "./signer.ts";

const LEASE_READS = 500;

/** A lane and what its holder knows of it. */
export interface LeasedLane {
  config: LaneConfig;
  signer: Signer;
  /** The custom headers of the endpoint. */
  headers: Record<string, string>;
  breaker: Breaker;
  /** The breaker as the database has it, unless an admin closed it. */
  savedBreaker: Breaker;
  /** Time of the next send in ms since the epoch; see core/rate-limit.ts. */
  nextSendAt: number;
  /** The walk that gives positions to deliveries pending when order was switched on. */
  ordering: OrderingWalk | null;
}

type LeaseContext = Pick<Context, "pool" | "worker" | "vault" | "now" | "telemetry">;

/** Reads lanes in groups, as their holders ask for them twice a second. */
export function createLeaseReads({ pool }: Pick<Context, "pool">): LeaseReads {
  return createGroupCommit(async (leases) => {
    const byId = new Map((await readLeases(pool, leases)).map((config) => [config.id, config]));
    return leases.map(({ id }) => byId.get(id) ?? null);
  }, LEASE_READS);
}

/** Takes the lease of a lane; null: another worker has it. */
export async function leaseLane(context: LeaseContext, laneId: string): Promise<LeasedLane | null> {
  const { id: workerId, doubtful } = context.worker;
  const asked = takeLease(singleStatement(context.pool), laneId, workerId);
  const config = await asked.catch((error: unknown) => {
    doubtful.add(laneId);
    throw error;
  });
  if (config === null) {
    // the lane's holder may have slots free and wait for a slow answer
    await nudgeProcesses(singleStatement(context.pool), [laneId]);
    if (!(await isRegistered(context.pool, workerId))) await passOn(context, laneId);
    return null;
  }
  failpoint("lane:leased");
  const now = context.now().getTime();
  const breaker = {
    failures: config.breaker_failures,
    opens: config.breaker_opens,
    until: config.breaker_ms === null ? null : now + config.breaker_ms,
    reason: config.breaker_reason,
  };
  return {
    config,
    signer: signerOf(context, config),
    headers: openHeaders(context.vault, config.sealed_headers),
    breaker,
    savedBreaker: breaker,
    ordering: null,
    ...rateLimitAfterChange(
      { nextSendAt: now + (config.next_send_ms ?? 0) },
      config.rate_limit_per_s,
      now,
    ),
  };
}

/**
 * Reads an admin's changes while the lane is pumped: secrets, pauses, limits; and writes changes of
 * the breaker. False: the lease is lost.
 */
export async function refreshLane(
  context: LeaseContext & Pick<Context, "leaseReads">,
  lane: LeasedLane,
): Promise<boolean> {
  const { breaker } = lane;
  if (breaker.until !== lane.savedBreaker.until) {
    await writeBreaker(singleStatement(context.pool), context, lane);
    lane.savedBreaker = breaker;
  }
  const saved = lane.savedBreaker;
  const config = await context.leaseReads.add(lane.config);
  if (config === null) return false;
  if (config.sealed_headers !== lane.config.sealed_headers) {
    lane.headers = openHeaders(context.vault, config.sealed_headers);
  }
  lane.config = config;
  lane.signer = signerOf(context, config);
  const closedByAdmin = config.breaker_ms === null && saved.until !== null;
  if (closedByAdmin && lane.savedBreaker === saved && lane.breaker.until === saved.until) {
    lane.breaker = CLOSED;
    lane.savedBreaker = CLOSED;
  }
  const now = context.now().getTime();
  lane.nextSendAt = rateLimitAfterChange(lane, config.rate_limit_per_s, now).nextSendAt;
  return true;
}

async function writeBreaker(
  tx: Tx,
  { now }: Pick<Context, "now">,
  { config, breaker: { failures, opens, until, reason } }: LeasedLane,
): Promise<void> {
  const ms = until === null ? null : until - now().getTime();
  await saveBreaker(tx, config, { failures, opens, ms, reason });
}

/** `stays`: producers are under way, so the lane is not at rest, and its holder goes on. */
export type Leaving = "left" | "stays" | "lost";

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
  context: LeaseContext,
  lane: LeasedLane,
  mayStay: boolean,
): Promise<Leaving> {
  const { id, epoch } = lane.config;
  failpoint("lane:before-leave");
  const leaving = await retryWhileUnavailable(context.telemetry.log, "leave lane", () =>
    inTransaction(context.pool, async (tx): Promise<Leaving> => {
      const lock = await tryLockLease(tx, id, epoch);
      if (lock === "lost") return "lost";
      if (lock === "busy" && mayStay) return "stays";
      // the look is a later statement: an admin's change is seen, or comes after and wakes the lane
      if (lock === "busy" && !(await lockLease(tx, id, epoch))) return "lost";
      const outlook = await readOutlook(tx, id);
      const now = context.now().getTime();
      const breakerMs = lane.breaker.until === null ? null : lane.breaker.until - now;
      const { nextSendAt } = rateLimitAfterChange(lane, outlook.rate_limit_per_s, now);
      const nextSendMs = nextSendAt > now ? nextSendAt - now : null;
      const heldMs = Math.max(0, breakerMs ?? 0, nextSendMs ?? 0);
      const delayMs = outlook.endpoint_deleted
        ? await cancelSome(tx, id, lock === "locked")
        : nextWakeUp(outlook, heldMs, lock === "locked");
      if (delayMs !== null) await wakeAfterRelease(tx, [{ task: "pump-lane", id, delayMs }]);
      // an unchanged breaker is not written: times from now would creep
      const { failures, until } = lane.savedBreaker;
      if (lane.breaker.failures !== failures || lane.breaker.until !== until) {
        await writeBreaker(tx, context, lane);
      }
      await releaseLease(tx, id, nextSendMs);
      return "left";
    }),
  );
  failpoint("lane:left");
  return leaving;
}

/** The next wake-up in milliseconds from now; null: none is needed. */
function nextWakeUp(outlook: LaneOutlook, heldMs: number, atRest: boolean): number | null {
  // an endpoint that is resumed wakes its lane
  if (outlook.endpoint_state === "paused") return null;
  if (!atRest || outlook.ordering) return heldMs;
  return outlook.due_ms === null ? null : Math.max(heldMs, outlook.due_ms);
}

/** One step that ends a deleted endpoint; the next step comes with the next lease. */
async function cancelSome(tx: Tx, laneId: string, atRest: boolean): Promise<number | null> {
  const canceled = await cancelPendingOfLane(tx, laneId);
  return atRest && canceled < CHANGE_STEP ? null : 0;
}
