import { z } from "zod";
import { defineJobType, JobError } from "../core/job-type.ts";

export const demoFail = defineJobType({
  name: "demo.fail",
  description: "Fails, with code demo_failed.",
  input: z.strictObject({
    message: z.string().max(2_000).default("failed as asked"),
    retryable: z.boolean().default(false).meta({ description: "Whether to be run again." }),
  }),
  result: z.never(),
  run({ input }): never {
    throw new JobError(input.message, { code: "demo_failed", retryable: input.retryable });
  },
});
