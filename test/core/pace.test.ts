import { describe, expect, test } from "@jest/globals";
import { judgeCanary } from "../../src/core/canary.ts";
import { paceStep } from "../../src/core/pace.ts";

describe("the pace of a replay", () => {
  test.each([
    [{ per_s: 100, ramp_s: 0 }, 0, { limit: 25, msEach: 10 }],
    [{ per_s: 100, ramp_s: 10 }, 0, { limit: 1, msEach: 1_000 }],
    [{ per_s: 101, ramp_s: 10 }, 5_000, { limit: 12, msEach: 1_000 / 51 }],
    [{ per_s: 100, ramp_s: 10 }, 60_000, { limit: 25, msEach: 10 }],
    [{ per_s: 0.5, ramp_s: 10 }, 0, { limit: 1, msEach: 2_000 }],
    [{ per_s: 10_000, ramp_s: 0 }, 0, { limit: 500, msEach: 0.1 }],
  ])("%j after %d ms", (pace, sinceMs, expected) => {
    expect(paceStep(pace, sinceMs, 500)).toEqual(expected);
  });

  test.each([1, 3, 7, 40, 1_000])("no 5 s have more than %d a second, nor far fewer", (perS) => {
    const steps: { at: number; count: number }[] = [];
    for (let at = 0; at < 20_000;) {
      const { limit, msEach } = paceStep({ per_s: perS, ramp_s: 0 }, at, 500);
      steps.push({ at, count: limit });
      at += limit * msEach;
    }
    for (let from = 0; from <= 15_000; from += 100) {
      const within = steps.filter(({ at }) => at >= from && at < from + 5_000);
      const sum = within.reduce((total, { count }) => total + count, 0);
      expect(sum).toBeLessThanOrEqual(perS * 5 + Math.ceil(perS / 4));
      expect(sum).toBeGreaterThanOrEqual(perS * 5 - Math.ceil(perS / 4));
    }
  });
});

describe("a canary", () => {
  const canary = { count: 10, max_failed_percent: 20 };
  const failures = (counts: Record<string, number>) => new Map(Object.entries(counts));

  test.each([
    [10, 10, {}, "waiting"],
    [10, 3, {}, "waiting"],
    [10, 2, {}, "passed"],
    [10, 0, { timeout: 2 }, "passed"],
    [10, 1, { timeout: 2 }, "waiting"],
    [10, 7, { timeout: 3 }, "failed"],
    [0, 0, {}, "passed"],
  ])("%d sent, %d waiting, failed %j: %s", (sent, waiting, failed, kind) => {
    const outcomes = { sent, waiting, failures: failures(failed) };
    expect(judgeCanary(canary, outcomes).kind).toBe(kind);
  });

  test("says why it stopped, the most frequent first", () => {
    const outcomes = { sent: 10, waiting: 0, failures: failures({ timeout: 2, "HTTP 500": 5 }) };
    expect(judgeCanary(canary, outcomes)).toEqual({
      kind: "failed",
      reason: "7 of 10 failed again: 5 × HTTP 500, 2 × timeout",
    });
  });

  test("with 0 percent one failure is too many", () => {
    const outcomes = { sent: 100, waiting: 99, failures: failures({ dns: 1 }) };
    expect(judgeCanary({ count: 100, max_failed_percent: 0 }, outcomes).kind).toBe("failed");
  });
});
