/** The circuit breaker of a lane. One writer, the holder of the lane's lease. */
export interface Breaker {
  /** Failures in a row. */
  failures: number;
  /** How often it opened in a row without a success between. */
  opens: number;
  /** Milliseconds since the epoch until which nothing is sent; null: closed. */
  until: number | null;
  reason: string | null;
}

export const CLOSED: Breaker = { failures: 0, opens: 0, until: null, reason: null };

const THRESHOLD = 10;
const FIRST_OPEN_MS = 10_000;
const LONGEST_OPEN_MS = 600_000;

/** `open`: send nothing. `half_open`: send one probe. `closed`: send. */
export const BREAKER_STATES = ["closed", "open", "half_open"] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

export function breakerState(
  { until }: Partial<Breaker> & Pick<Breaker, "until">,
  now: number,
): BreakerState {
  if (until === null) return "closed";
  return now < until ? "open" : "half_open";
}

/**
 * The breaker after one attempt. A success closes it; the tenth failure in a row opens it for
 * 10 s; a failed probe doubles that, up to 10 min. A failure that was in flight when it opened
 * changes nothing.
 */
export function afterAttempt(breaker: Breaker, failure: string | null, now: number): Breaker {
  if (failure === null) return CLOSED;
  const failures = breaker.failures + 1;
  const state = breakerState(breaker, now);
  if (state === "open" || (state === "closed" && failures < THRESHOLD)) {
    return { ...breaker, failures };
  }
  const openMs = Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** breaker.opens);
  return { failures, opens: breaker.opens + 1, until: now + openMs, reason: failure };
}
