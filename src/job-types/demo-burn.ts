import { z } from "zod";
import { defineJobType } from "../core/job-type.ts";

export const demoBurn = defineJobType({
  name: "demo.burn",
  description: "Keeps one CPU busy and never yields: only the end of its thread stops it.",
  input: z.strictObject({
    ms: z.int().min(0).max(3_600_000).meta({ description: "How long to burn, in milliseconds." }),
  }),
  result: z.object({
    burned_ms: z.number(),
    iterations: z.int(),
    checksum: z.int().meta({ description: "What the arithmetic came to." }),
  }),
  timeoutSeconds: 3_660,
  run({ input }) {
    const start = performance.now();
    let iterations = 0;
    let state = 2_463_534_242;
    while (performance.now() - start < input.ms) {
      for (let i = 0; i < 1_000; i++) {
        state ^= state << 13; // xorshift32
        state ^= state >>> 17;
        state ^= state << 5;
      }
      iterations += 1_000;
    }
    return {
      burned_ms: Math.round(performance.now() - start),
      iterations,
      checksum: state >>> 0,
    };
  },
});
