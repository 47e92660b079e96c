import { z } from "zod";
import { ACTIVITY_TYPES, matchesType } from "../../core/activity.ts";

const isKnown = (pattern: string): boolean =>
  ACTIVITY_TYPES.some((type) => matchesType(pattern, type));

export const streamQuery = z.strictObject({
  types: z
    .string()
    .max(1_000)
    .transform((text) => text.split(",").map((one) => one.trim()))
    .refine((types) => types.every(isKnown), {
      error: `must be a comma-separated list of ${ACTIVITY_TYPES.join(", ")}, or of the likes of job.*`,
    })
    .optional()
    .meta({ description: "Only these; `job.*` names all of jobs", example: "job.*,delivery.dead" }),
  last_event_id: z
    .string()
    .max(50)
    .optional()
    .meta({ description: "As the header `last-event-id`, for those who can't set it" }),
});
