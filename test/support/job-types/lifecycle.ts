// Job types for the life of a run: retried, canceled, reporting.
import { setTimeout as sleep } from "node:timers/promises";
import { defineJobType, JobError } from "ringback";
import { z } from "zod";

export const flaky = defineJobType({
  name: "test.flaky",
  description: "Fails until the run asked for.",
  input: z.object({ succeedIn: z.int() }),
  result: z.object({ run: z.int() }),
  maxRuns: 2,
  run({ input, run, progress }) {
    progress(0.5, `run ${run}`);
    if (run < input.succeedIn) throw new Error(`run ${run} failed`);
    return { run };
  },
});

export const final = defineJobType({
  name: "test.final",
  input: z.object({ code: z.string().default("file_gone") }),
  result: z.unknown(),
  run({ input }): never {
    throw new JobError("the file is gone", { code: input.code });
  },
});

export const steps = defineJobType({
  name: "test.steps",
  description: "Reports progress often.",
  input: z.object({ ms: z.int() }),
  result: z.object({ steps: z.int() }),
  async run({ input, progress }) {
    const began = performance.now();
    let count = 0;
    while (performance.now() - began < input.ms) {
      count += 1;
      progress(Math.min(1, (performance.now() - began) / input.ms), `step ${count}`, { count });
      await sleep(5);
    }
    return { steps: count };
  },
});

export const failsWhenTold = defineJobType({
  name: "test.fails-when-told",
  description: "Fails, retryable, as soon as it is aborted or its time is over.",
  input: z.object({ ms: z.int() }),
  result: z.never(),
  async run({ input }): Promise<never> {
    await sleep(input.ms);
    throw new JobError("try later", { code: "busy", retryable: true });
  },
});
