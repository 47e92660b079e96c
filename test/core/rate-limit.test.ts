import { describe, expect, test } from "@jest/globals";
import {
  rateLimitAfterSend,
  rateLimitDelay,
  rateLimitAfterChange,
} from "../../src/core/rate-limit.ts";
import type { RateLimitState } from "../../src/core/rate-limit.ts";

const T = 1_700_000_000_000;

/** Sends as early as allowed, `think` ms after the last one at the earliest. */
function sendTimes(ratePerS: number | null, count: number, think: () => number): number[] {
  let pace: RateLimitState = { nextSendAt: 0 };
  let now = T;
  return Array.from({ length: count }, () => {
    now += Math.max(think(), rateLimitDelay(pace, now));
    pace = rateLimitAfterSend(pace, ratePerS, now);
    return now;
  });
}

describe("the pace", () => {
  test.each([0.01, 0.5, 1, 3, 10, 77, 10_000])("%d/s: never more in any second", (rate) => {
    const times = sendTimes(rate, 200, () => 0);
    for (let i = 1; i < times.length; i++) {
      expect(times[i]! - times[i - 1]!).toBeGreaterThan(1000 / rate - 0.001);
    }
    // and no slower than asked
    expect(times.at(-1)! - times[0]!).toBeLessThan((199 * 1000) / rate + 1);
  });

  test("time in which nothing was sent is not saved up for a burst", () => {
    let pauses = 0;
    const times = sendTimes(10, 50, () => (pauses++ % 10 === 0 ? 60_000 : 0));
    for (let i = 1; i < times.length; i++) {
      expect(times[i]! - times[i - 1]!).toBeGreaterThan(99.99);
    }
  });

  test("without a limit there is nothing to wait for", () => {
    expect(sendTimes(null, 100, () => 0)).toEqual(Array.from({ length: 100 }, () => T));
  });

  test("waits until the next send is allowed, not below zero", () => {
    expect(rateLimitDelay({ nextSendAt: T + 40 }, T)).toBe(40);
    expect(rateLimitDelay({ nextSendAt: T }, T)).toBe(0);
    expect(rateLimitDelay({ nextSendAt: T - 1 }, T)).toBe(0);
  });

  test.each([
    [null, 100_000, 0],
    [10, 100_000, 100],
    [10, 40, 40],
    [0.01, 40, 40],
    [10, -5, 0],
  ])("a limit that became %j: of a wait of %i ms stay %i", (rate, before, after) => {
    expect(rateLimitDelay(rateLimitAfterChange({ nextSendAt: T + before }, rate, T), T)).toBe(
      after,
    );
  });
});
