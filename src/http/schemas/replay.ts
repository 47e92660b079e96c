import { z } from "zod";
import { DEAD_REASONS } from "../../core/model.ts";
import { eventTypeText, idParam, idText, timeParam, timeText } from "./common.ts";

const MAX_IDS = 10_000;

const replayFilter = z
  .strictObject({
    ids: z.array(idParam("delivery")).min(1).max(MAX_IDS).exactOptional(),
    status: z.enum(["dead", "delivered"]).default("dead"),
    reason: z.enum(DEAD_REASONS).exactOptional(),
    endpoint_id: idParam("endpoint").exactOptional(),
    job_id: idParam("job").exactOptional(),
    event_type: eventTypeText.exactOptional(),
    since: timeParam.exactOptional().meta({ description: "Created at this time or later" }),
    until: timeParam.exactOptional().meta({ description: "Created before this time" }),
  })
  .superRefine(({ status, reason }, context) => {
    if (status === "dead" || reason === undefined) return;
    const message = "only dead deliveries have a reason";
    context.addIssue({ code: "custom", message, path: ["reason"] });
  })
  .meta({ description: "Deliveries that fit all of it; empty: every dead letter" });

export const replayInput = z
  .strictObject({
    filter: replayFilter,
    dry_run: z.boolean().default(false).meta({ description: "Count only" }),
  })
  .meta({
    id: "ReplayInput",
    example: { filter: { reason: "exhausted", since: "2026-11-20T00:00:00Z" }, dry_run: true },
  });

export const replay = z
  .strictObject({
    id: idText("replay"),
    status: z.enum(["running", "completed", "canceled"]),
    filter: z.strictObject({
      ids: z.array(idText("delivery")).optional(),
      status: z.enum(["dead", "delivered"]),
      reason: z.enum(DEAD_REASONS).optional(),
      endpoint_id: idText("endpoint").optional(),
      job_id: idText("job").optional(),
      event_type: z.string().optional(),
      since: timeText.optional(),
      until: timeText.optional(),
    }),
    dry_run: z.boolean(),
    matched: z.int(),
    replayed: z.int(),
    created_at: timeText,
    finished_at: timeText.nullable(),
  })
  .meta({ id: "Replay" });
