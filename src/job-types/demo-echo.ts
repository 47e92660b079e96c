import { z } from "zod";
import { defineJobType } from "../core/job-type.ts";

export const demoEcho = defineJobType({
  name: "demo.echo",
  description: "Returns its input.",
  input: z.unknown().meta({ description: "Any JSON value." }),
  result: z.unknown().meta({ description: "The same value." }),
  run: ({ input }) => input,
});
