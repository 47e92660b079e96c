// Job types that behave in every way a pool has to cope with.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { threadId } from "node:worker_threads";
import { defineJobType, JobError } from "ringback";
import { z } from "zod";
import { csvSummary } from "../../../src/job-types/csv-summary.ts";

const any = { input: z.unknown(), result: z.unknown() };

const RESULTS: Record<string, () => unknown> = {
  undefined: () => undefined,
  function: () => () => 1,
  bigint: () => ({ n: 1n }),
  cycle: () => {
    const value: Record<string, unknown> = {};
    value.self = value;
    return value;
  },
  nul: () => ["a\0b"],
  surrogate: () => ["a\ud800b"],
  lookalikes: () => ["\\u0000", "\\ud800", "\u0001", "\u{1f600}"],
  large: () => "x".repeat(3_000),
};

const THROWS: Record<string, () => unknown> = {
  error: () => new Error("first line\nsecond line"),
  string: () => "only a string",
  nothing: () => undefined,
  empty: () => new TypeError(""),
  long: () => new Error("x".repeat(5_000)),
  dirty: () => new Error("nul \0 half \ud800"),
  hostile: () => ({
    get message(): string {
      throw new Error("gotcha");
    },
  }),
  final: () => new JobError("no such row", { code: "row_missing" }),
  retryable: () => new JobError("try later", { code: "busy", retryable: true }),
  foreign: () =>
    Object.assign(new Error("own copy"), { name: "JobError", code: "x", retryable: true }),
};

export const types = [
  defineJobType({
    ...any,
    name: "test.result",
    input: z.string(),
    run: ({ input }) => RESULTS[input]?.(),
  }),
  defineJobType({
    ...any,
    name: "test.throw",
    input: z.string(),
    async run({ input }) {
      await Promise.resolve();
      throw THROWS[input]?.();
    },
  }),
  defineJobType({
    name: "test.schemas",
    input: z.object({ n: z.number().default(20), text: z.string().transform((s) => s.length) }),
    result: z.object({ sum: z.number().max(100), unit: z.string().default("m") }),
    run: ({ input }) => ({ sum: input.n + input.text, extra: true }) as never,
  }),
  defineJobType({
    ...any,
    name: "test.context",
    run: ({ jobId, run, signal }) => ({ jobId, run, aborted: signal.aborted, threadId }),
  }),
  defineJobType({ ...any, name: "test.exit", run: () => process.exit(3) }),
  defineJobType({
    ...any,
    name: "test.memory",
    run() {
      const kept: unknown[][] = [];
      for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
    },
  }),
  defineJobType({
    ...any,
    name: "test.heed", // ends when told to, and says why
    run: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  }),
  defineJobType({
    ...any,
    name: "test.late-result", // returns a result in spite of the abort
    run: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(String(signal.reason)));
      }),
  }),
  defineJobType({ ...any, name: "test.hang", run: () => new Promise(() => undefined) }),
  defineJobType({
    ...any,
    name: "test.escape", // an error nobody awaits, while the run is on
    input: z.enum(["rejection", "exception"]),
    async run({ input, progress }) {
      progress(0.5, "before");
      if (input === "rejection") void Promise.reject(new Error("nobody caught this"));
      else setImmediate(() => throwNow("nobody caught this"));
      await sleep(5_000);
    },
  }),
  defineJobType({
    ...any,
    name: "test.leave-behind", // errors that strike after the run
    run() {
      setTimeout(() => throwNow("left behind"), 5);
      void sleep(5).then(() => throwNow("left behind"));
      return "done";
    },
  }),
  defineJobType({
    name: "test.report",
    input: z.object({ times: z.int(), data: z.unknown(), fraction: z.number().nullable() }),
    result: z.object({ thrown: z.string().nullable() }),
    run({ input, progress, log }) {
      try {
        for (let n = 1; n <= input.times; n++) {
          progress(input.fraction ?? Number.NaN, `step ${n}`, input.data ?? undefined);
          log(`line ${n}`, { n });
        }
        return { thrown: null };
      } catch (error) {
        return { thrown: String(error) };
      }
    },
  }),
  defineJobType({
    ...any,
    name: "test.odd-reports",
    run({ progress, log }) {
      const thrown: string[] = [];
      for (const data of [{ n: 1n }, "a\0", () => 1]) {
        try {
          progress(0, "odd", data);
        } catch (error) {
          thrown.push(String(error));
        }
      }
      log("odd", { n: 1n });
      log("long", { text: "x".repeat(20_000) });
      progress(7, "above");
      return thrown;
    },
  }),
  defineJobType({
    ...any,
    name: "test.trickle", // 600 ms of progress, twice per millisecond
    async run({ progress }) {
      const start = performance.now();
      let calls = 0;
      while (performance.now() - start < 600) {
        for (let i = 0; i < 2; i++) progress((performance.now() - start) / 600, `${++calls}`);
        await sleep(1);
      }
      return calls;
    },
  }),
  defineJobType({
    name: "test.csv-memory", // csv.summary, and the most memory that was live on the way
    input: csvSummary.input,
    result: z.unknown(),
    async run(context) {
      setFlagsFromString("--expose-gc");
      const collectGarbage = runInNewContext("gc") as () => void;
      let calls = 0;
      let peakBytes = 0;
      const summary = await csvSummary.run({
        ...context,
        progress(...report) {
          context.progress(...report);
          if (++calls % 100 !== 0) return;
          collectGarbage();
          const { heapUsed, arrayBuffers } = process.memoryUsage();
          peakBytes = Math.max(peakBytes, heapUsed + arrayBuffers);
        },
      });
      return { summary, calls, peakBytes };
    },
  }),
  defineJobType({
    ...any,
    name: "test.fetch",
    input: z.url(),
    async run({ input, fetch }) {
      const response = await fetch(input);
      return response.text();
    },
  }),
];

function throwNow(message: string): never {
  throw new Error(message);
}
