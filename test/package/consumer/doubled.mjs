import { defineJobType } from "ringback";
import { z } from "zod";

export default defineJobType({
  name: "number.doubled",
  input: z.object({ n: z.number() }),
  result: z.object({ n: z.number() }),
  run: ({ input }) => ({ n: input.n * 2 }),
});
