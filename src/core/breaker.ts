/** The circuit breaker of a lane. One writer, the holder of the lane's lease. */
export interface Breaker {
  /** Failures in a row. */
  failures: number;
  /** How often it opened in a row without a success between. */
  opens: number;
  /** Milliseconds since the epoch until which nothing is sent; null: closed. */
  until: number | null;
  reason: string | null;
  /** The first of the failures in a row, in milliseconds since the epoch. */
  failedSince: number | null;
  /** The time since which they make the receiver failing: the step before it is disabled. */
  failingSince: number | null;
}

/** The last attempts of each kind under this lease; times in milliseconds since the epoch. */
export interface Evidence {
  succeededAt: number | null;
  failure: { at: number; status: number | null; error: string | null } | null;
}

export const CLOSED: Breaker = {
  failures: 0,
  opens: 0,
  until: null,
  reason: null,
  failedSince: null,
  failingSince: null,
};

const THRESHOLD = 10;
const FIRST_OPEN_MS = 10_000;
const LONGEST_OPEN_MS = 600_000;
/** A receiver is failing after as many failures as open the breaker, for this long. */
const FAILING_MS = 300_000;

/** `open`: send nothing. `half_open`: send one probe. `closed`: send. */
export const BREAKER_STATES = ["closed", "open", "half_open"] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export function breakerState(breaker: Pick<Breaker, "until">, now: number): BreakerState {
  if (breaker.until === null) return "closed";
  return now < breaker.until ? "open" : "half_open";
}

/**
 * The breaker after one attempt. A success closes it; the tenth failure in a row opens it for
 * 10 s; a failed probe doubles that, up to 10 min. A failure that was in flight when it opened
 * changes nothing.
 */
export function afterAttempt(breaker: Breaker, failure: string | null, now: number): Breaker {
  if (failure === null) return CLOSED;
  const failures = breaker.failures + 1;
  const failedSince = breaker.failedSince ?? now;
  const isFailing = failures >= THRESHOLD && now - failedSince >= FAILING_MS;
  const failingSince = breaker.failingSince ?? (isFailing ? now : null);
  const next = { ...breaker, failures, failedSince, failingSince };
  const state = breakerState(breaker, now);
  if (state === "open" || (state === "closed" && failures < THRESHOLD)) return next;
  const openMs = Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** breaker.opens);
  return { ...next, opens: breaker.opens + 1, until: now + openMs, reason: failure };
}

/** The time at which a failing endpoint is disabled, unless it succeeds before; null: never. */
export function disableAt(
  { failedSince, failingSince }: Pick<Breaker, "failedSince" | "failingSince">,
  disableAfterS: number | null,
): number | null {
  if (failedSince === null || failingSince === null || disableAfterS === null) return null;
  return failedSince + disableAfterS * 1_000;
}
