import { createTestPool, runJob } from "../support/compute.ts";
import { startTestServer } from "../support/csv-server.ts";

const pool = createTestPool({ threads: 2, maxResultBytes: 2_000, allowTargets: "127.0.0.1/32" });
afterAll(() => pool.close());

function failed(code: string, message: unknown, retryable = false) {
  return { kind: "failed", code, message, retryable };
}
function containing(text: string): unknown {
  return expect.stringContaining(text);
}

describe("a result", () => {
  it("comes back as JSON text", async () => {
    const input = { list: [1, "zwei", null, { three: true }], text: "ü😀" };
    expect(await runJob(pool, "demo.echo", input)).toEqual({
      kind: "completed",
      result: JSON.stringify(input),
    });
  });

  it("has passed the schemas, defaults and transforms included", async () => {
    const outcome = await runJob(pool, "test.schemas", { text: "four" });
    expect(outcome).toEqual({ kind: "completed", result: '{"sum":24,"unit":"m"}' });
  });

  it("of the example job type", async () => {
    const outcome = await runJob(pool, "text.word-count", {
      text: "to be or not to BE, to",
      top: 2,
    });
    expect(outcome).toEqual({
      kind: "completed",
      result: JSON.stringify({
        words: 7,
        distinct: 4,
        top: [
          { word: "to", count: 3 },
          { word: "be", count: 2 },
        ],
      }),
    });
    expect(await runJob(pool, "text.word-count", { text: "123" })).toEqual(
      failed("no_words", "the text has no words"),
    );
  });

  it.each([
    ["undefined", containing("undefined")],
    ["function", containing("function")],
    ["bigint", containing("BigInt")],
    ["cycle", containing("circular")],
    ["nul", containing("NUL")],
    ["surrogate", containing("surrogate")],
  ])("that is no JSON is refused: %s", async (kind, message) => {
    expect(await runJob(pool, "test.result", kind)).toEqual(failed("result_not_json", message));
  });

  it("may hold what only looks like a NUL or a surrogate", async () => {
    const outcome = await runJob(pool, "test.result", "lookalikes");
    expect(outcome.kind === "completed" && JSON.parse(outcome.result)).toEqual([
      "\\u0000",
      "\\ud800",
      "\u0001",
      "😀",
    ]);
  });

  it("that breaks its schema is refused", async () => {
    const outcome = await runJob(pool, "test.schemas", { n: 200, text: "x" });
    expect(outcome).toEqual(failed("result_invalid", containing("/sum: ")));
  });

  it("may only be so large", async () => {
    expect(await runJob(pool, "test.result", "large")).toEqual(
      failed("result_too_large", "the result takes 3002 bytes, 2000 allowed"),
    );
  });
});

describe("an input", () => {
  it("that breaks the schema never runs", async () => {
    const outcome = await runJob(pool, "demo.sleep", { ms: -1, extra: 1 });
    expect(outcome).toEqual(failed("input_invalid", containing("/ms: ")));
  });

  it("that is no JSON never runs", async () => {
    const outcome = await runJob(pool, "demo.echo", null, { input: "{" });
    expect(outcome).toEqual(failed("input_invalid", "the input is not JSON"));
  });

  it("of an unknown job type never runs", async () => {
    expect(await runJob(pool, "demo.nothing")).toEqual(
      failed("job_type_unknown", "there is no job type demo.nothing"),
    );
  });
});

describe("a throw", () => {
  it.each([
    ["final", failed("row_missing", "no such row")],
    ["retryable", failed("busy", "try later", true)],
    ["foreign", failed("x", "own copy", true)],
    ["error", failed("run_error", "first line", true)],
    ["string", failed("run_error", "only a string", true)],
    ["nothing", failed("run_error", "undefined", true)],
    ["empty", failed("run_error", "TypeError", true)],
    ["long", failed("run_error", "x".repeat(2_000), true)],
    ["dirty", failed("run_error", "nul \ufffd half \ufffd", true)],
    ["hostile", failed("run_error", "an unprintable value was thrown", true)],
  ])("fails the run: %s", async (kind, outcome) => {
    expect(await runJob(pool, "test.throw", kind)).toEqual(outcome);
  });
});

describe("a job", () => {
  it("is told who it is", async () => {
    const outcome = await runJob(pool, "test.context", null, { jobId: "job_42", run: 3 });
    expect(outcome.kind === "completed" && JSON.parse(outcome.result)).toMatchObject({
      jobId: "job_42",
      run: 3,
      aborted: false,
    });
  });

  it("fetches what the operator allows, and nothing else", async () => {
    const server = await startTestServer((_, response) => response.end("hello"));
    const allowed = await runJob(pool, "test.fetch", server.url);
    const blocked = await runJob(pool, "test.fetch", server.url.replace("127.0.0.1", "127.0.0.2"));
    await server.close();
    expect(allowed).toEqual({ kind: "completed", result: '"hello"' });
    expect(blocked).toMatchObject({ kind: "failed", code: "run_error" });
  });

  it("takes its turn, in the order of submission", async () => {
    const started: number[] = [];
    const single = createTestPool({ threads: 1 });
    const order = Array.from({ length: 50 }, (_, index) => index);
    await Promise.all(
      order.map((n) => runJob(single, "demo.echo", n, { onStart: () => started.push(n) })),
    );
    await single.close();
    expect(started).toEqual(order);
  });

  it("runs on as many threads as there are, each kept for the next run", async () => {
    const ids = new Set<number>();
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all([
        runJob(pool, "test.context"),
        runJob(pool, "demo.burn", { ms: 5 }),
        runJob(pool, "test.context"),
      ]);
      for (const outcome of outcomes) {
        if (outcome.kind !== "completed") throw new Error(JSON.stringify(outcome));
        const { threadId } = JSON.parse(outcome.result) as { threadId?: number };
        if (threadId !== undefined) ids.add(threadId);
      }
    }
    expect(ids.size).toBeLessThanOrEqual(2);
  });
});
