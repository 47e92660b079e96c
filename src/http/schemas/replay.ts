import { z } from "zod";
import {
  ALL_REPLAY_ACTIONS,
  DEAD_REASONS,
  REPLAY_ACTIONS,
  REPLAYED_STATUSES,
} from "../../core/model.ts";
import { eventTypeText, idParam, idText, timeParam, timeText } from "./common.ts";

const MAX_IDS = 10_000;

const replayFilter = z
  .strictObject({
    ids: z.array(idParam("delivery")).min(1).max(MAX_IDS).exactOptional(),
    status: z.enum(REPLAYED_STATUSES).default("dead"),
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
    action: z.enum(REPLAY_ACTIONS).default("replay").meta({
      description:
        "`discard`: dead letters leave the inbox. They stay dead and in the books, with the note; a replay by their ids sends them after all. `cancel`: pending deliveries are not sent; `filter.status` must be `pending`.",
    }),
    note: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .exactOptional()
      .meta({ description: "Why they are discarded; required then" }),
  })
  .superRefine(({ action, note, filter }, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (action === "discard" && note === undefined) refuse(["note"], "says why; discard needs it");
    if (action !== "discard" && note !== undefined) refuse(["note"], "goes with discard only");
    if ((action === "cancel") !== (filter.status === "pending")) {
      refuse(["filter", "status"], "must be pending to cancel, and only then");
    }
    if (action === "discard" && filter.status !== "dead") {
      refuse(["filter", "status"], "only dead letters can be discarded");
    }
  })
  .meta({
    id: "ReplayInput",
    example: { filter: { reason: "exhausted", since: "2026-11-20T00:00:00Z" }, dry_run: true },
  });

export const replay = z
  .strictObject({
    id: idText("replay"),
    action: z.enum(ALL_REPLAY_ACTIONS).meta({
      description:
        "`send_missed`: messages that an endpoint did not get, as it was disabled, are sent to it",
    }),
    note: z.string().nullable(),
    status: z.enum(["running", "completed", "canceled"]),
    filter: z.strictObject({
      ids: z.array(idText("delivery")).optional(),
      status: z.enum([...REPLAYED_STATUSES, "skipped"]),
      reason: z.enum(DEAD_REASONS).optional(),
      endpoint_id: idText("endpoint").optional(),
      job_id: idText("job").optional(),
      event_type: z.string().optional(),
      since: timeText.optional(),
      until: timeText.optional(),
    }),
    dry_run: z.boolean(),
    matched: z.int(),
    matched_exact: z.boolean().meta({
      description:
        "False: that many at least, as there were more than can be counted at once; exact at the end",
    }),
    replayed: z.int().meta({ description: "Sent again, discarded or canceled" }),
    created_at: timeText,
    finished_at: timeText.nullable(),
  })
  .meta({ id: "Replay" });

/** The body of an answer. */
export type ReplayBody = z.input<typeof replay>;
