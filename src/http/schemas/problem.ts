import { z } from "zod";
import { PROBLEMS } from "../../core/problem.ts";
import { jobError } from "./job.ts";

/** RFC 9457. */
export const problem = z
  .strictObject({
    type: z.string().meta({ description: "`/problems/{code}`, relative to the origin" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS)).meta({ description: "Stable; decide by this one" }),
    instance: z.string().meta({ description: "The path of the request" }),
    request_id: z.string(),
    errors: z
      .array(
        z.strictObject({
          pointer: z.string().optional().meta({ description: "JSON pointer into the body" }),
          parameter: z.string().optional().meta({ description: "Name in the path or the query" }),
          detail: z.string(),
        }),
      )
      .optional(),
    job_error: jobError.optional(),
  })
  .meta({
    id: "Problem",
    example: {
      type: "/problems/validation_failed",
      title: PROBLEMS.validation_failed[1],
      status: 422,
      detail: "/callbacks/0/event: is not a known field",
      code: "validation_failed",
      instance: "/v1/jobs",
      request_id: "b9a1d0c2-5a53-4f8e-9c7e-0f3c9f1f2a10",
      errors: [{ pointer: "/callbacks/0/event", detail: "is not a known field" }],
    },
  });
