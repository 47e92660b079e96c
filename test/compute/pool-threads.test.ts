import { createTestPool, runJob, startedJob } from "../support/compute.ts";

const pool = createTestPool({ threads: 2, memoryMb: 64 });
afterAll(() => pool.close());

it("survives a job that exits the process", async () => {
  const neighbour = await startedJob(pool, "demo.sleep", { ms: 300 });
  expect(await runJob(pool, "test.exit")).toEqual({
    kind: "failed",
    code: "thread_died",
    message: "the thread of the run died: worker exited with code: 3",
    retryable: true,
  });
  expect((await neighbour.outcome).kind).toBe("completed");
  expect((await runJob(pool, "demo.echo")).kind).toBe("completed");
});

it("survives a job that eats all memory", async () => {
  const neighbour = await startedJob(pool, "demo.sleep", { ms: 300 });
  expect(await runJob(pool, "test.memory")).toEqual({
    kind: "failed",
    code: "thread_died",
    message: "the run needed more memory than its thread has (64 MiB)",
    retryable: true,
  });
  expect((await neighbour.outcome).kind).toBe("completed");
  expect((await runJob(pool, "demo.echo")).kind).toBe("completed");
});

it.each(["rejection", "exception"])("fails the run that lets a %s escape", async (kind) => {
  const progress: (string | null)[] = [];
  const outcome = await runJob(pool, "test.escape", kind, {
    onProgress: ({ message }) => progress.push(message),
  });
  expect(outcome).toEqual({
    kind: "failed",
    code: "run_error",
    message: "nobody caught this",
    retryable: true,
  });
  expect(progress).toEqual(["before"]);
  expect((await runJob(pool, "demo.echo")).kind).toBe("completed");
});

it("does not blame a run for the errors an earlier one left behind", async () => {
  const single = createTestPool();
  const left = await runJob(single, "test.leave-behind", null, { jobId: "job_careless", run: 2 });
  expect(left).toEqual({ kind: "completed", result: '"done"' });

  const lines: unknown[] = [];
  const outcome = await runJob(
    single,
    "demo.sleep",
    { ms: 100 },
    {
      onLog: (message, fields) => lines.push([message, fields]),
    },
  );
  await single.close();
  expect(outcome.kind).toBe("completed");
  const line = [
    "an earlier run on this thread left an error behind",
    { job_id: "job_careless", run: 2, error: "left behind" },
  ];
  expect(lines).toEqual([line, line]);
});

it("reports job types that cannot be loaded", async () => {
  const broken = createTestPool({ modules: ["/no/such/module.ts"] });
  const outcome = await runJob(broken, "demo.echo");
  await broken.close();
  expect(outcome).toMatchObject({
    kind: "failed",
    code: "job_types_not_loaded",
    message: expect.stringContaining("/no/such/module.ts") as string,
    retryable: true,
  });
});

it("goes through a storm of deaths and timeouts without losing a run", async () => {
  const kinds = Array.from({ length: 20 }, (_, index) => index % 4);
  const outcomes = await Promise.all(
    kinds.map((kind) => {
      if (kind === 0) return runJob(pool, "test.exit");
      if (kind === 1) return runJob(pool, "test.heed", null, { timeoutMs: 5 });
      if (kind === 2) return runJob(pool, "test.throw", "retryable");
      return runJob(pool, "demo.echo", kind);
    }),
  );
  const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : outcome.kind));
  const expected = ["thread_died", "timeout", "busy", "completed"];
  expect(codes).toEqual(kinds.map((kind) => expected[kind]));
});
