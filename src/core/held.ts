import { DISABLED_WORDS } from "./endpoint.ts";
import type { DisabledReason, EndpointState } from "./endpoint.ts";
import { formatId } from "./ids.ts";

/**
 * Why a delivery that could be sent by its own schedule is not: held on purpose (the first three),
 * behind another one, by a limit, or because no process gets to it.
 */
export const HELD_REASONS = [
  "paused",
  "disabled",
  "breaker_open",
  "order",
  "rate_limit",
  "in_flight",
  "waiting_for_process",
] as const;
export type HeldReason = (typeof HELD_REASONS)[number];

export interface Held {
  reason: HeldReason;
  /** The time since which that is so. */
  since: Date | null;
  /** The time when it ends or is looked at again, when it is known. */
  until: Date | null;
  detail: string;
}

/** A pending delivery and its lane, as they are now. */
export interface HeldFacts {
  next_attempt_at: Date;
  /** Null: the lane of an origin. */
  endpoint_state: EndpointState | null;
  endpoint_deleted: boolean;
  state_since: Date | null;
  disabled_reason: DisabledReason | null;
  rate_limit_per_s: number | null;
  max_in_flight: number;
  breaker_failures: number;
  breaker_since: Date | null;
  breaker_until: Date | null;
  breaker_reason: string | null;
  next_send_at: Date | null;
  ordered: boolean;
  leased: boolean;
  /** The first delivery of an ordered lane. */
  first: { id: string; next_attempt_at: string } | null;
  /** Deliveries of the lane that come before it, counted up to `max_in_flight`. */
  before: number | null;
  /** The number of live processes that deliver. */
  deliverers: number;
}

/** A delivery that has been due for less is just being taken up. */
export const TAKEN_UP_WITHIN_MS = 5_000;
/** An attempt that is under way ends within this time. */
const LONGEST_ATTEMPT_MS = 65_000;

/** Why a pending delivery waits for something else than its own next attempt; null: it does not. */
export function heldBy(id: string, facts: HeldFacts, now: Date): Held | null {
  if (facts.endpoint_deleted) return null;
  return heldOnPurpose(facts, now) ?? heldInOrder(id, facts, now) ?? heldByLimits(facts, now);
}

function heldOnPurpose(facts: HeldFacts, now: Date): Held | null {
  const { endpoint_state: state, state_since: since, breaker_until: until } = facts;
  if (state === "paused") {
    return { reason: "paused", since, until: null, detail: "the endpoint is paused" };
  }
  if (state === "disabled") {
    const why = facts.disabled_reason === null ? "" : `: ${DISABLED_WORDS[facts.disabled_reason]}`;
    const detail = `the endpoint is disabled${why}`;
    return { reason: "disabled", since, until: null, detail };
  }
  if (until === null || facts.next_attempt_at > later(until, now)) return null;
  const failures = `${facts.breaker_failures} failures in a row`;
  const why = facts.breaker_reason === null ? failures : `${facts.breaker_reason}, ${failures}`;
  return {
    reason: "breaker_open",
    since: facts.breaker_since,
    until: until > now ? until : null,
    detail: until > now ? why : `${why}; the next attempt is a probe`,
  };
}

function heldInOrder(id: string, { ordered, first, ...facts }: HeldFacts, now: Date): Held | null {
  if (!ordered || first === null || first.id === id) return null;
  const firstAt = new Date(first.next_attempt_at);
  if (facts.next_attempt_at > later(firstAt, now)) return null;
  return {
    reason: "order",
    since: facts.next_attempt_at,
    until: firstAt > now ? firstAt : null,
    detail: `${formatId("delivery", first.id)} is before it`,
  };
}

function heldByLimits(facts: HeldFacts, now: Date): Held | null {
  const { next_attempt_at: since, rate_limit_per_s: rate, max_in_flight: most } = facts;
  const lateMs = now.getTime() - since.getTime();
  if (lateMs < 0) return null;
  const sendAt =
    facts.next_send_at !== null && facts.next_send_at > now ? facts.next_send_at : null;
  const late = lateMs >= TAKEN_UP_WITHIN_MS;
  const before = facts.before ?? 0;
  if (rate !== null && (sendAt !== null || (late && facts.leased && before > 0))) {
    const detail = `the endpoint takes ${rate} per second at most`;
    return { reason: "rate_limit", since, until: sendAt, detail };
  }
  if (!late) return null;
  if (facts.leased && before >= most) {
    const detail = `${most} deliveries may be under way at once, and others were due before`;
    return { reason: "in_flight", since, until: null, detail };
  }
  // it is on its way just now
  if (facts.leased && lateMs < LONGEST_ATTEMPT_MS) return null;
  const detail =
    facts.deliverers === 0
      ? "no process that delivers is running"
      : "the processes that deliver are busy";
  return { reason: "waiting_for_process", since, until: null, detail };
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

/** The reasons in words, for people. */
export const HELD_WORDS: Record<HeldReason, string> = {
  paused: "endpoint paused",
  disabled: "endpoint disabled",
  breaker_open: "breaker open",
  order: "behind another delivery",
  rate_limit: "rate limit",
  in_flight: "too many under way",
  waiting_for_process: "waiting for a process",
};
