import type { RetryPolicy } from "./model.ts";

/** Twelve attempts over about two and a half days (design: min(24 h, 5 s · 3^(n−1))). */
export const DEFAULT_RETRY: RetryPolicy = { max_attempts: 12, base_s: 5, factor: 3, cap_s: 86_400 };

const JITTER = 0.2;

/**
 * Milliseconds to wait after failed attempt `n` (1, 2, …) of a budget.
 * @param random uniform in [0, 1); spreads the delay by ±20 %
 */
export function backoffMs(policy: RetryPolicy, n: number, random: number): number {
  const seconds = Math.min(policy.cap_s, policy.base_s * policy.factor ** (n - 1));
  return Math.round(seconds * 1000 * (1 + JITTER * (2 * random - 1)));
}
