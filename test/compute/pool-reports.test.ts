import type { ComputeRequest } from "../../src/compute/pool.ts";
import { createTestPool, runJob } from "../support/compute.ts";

type Progress = Parameters<NonNullable<ComputeRequest["onProgress"]>>[0];

const pool = createTestPool();
afterAll(() => pool.close());

async function reported(type: string, input: unknown = null) {
  const progress: Progress[] = [];
  const lines: [string, Record<string, unknown>][] = [];
  const outcome = await runJob(pool, type, input, {
    onProgress: (report) => progress.push(report),
    onLog: (message, fields) => lines.push([message, fields]),
  });
  const result: unknown = outcome.kind === "completed" ? JSON.parse(outcome.result) : outcome;
  return { progress: [...progress], lines: [...lines], result };
}

it("passes a report on with its data as JSON text", async () => {
  const data = { rows: [1, 2], text: "ü" };
  const { progress, lines } = await reported("test.report", { times: 1, data, fraction: 0.25 });
  expect(progress).toEqual([{ fraction: 0.25, message: "step 1", data: JSON.stringify(data) }]);
  expect(lines).toEqual([["line 1", { n: 1 }]]);
});

it.each([
  [-1, 0],
  [2, 1],
  [null, 0], // NaN in the job
])("clamps the fraction %p to %p", async (fraction, clamped) => {
  const { progress } = await reported("test.report", { times: 1, data: null, fraction });
  expect(progress[0]?.fraction).toBe(clamped);
});

it("passes on the first and the last of a flood, and counts the log lines it drops", async () => {
  const input = { times: 200_000, data: null, fraction: 0.5 };
  const { progress, lines } = await reported("test.report", input);
  expect(progress[0]?.message).toBe("step 1");
  expect(progress.at(-1)?.message).toBe("step 200000");
  expect(progress.length).toBeLessThan(100);
  expect(lines).toHaveLength(1_001);
  expect(lines[999]).toEqual(["line 1000", { n: 1_000 }]);
  expect(lines[1_000]).toEqual(["199000 more log lines dropped", { dropped: 199_000 }]);
});

it("passes on at most one report in 100 ms, and the last before the outcome", async () => {
  const { progress, result } = await reported("test.trickle");
  expect(progress.length).toBeGreaterThanOrEqual(4);
  expect(progress.length).toBeLessThanOrEqual(8);
  expect(progress.at(-1)?.message).toBe(String(result));
});

it("refuses data of more than 16 KiB, in the job", async () => {
  const data = "ü".repeat(9_000);
  const { progress, result } = await reported("test.report", { times: 1, data, fraction: 0.5 });
  expect(result).toEqual({
    thrown: "RangeError: progress data takes 18002 bytes, 16384 allowed",
  });
  expect(progress).toEqual([]);
});

it("refuses data that is no JSON in the job, but never a log line", async () => {
  const { progress, lines, result } = await reported("test.odd-reports");
  expect(result).toEqual([
    expect.stringContaining("TypeError: progress data is not JSON: "),
    "TypeError: progress data is not JSON: a string contains a NUL character",
    "TypeError: progress data is not JSON: a function has no JSON form",
  ]);
  expect(progress).toEqual([{ fraction: 1, message: "above", data: null }]);
  expect(lines).toEqual([
    ["odd", { fields_dropped: expect.stringContaining("BigInt") as string }],
    ["long", { fields_dropped: "20011 characters" }],
  ]);
});
