import type { RetryPolicy } from "./model.ts";

/** Twelve attempts over about two and a half days (design: min(24 h, 5 s · 3^(n−1))). */
export const DEFAULT_RETRY: RetryPolicy = { max_attempts: 12, base_s: 5, factor: 3, cap_s: 86_400 };

/** The age at which a pending delivery is given up, unless its receiver sets another: 3 days. */
export const DEFAULT_GIVE_UP_AFTER_S = 259_200;

const JITTER = 0.2;

/** A policy with some of it changed. A list of waits and the exponential form exclude each other. */
export function changeRetry(before: RetryPolicy, changes: Partial<RetryPolicy>): RetryPolicy {
  if (Object.keys(changes).length === 0) return before;
  const { delays_s } = changes;
  if (delays_s !== undefined) {
    return { ...DEFAULT_RETRY, max_attempts: delays_s.length + 1, delays_s };
  }
  return { ...(before.delays_s === undefined ? before : DEFAULT_RETRY), ...changes };
}

/**
 * Milliseconds to wait after failed attempt `n` (1, 2, …) of a budget.
 * @param random uniform in [0, 1); spreads the delay by ±20 %
 */
export function backoffMs(policy: RetryPolicy, n: number, random: number): number {
  const seconds =
    policy.delays_s?.[n - 1] ?? Math.min(policy.cap_s, policy.base_s * policy.factor ** (n - 1));
  return Math.round(seconds * 1000 * (1 + JITTER * (2 * random - 1)));
}
