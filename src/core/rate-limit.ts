/**
 * An exact rate limit (GCRA without burst): sends are at least 1/rate apart. The whole state is
 * the time of the next allowed send, so it survives a change of the lane's holder.
 */
export interface RateLimitState {
  /** Milliseconds since the epoch before which the next send is not allowed. */
  nextSendAt: number;
}

/** Milliseconds to wait before one more send; 0: send now. */
export function rateLimitDelay(pace: RateLimitState, now: number): number {
  return Math.max(0, pace.nextSendAt - now);
}

/** The pace after a send at `now`. @param ratePerS null: unlimited */
export function rateLimitAfterSend(
  pace: RateLimitState,
  ratePerS: number | null,
  now: number,
): RateLimitState {
  return ratePerS === null
    ? pace
    : { nextSendAt: Math.max(pace.nextSendAt, now) + 1000 / ratePerS };
}

/** The pace under a limit that may have changed: nobody waits longer than the new one asks. */
export function rateLimitAfterChange(
  pace: RateLimitState,
  ratePerS: number | null,
  now: number,
): RateLimitState {
  return { nextSendAt: ratePerS === null ? 0 : Math.min(pace.nextSendAt, now + 1000 / ratePerS) };
}
