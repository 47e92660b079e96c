import { z } from "zod";
import type { HeaderSpec } from "../route.ts";

/** The body of a request without data: none, or an empty object. */
export const emptyBody = z.strictObject({}).meta({ id: "Empty" });

export const PREFER_HEADER: Record<string, HeaderSpec> = {
  prefer: {
    description:
      "RFC 7240. `wait=N`: hold the answer back until the job has ended, N seconds at most (60 are the limit). `respond-async`: don't. Others are ignored.",
    example: "wait=10",
  },
};
