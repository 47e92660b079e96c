import { describe, expect, test } from "@jest/globals";
import { backoffMs, DEFAULT_RETRY } from "../../src/core/backoff.ts";

describe("backoff", () => {
  test.each([
    [1, 5],
    [2, 15],
    [3, 45],
    [4, 135],
    [5, 405],
    [6, 1_215],
    [7, 3_645],
    [8, 10_935],
    [9, 32_805],
    [10, 86_400],
    [11, 86_400],
    [12, 86_400],
    [2_000, 86_400],
  ])("after failure %i of the default policy: %i s", (n, seconds) => {
    expect(backoffMs(DEFAULT_RETRY, n, 0.5)).toBe(seconds * 1000);
  });

  test("twelve attempts take about two and a half days", () => {
    const waits = Array.from({ length: DEFAULT_RETRY.max_attempts - 1 }, (_, i) =>
      backoffMs(DEFAULT_RETRY, i + 1, 0.5),
    );
    const days = waits.reduce((sum, ms) => sum + ms, 0) / 86_400_000;
    expect(days).toBeGreaterThan(2.4);
    expect(days).toBeLessThan(2.7);
  });

  test("spreads by exactly ±20 %, the cap included", () => {
    for (const n of [1, 4, 12]) {
      const middle = backoffMs(DEFAULT_RETRY, n, 0.5);
      expect(backoffMs(DEFAULT_RETRY, n, 0)).toBe(middle * 0.8);
      expect(backoffMs(DEFAULT_RETRY, n, 1 - Number.EPSILON)).toBe(Math.round(middle * 1.2));
      expect(backoffMs(DEFAULT_RETRY, n, 0.75)).toBe(Math.round(middle * 1.1));
    }
  });

  test.each([
    [{ base_s: 0.1, factor: 1, cap_s: 86_400 }, 7, 100],
    [{ base_s: 0.1, factor: 2, cap_s: 86_400 }, 4, 800],
    [{ base_s: 10, factor: 10, cap_s: 30 }, 2, 30_000],
    [{ base_s: 3_600, factor: 1, cap_s: 1 }, 1, 1_000],
    // 10^999 is Infinity, the cap still holds
    [{ base_s: 5, factor: 10, cap_s: 60 }, 1_000, 60_000],
  ])("of a policy of one's own: %j, failure %i: %i ms", (policy, n, ms) => {
    expect(backoffMs({ max_attempts: 50, ...policy }, n, 0.5)).toBe(ms);
  });
});
