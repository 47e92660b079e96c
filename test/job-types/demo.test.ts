import { demoBurn } from "../../src/job-types/demo-burn.ts";
import { demoEcho } from "../../src/job-types/demo-echo.ts";
import { demoFail } from "../../src/job-types/demo-fail.ts";
import { demoSleep } from "../../src/job-types/demo-sleep.ts";
import { jobErrorOf, runJobType } from "../support/run-job-type.ts";
import type { Reports } from "../support/run-job-type.ts";

it.each([[null], [0], ["text"], [[1, { a: null }]], [{ deep: { er: [true] } }]])(
  "demo.echo returns %j",
  async (value) => expect(await runJobType(demoEcho, value)).toEqual(value),
);

describe("demo.sleep", () => {
  it("sleeps as long as asked, reporting progress", async () => {
    const reports: Reports = { progress: [] };
    const { slept_ms: slept } = await runJobType(demoSleep, { ms: 600 }, { reports });
    expect(slept).toBeGreaterThanOrEqual(600);
    expect(slept).toBeLessThan(900);
    expect(reports.progress.length).toBeGreaterThanOrEqual(3);
    for (const [fraction] of reports.progress) expect(fraction).toBeLessThan(1);
  });

  it("may be of no length", async () => {
    expect(await runJobType(demoSleep, { ms: 0 })).toEqual({ slept_ms: 0 });
  });

  it("wakes when stopped", async () => {
    const start = performance.now();
    const signal = AbortSignal.timeout(30);
    await expect(runJobType(demoSleep, { ms: 60_000 }, { signal })).rejects.toThrow("abort");
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

it("demo.burn burns without a pause", async () => {
  let paused = false;
  setImmediate(() => (paused = true));
  const running = demoBurn.run({ input: { ms: 50 } } as never);
  expect(paused).toBe(false);
  const result = await running;
  expect(result.burned_ms).toBeGreaterThanOrEqual(50);
  expect(result.iterations).toBeGreaterThan(1_000);
});

describe("demo.fail", () => {
  it("fails for good, or as asked", async () => {
    expect(await jobErrorOf(runJobType(demoFail, {}))).toEqual({
      code: "demo_failed",
      message: "failed as asked",
      retryable: false,
    });
    const input = { message: "busy", retryable: true };
    expect(await jobErrorOf(runJobType(demoFail, input))).toEqual({
      code: "demo_failed",
      ...input,
    });
  });
});
