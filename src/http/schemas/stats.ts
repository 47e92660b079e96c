import { z } from "zod";
import { idParam, timeParam, timeText } from "./common.ts";

const STEPS = [60, 300, 3_600, 86_400] as const;
const MAX_POINTS = 1_500;

export const statsQuery = z
  .strictObject({
    since: timeParam.optional().meta({ description: "Default: an hour before `until`" }),
    until: timeParam.optional().meta({ description: "Default: now" }),
    step_s: z
      .enum(STEPS.map(String) as ["60", "300", "3600", "86400"])
      .default("60")
      .transform(Number)
      .meta({ description: `Seconds per point; at most ${MAX_POINTS} points`, example: "60" }),
    endpoint_id: idParam("endpoint").optional(),
  })
  .superRefine(({ since, until, step_s }, context) => {
    if (since === undefined) return;
    const seconds = ((until?.getTime() ?? Date.now()) - since.getTime()) / 1000;
    const refuse = (message: string): void =>
      context.addIssue({ code: "custom", path: ["since"], message });
    if (seconds <= 0) refuse("must be before until");
    else if (seconds / step_s > MAX_POINTS) {
      refuse(`leaves more than ${MAX_POINTS} points of ${step_s} s; take a larger step_s`);
    }
  });

const percentiles = z
  .strictObject({ p50: z.number(), p90: z.number(), p99: z.number() })
  .nullable()
  .meta({ description: "Milliseconds, to the width of a bucket; null: nothing was measured" });

const fields = {
  jobs: z.strictObject({
    accepted: z.int(),
    completed: z.int(),
    failed: z.int(),
    canceled: z.int(),
  }),
  deliveries: z.strictObject({ delivered: z.int(), dead: z.int() }),
  attempts: z.strictObject({
    "2xx": z.int(),
    "3xx": z.int(),
    "4xx": z.int(),
    "5xx": z.int(),
    error: z.int(),
  }),
  latency_ms: percentiles,
  response_ms: percentiles,
};

export const stats = z
  .strictObject({
    since: timeText.meta({ description: "`since`, rounded down to a step" }),
    until: timeText,
    step_s: z.int(),
    series: z.array(z.strictObject({ at: timeText, ...fields })),
    totals: z.strictObject({
      ...fields,
      success_rate: z
        .number()
        .nullable()
        .meta({ description: "delivered / (delivered + dead); null: none has ended" }),
    }),
  })
  .meta({ id: "Stats" });
