import { expect, test } from "@jest/globals";
import { estimateEnd } from "../../src/core/estimate.ts";
import { durationText } from "../../src/core/times.ts";

const START = new Date("2026-11-21T10:00:00Z");
const after = (ms: number): Date => new Date(START.getTime() + ms);

function eta(fraction: number, ms: number): Date | null {
  return estimateEnd({
    status: "running",
    progress_fraction: fraction,
    progress_at: after(ms),
    run_started_at: START,
  });
}

test("the end is estimated by the pace so far", () => {
  expect(eta(0.25, 10_000)).toEqual(after(40_000));
  expect(eta(0.01, 1_000)).toEqual(after(100_000));
});

test("what has hardly begun, or is done, has no estimate", () => {
  expect(eta(0.009, 60_000)).toBeNull();
  expect(eta(0.5, 999)).toBeNull();
  expect(eta(0, 10_000)).toBeNull();
  expect(eta(1, 10_000)).toBeNull();
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [1_000, "1 s"],
  [1_240, "1.2 s"],
  [12_400, "12 s"],
  [128_154, "2 min 8 s"],
  [120_000, "2 min"],
  [7_800_000, "2 h 10 min"],
  [356_400_000, "4 d 3 h"],
])("%i ms are %s", (ms, text) => expect(durationText(ms)).toBe(text));
