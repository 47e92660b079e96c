import { createTestPool, runJob, startedJob, startJob } from "../support/compute.ts";

const GRACE_MS = 200;
const pool = createTestPool({ threads: 2, graceMs: GRACE_MS });
beforeAll(() => Promise.all([runJob(pool, "demo.echo"), runJob(pool, "demo.burn", { ms: 1 })]));
afterAll(() => pool.close());

const TIMED_OUT = {
  kind: "failed",
  code: "timeout",
  message: "the run took longer than its timeout of 0.1 s",
  retryable: false,
};
const CANCELED = { kind: "stopped", reason: "canceled" };

async function timed<T>(promise: Promise<T>): Promise<{ value: T; ms: number }> {
  const start = performance.now();
  return { value: await promise, ms: performance.now() - start };
}

describe("timeout", () => {
  it("ends a job that heeds its signal at once", async () => {
    const { value, ms } = await timed(runJob(pool, "test.heed", null, { timeoutMs: 100 }));
    expect(value).toEqual(TIMED_OUT);
    expect(ms).toBeGreaterThan(95);
    expect(ms).toBeLessThan(100 + GRACE_MS);
  });

  it("outdoes a result that comes after it", async () => {
    expect(await runJob(pool, "test.late-result", null, { timeoutMs: 100 })).toEqual(TIMED_OUT);
  });

  it.each(["test.hang", "demo.burn"])("ends the thread of %s after the grace", async (type) => {
    const running = runJob(pool, type, { ms: 20_000 }, { timeoutMs: 100 });
    const { value, ms } = await timed(running);
    expect(value).toEqual(TIMED_OUT);
    expect(ms).toBeGreaterThan(95 + GRACE_MS);
    expect(ms).toBeLessThan(2_000);
  });

  it("runs from the start of the run, not from its submission", async () => {
    const busy = [0, 1].map(() => runJob(pool, "demo.burn", { ms: 300 }));
    const waiting = runJob(pool, "demo.sleep", { ms: 50 }, { timeoutMs: 200 });
    expect((await waiting).kind).toBe("completed");
    await Promise.all(busy);
  });

  it("does not strike a result that waited for a busy main loop", async () => {
    const running = await startedJob(pool, "demo.sleep", { ms: 20 }, { timeoutMs: 100 });
    const until = performance.now() + 250;
    while (performance.now() < until);
    expect((await running.outcome).kind).toBe("completed");
  });

  it("may be longer than a timer can be", async () => {
    expect((await runJob(pool, "demo.echo", 1, { timeoutMs: 2 ** 40 })).kind).toBe("completed");
  });
});

describe("stop", () => {
  it.each(["canceled", "shutdown"] as const)("aborts the signal: %s", async (reason) => {
    const job = await startedJob(pool, "test.heed");
    job.stop(reason);
    const { value, ms } = await timed(job.outcome);
    expect(value).toEqual({ kind: "stopped", reason });
    expect(ms).toBeLessThan(GRACE_MS);
  });

  it("ends a thread that burns, after the grace", async () => {
    const job = await startedJob(pool, "demo.burn", { ms: 20_000 });
    job.stop("canceled");
    const { value, ms } = await timed(job.outcome);
    expect(value).toEqual(CANCELED);
    expect(ms).toBeGreaterThan(GRACE_MS - 20);
    expect(ms).toBeLessThan(1_000);
  });

  it("keeps its first reason, and means nothing once the run has ended", async () => {
    const job = await startedJob(pool, "test.hang");
    job.stop("canceled");
    job.stop("shutdown");
    expect(await job.outcome).toEqual(CANCELED);
    job.stop("shutdown");
    expect((await runJob(pool, "demo.echo", 1)).kind).toBe("completed");
  });

  it("outdoes a result that comes after it", async () => {
    const job = await startedJob(pool, "test.late-result");
    job.stop("canceled");
    expect(await job.outcome).toEqual(CANCELED);
  });

  it("ends a run at once that no thread has taken", async () => {
    const busy = await Promise.all([0, 1].map(() => startedJob(pool, "demo.burn", { ms: 400 })));
    let started = false;
    const waiting = startJob(pool, "demo.echo", 1, { onStart: () => (started = true) });
    waiting.stop("canceled");
    const { value, ms } = await timed(waiting.outcome);
    expect(value).toEqual(CANCELED);
    expect(ms).toBeLessThan(50);
    for (const job of busy) expect((await job.outcome).kind).toBe("completed");
    expect(started).toBe(false);
  });

  it("ends a run at once whose thread is still starting", async () => {
    const cold = createTestPool();
    const job = startJob(cold, "demo.echo", 1);
    job.stop("canceled");
    const { value, ms } = await timed(job.outcome);
    expect(value).toEqual(CANCELED);
    expect(ms).toBeLessThan(50);
    expect(await runJob(cold, "demo.echo", 2)).toEqual({ kind: "completed", result: "2" });
    await cold.close();
  });

  it("leaves the neighbours alone", async () => {
    const neighbour = await startedJob(pool, "demo.sleep", { ms: 700 });
    const burning = await startedJob(pool, "demo.burn", { ms: 20_000 });
    burning.stop("canceled");
    expect(await burning.outcome).toEqual(CANCELED);
    expect((await runJob(pool, "demo.echo", 1)).kind).toBe("completed");
    expect((await neighbour.outcome).kind).toBe("completed");
  });
});

describe("close", () => {
  it("stops what is running and what is waiting, and takes nothing more", async () => {
    const closing = createTestPool({ graceMs: 100 });
    const running = await startedJob(closing, "demo.burn", { ms: 20_000 });
    const waiting = startJob(closing, "demo.echo", 1);
    const { ms } = await timed(closing.close());
    expect(ms).toBeLessThan(1_500);
    const stopped = { kind: "stopped", reason: "shutdown" };
    expect(await running.outcome).toEqual(stopped);
    expect(await waiting.outcome).toEqual(stopped);
    expect(await runJob(closing, "demo.echo", 1)).toEqual(stopped);
  });

  it("of a pool that never ran anything", async () => {
    await createTestPool().close();
  });
});
