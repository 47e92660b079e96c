import type { Context, JudgedLane, LeaseReads, LeaseTakes } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { CLOSED, disableAt } from "../../../core/breaker.ts";
import type { Breaker, Evidence } from "../../../core/breaker.ts";
import { rateLimitAfterChange } from "../../../core/rate-limit.ts";
import { openHeaders } from "../../../core/sealed.ts";
import type { Signer } from "../../../core/signature.ts";
import { readLeases, saveBreaker, takeLeases } from "../../../db/deliveries/leases.ts";
import type { LaneConfig } from "../../../db/deliveries/leases.ts";
import { nudgeProcesses } from "../../../db/nudges.ts";
import { singleStatement } from "../../../db/transaction.ts";
import type { Tx } from "../../../db/transaction.ts";
import { isRegistered } from "../../../db/maintenance/workers.ts";
import { createGroupCommit } from "../../group-commit.ts";
import type { OrderingWalk } from "./order.ts";
import { passOn } from "./pass-on.ts";
import { signerOf } from "./signer.ts";

const LEASE_READS = 500;
const LEASE_TAKES = 200;

const NO_EVIDENCE: Evidence = { succeededAt: null, failure: null };
/** The last success is stored to the minute. */
const SUCCESS_MS = 60_000;

/** A lane and what its holder knows of it. */
export interface LeasedLane {
  config: LaneConfig;
  signer: Signer;
  /** The custom headers of the endpoint. */
  headers: Record<string, string>;
  breaker: Breaker;
  /** The breaker as the database has it, unless an admin closed it. */
  savedBreaker: Breaker;
  evidence: Evidence;
  savedEvidence: Evidence;
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

/** Takes leases in groups: many lanes may be woken at once. */
export function createLeaseTakes({ pool }: Pick<Context, "pool">): LeaseTakes {
  return createGroupCommit(async (wanted) => {
    const { workerId } = wanted[0]!;
    // another id comes with a new registration
    const end = wanted.findIndex((one) => one.workerId !== workerId);
    const group = end === -1 ? wanted : wanted.slice(0, end);
    const laneIds = group.map(({ laneId }) => laneId);
    return await takeLeases(singleStatement(pool), laneIds, workerId);
  }, LEASE_TAKES);
}

/** Takes the lease of a lane; null: another worker has it. */
export async function leaseLane(
  context: LeaseContext & Pick<Context, "leaseTakes">,
  laneId: string,
): Promise<LeasedLane | null> {
  const { id: workerId, doubtful } = context.worker;
  const config = await takeLeaseInGroup(context, laneId, workerId).catch((error: unknown) => {
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
  const at = (ms: number | null): number | null => (ms === null ? null : now + ms);
  const breaker = {
    failures: config.breaker_failures,
    opens: config.breaker_opens,
    until: at(config.breaker_ms),
    reason: config.breaker_reason,
    failedSince: at(config.failed_ms),
    failingSince: at(config.failing_ms),
  };
  return {
    config,
    signer: signerOf(context, config),
    headers: openHeaders(context.vault, config.sealed_headers),
    breaker,
    savedBreaker: breaker,
    evidence: NO_EVIDENCE,
    savedEvidence: NO_EVIDENCE,
    ordering: null,
    ...rateLimitAfterChange(
      { nextSendAt: now + (config.next_send_ms ?? 0) },
      config.rate_limit_per_s,
      now,
    ),
  };
}

/** Takes the lease with others that are asked for, or by itself when that would mean to wait. */
async function takeLeaseInGroup(
  { pool, leaseTakes }: Pick<Context, "pool" | "leaseTakes">,
  laneId: string,
  workerId: string,
): Promise<LaneConfig | null> {
  const answer = await leaseTakes.add({ laneId, workerId });
  if (typeof answer === "object") return answer;
  if (answer === "leased") return null;
  const [awaited] = await takeLeases(singleStatement(pool), [laneId], workerId, true);
  return typeof awaited === "object" ? awaited : null;
}

/**
 * Reads an admin's changes while the lane is pumped: secrets, pauses, limits; and writes changes of
 * the breaker. False: the lease is lost.
 */
export async function refreshLane(
  context: LeaseContext & Pick<Context, "leaseReads">,
  lane: LeasedLane,
): Promise<boolean> {
  const { breaker, evidence } = lane;
  const newSuccessMs = (evidence.succeededAt ?? 0) - (lane.savedEvidence.succeededAt ?? 0);
  if (hasChanged(breaker, lane.savedBreaker) || newSuccessMs >= SUCCESS_MS) {
    await writeBreaker(singleStatement(context.pool), context, lane);
    lane.savedBreaker = breaker;
    lane.savedEvidence = evidence;
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

/** Whether a breaker opened or closed, or its receiver began or ceased to be failing. */
function hasChanged(breaker: Breaker, saved: Breaker): boolean {
  return breaker.until !== saved.until || breaker.failingSince !== saved.failingSince;
}

/** Stores the breaker as its holder judges it, and disables an endpoint that failed for too long. */
export async function writeBreaker(
  tx: Tx,
  { now, telemetry }: Pick<Context, "now" | "telemetry">,
  { config, breaker, evidence }: JudgedLane,
): Promise<void> {
  const sinceNow = (at: number | null): number | null =>
    at === null ? null : at - now().getTime();
  const { failures, opens, until, reason, failedSince, failingSince } = breaker;
  const { succeededAt, failure } = evidence;
  const limit = disableAt(breaker, config.disable_after_s);
  const disables = limit !== null && failure !== null && failure.at >= limit;
  const isDisabled = await saveBreaker(tx, config, {
    failures,
    opens,
    ms: sinceNow(until),
    reason,
    failedMs: sinceNow(failedSince),
    failingMs: sinceNow(failingSince),
    successMs: sinceNow(succeededAt),
    failureMs: sinceNow(failure?.at ?? null),
    failureStatus: failure?.status ?? null,
    failureError: failure?.error ?? null,
    disables,
  });
  if (isDisabled) telemetry.endpointDisabled(config.endpoint_id!, "failing");
}
