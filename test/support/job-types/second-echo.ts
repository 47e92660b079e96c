import { defineJobType } from "ringback";
import { z } from "zod";

export default defineJobType({
  name: "demo.echo",
  input: z.unknown(),
  result: z.unknown(),
  run: ({ input }) => input,
});
