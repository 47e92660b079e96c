import { z } from "zod";
import { OPERATIONAL_EVENTS } from "../../core/operational-events.ts";
import { idText, jsonObject, timeText } from "./common.ts";

/** The webhook of an operational event, in the format `standard`. */
export const operationalEvent = z
  .strictObject({
    type: z.enum(OPERATIONAL_EVENTS),
    timestamp: timeText,
    data: z.strictObject({
      subject: z.string().meta({ description: "What it is about, in words" }),
      endpoint: z
        .strictObject({ id: idText("endpoint"), description: z.string(), url: z.string() })
        .optional(),
      count: z.int().meta({ description: "How often it happened since it was last told of" }),
      first_at: timeText,
      last_at: timeText,
      message: z.string().meta({ description: "One sentence for people" }),
      detail: jsonObject.meta({ description: "Of the newest: reason, error, an example" }),
      console_url: z.string(),
    }),
  })
  .meta({ id: "OperationalEvent" });
