import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { defineJobType } from "../core/job-type.ts";

const TICK_MS = 250;

export const demoSleep = defineJobType({
  name: "demo.sleep",
  description: "Waits, reporting progress, and heeds a cancellation at once.",
  input: z.strictObject({
    ms: z.int().min(0).max(86_400_000).meta({ description: "How long to wait, in milliseconds." }),
  }),
  result: z.object({ slept_ms: z.number() }),
  timeoutSeconds: 86_460,
  async run({ input, signal, progress }) {
    const start = performance.now();
    for (;;) {
      const slept = performance.now() - start;
      if (slept >= input.ms) return { slept_ms: Math.round(slept) };
      progress(slept / input.ms, `${Math.round(slept / 1000)} of ${input.ms / 1000} s`);
      await sleep(Math.min(TICK_MS, Math.ceil(input.ms - slept)), undefined, { signal });
    }
  },
});
