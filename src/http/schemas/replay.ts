import { z } from "zod";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import {
  ALL_REPLAY_ACTIONS,
  DEAD_REASONS,
  REPLAY_ACTIONS,
  REPLAY_ORDERS,
  REPLAY_STATUSES,
  REPLAY_TARGETS,
  REPLAYED_STATUSES,
  STATUS_CLASSES,
} from "../../core/model.ts";
import { ID_PREFIXES, parseId } from "../../core/ids.ts";
import { urlInput } from "./receiver.ts";
import { eventTypeText, exampleId, idParam, idText, timeParam, timeText } from "./common.ts";

const MAX_IDS = 10_000;
const MAX_VALUES = 50;

const replayFilter = z
  .strictObject({
    ids: z
      .array(z.string())
      .min(1)
      .max(MAX_IDS)
      .exactOptional()
      .meta({
        description: "Of deliveries: `dlv_…`; of jobs: `job_…`",
        example: [exampleId("delivery")],
      }),
    status: z
      .enum(REPLAYED_STATUSES)
      .exactOptional()
      .meta({ description: "`dead` unless told, of jobs `failed`" }),
    reason: z.enum(DEAD_REASONS).exactOptional(),
    endpoint_id: idParam("endpoint")
      .nullable()
      .exactOptional()
      .meta({ description: "Null: those to callback URLs" }),
    job_id: idParam("job").exactOptional(),
    event_type: eventTypeText.exactOptional(),
    status_class: z.array(z.enum(STATUS_CLASSES)).min(1).exactOptional().meta({
      description: "Of the last attempt, any of these; `error`: it got no usable answer",
    }),
    status_code: z
      .array(z.int().min(100).max(599))
      .min(1)
      .max(MAX_VALUES)
      .exactOptional()
      .meta({ description: "Of the last attempt, any of these" }),
    error_code: z
      .array(z.string().regex(/^[a-z_]{1,50}$/, "must be the code of an error"))
      .min(1)
      .max(MAX_VALUES)
      .exactOptional()
      .meta({
        description: `Of the last attempt, any of these: ${EXCHANGE_ERROR_CODES.join(", ")}. Of failed jobs: of their errors`,
        example: ["timeout"],
      }),
    type: z
      .string()
      .regex(/^[a-zA-Z0-9_.-]{1,100}$/, "must be the name of a job type")
      .exactOptional()
      .meta({ description: "The type of the failed jobs", example: "csv.summary" }),
    since: timeParam.exactOptional().meta({ description: "Created at this time or later" }),
    until: timeParam.exactOptional().meta({ description: "Created before this time" }),
  })
  .meta({ description: "Deliveries that fit all of it; empty: every dead letter" });

type Filter = z.output<typeof replayFilter>;
type Refuse = (path: string[], message: string) => void;

/** The fields that only a delivery has. */
const OF_DELIVERIES = [
  "reason",
  "endpoint_id",
  "job_id",
  "event_type",
  "status_class",
  "status_code",
] as const;

function checkFilter(filter: Filter, jobs: boolean, refuse: Refuse): void {
  const kind = jobs ? "job" : "delivery";
  for (const [index, id] of filter.ids?.entries() ?? []) {
    if (parseId(kind, id) !== null) continue;
    refuse(["filter", "ids", String(index)], `must be an id of the form ${ID_PREFIXES[kind]}_…`);
  }
  if (jobs) {
    for (const name of OF_DELIVERIES) {
      if (filter[name] !== undefined) refuse(["filter", name], "is of deliveries, not of jobs");
    }
    if (filter.status !== undefined && filter.status !== "failed") {
      refuse(["filter", "status"], "must be failed, with the target jobs");
    }
    return;
  }
  if (filter.type !== undefined) refuse(["filter", "type"], "is of jobs: the target must be jobs");
  if (filter.status === "failed") refuse(["filter", "status"], "is of jobs");
  if (filter.reason !== undefined && (filter.status ?? "dead") !== "dead") {
    refuse(["filter", "reason"], "only dead deliveries have a reason");
  }
  const known: readonly string[] = EXCHANGE_ERROR_CODES;
  const unknown = filter.error_code?.find((code) => !known.includes(code));
  if (unknown !== undefined) {
    refuse(["filter", "error_code"], `${unknown} is none of ${known.join(", ")}`);
  }
}

const pace = z
  .strictObject({
    per_s: z.number().min(0.01).max(10_000).meta({ description: "At most so many a second" }),
    ramp_s: z.int().min(0).max(86_400).default(0).meta({
      description: "Seconds over which the pace rises to that, from 1 a second",
    }),
  })
  .meta({ id: "ReplayPace", example: { per_s: 50, ramp_s: 60 } });

const canary = z
  .strictObject({
    count: z.int().min(1).max(1_000).meta({ description: "How many are sent first" }),
    max_failed_percent: z.int().min(0).max(99).meta({
      description: "The rest is sent unless more of them than that fail again",
    }),
  })
  .meta({ id: "ReplayCanary", example: { count: 10, max_failed_percent: 20 } });

const destination = z
  .strictObject({
    endpoint_id: idParam("endpoint").exactOptional(),
    url: urlInput.exactOptional(),
  })
  .refine(({ endpoint_id, url }) => (endpoint_id === undefined) !== (url === undefined), {
    error: "must have exactly one of endpoint_id and url",
  })
  .meta({
    id: "ReplayDestination",
    description:
      "Copies go there: further deliveries of the same messages, each message once, and not where it was sent before. An endpoint's are signed with its own secret and key, a URL's as those of callbacks without own settings: with the secret of its origin. What is copied stays as it is.",
    example: { endpoint_id: exampleId("endpoint") },
  });

const SENDING = ["pace", "start_at", "canary", "destination"] as const;

export const replayInput = z
  .strictObject({
    target: z.enum(REPLAY_TARGETS).default("deliveries").meta({
      description:
        "`jobs`: failed jobs run again, each as a new job with the same input, callbacks and metadata, whose `retry_of` names it. One that was retried before is left out.",
    }),
    filter: replayFilter,
    dry_run: z.boolean().default(false).meta({ description: "Count only" }),
    action: z.enum(REPLAY_ACTIONS).default("replay").meta({
      description:
        "`discard`: dead letters leave the inbox. They stay dead and in the books, with the note; a replay by their ids sends them after all. `cancel`: pending deliveries are not sent; `filter.status` must be `pending`.",
    }),
    order: z.enum(REPLAY_ORDERS).default("oldest_first"),
    pace: pace.exactOptional(),
    start_at: timeParam.exactOptional().meta({
      description: "Nothing is sent before. What matches is decided now all the same.",
    }),
    canary: canary.exactOptional(),
    destination: destination.exactOptional(),
    note: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .exactOptional()
      .meta({ description: "Why they are discarded; required then" }),
  })
  .superRefine((wanted, context) => {
    const { action, note, filter, target } = wanted;
    const refuse: Refuse = (path, message) => context.addIssue({ code: "custom", path, message });
    checkFilter(filter, target === "jobs", refuse);
    if (action === "discard" && note === undefined) refuse(["note"], "says why; discard needs it");
    if (action !== "discard" && note !== undefined) refuse(["note"], "goes with discard only");
    if (target === "jobs" && wanted.destination !== undefined) {
      refuse(["destination"], "is for deliveries, not for jobs");
    }
    if (action === "replay" && filter.status !== "pending") return;
    for (const name of SENDING) {
      if (wanted[name] !== undefined) refuse([name], "goes with the action replay only");
    }
    if (target === "jobs") return refuse(["action"], "must be replay, with the target jobs");
    if ((action === "cancel") !== (filter.status === "pending")) {
      refuse(["filter", "status"], "must be pending to cancel, and only then");
    }
    if (action === "discard" && (filter.status ?? "dead") !== "dead") {
      refuse(["filter", "status"], "only dead letters can be discarded");
    }
  })
  .meta({
    id: "ReplayInput",
    example: {
      filter: { reason: "exhausted", status_class: ["5xx"], since: "2026-11-20T00:00:00Z" },
      pace: { per_s: 50, ramp_s: 60 },
      canary: { count: 10, max_failed_percent: 20 },
    },
  });

const idTextOfEither = z.union([idText("delivery"), idText("job")]);

export const replay = z
  .strictObject({
    id: idText("replay"),
    action: z.enum(ALL_REPLAY_ACTIONS).meta({
      description:
        "`send_missed`: messages that an endpoint did not get, as it was disabled, are sent to it",
    }),
    target: z.enum(REPLAY_TARGETS),
    note: z.string().nullable(),
    status: z.enum(REPLAY_STATUSES).meta({
      description:
        "`stopped`: its canary failed, or the endpoint that it sends to was disabled or deleted",
    }),
    stopped_reason: z.string().nullable().meta({
      example: "7 of 10 failed again: 5 × HTTP 500, 2 × timeout",
    }),
    filter: z.strictObject({
      ids: z.array(idTextOfEither).optional(),
      status: z.enum([...REPLAYED_STATUSES, "skipped"]),
      reason: z.enum(DEAD_REASONS).optional(),
      endpoint_id: idText("endpoint").nullable().optional(),
      job_id: idText("job").optional(),
      event_type: z.string().optional(),
      status_class: z.array(z.enum(STATUS_CLASSES)).optional(),
      status_code: z.array(z.int()).optional(),
      error_code: z.array(z.string()).optional(),
      type: z.string().optional(),
      since: timeText.optional(),
      until: timeText.optional(),
    }),
    dry_run: z.boolean(),
    order: z.enum(REPLAY_ORDERS),
    pace: z.strictObject({ per_s: z.number(), ramp_s: z.int() }).nullable(),
    start_at: timeText.nullable(),
    destination: z
      .strictObject({ endpoint_id: idText("endpoint").optional(), url: z.string().optional() })
      .nullable(),
    canary: z
      .strictObject({
        count: z.int(),
        max_failed_percent: z.int(),
        passed_at: timeText.nullable().meta({ description: "Null: not yet" }),
      })
      .nullable(),
    matched: z.int(),
    matched_exact: z.boolean().meta({
      description:
        "False: that many at least, as there were more than can be counted at once; exact at the end",
    }),
    left_out: z
      .array(
        z.strictObject({
          reason: z.enum(["endpoint_disabled", "endpoint_deleted"]),
          endpoint_id: idText("endpoint").nullable().meta({ description: "Null: of many others" }),
          count: z.int(),
        }),
      )
      .meta({
        description:
          "What fits the filter and is not sent, as its endpoint takes nothing; as counted at first. It is sent when the endpoint is enabled before the replay gets there.",
      }),
    replayed: z.int().meta({ description: "Sent again, discarded or canceled" }),
    created_at: timeText,
    finished_at: timeText.nullable(),
  })
  .meta({ id: "Replay" });

export const replayReport = z
  .strictObject({
    replay_id: idText("replay"),
    target: z.enum(REPLAY_TARGETS),
    replayed: z.int().meta({ description: "What the replay has sent again so far" }),
    counted: z.int().meta({ description: "How many of these the report has looked at" }),
    states: z
      .array(
        z.strictObject({
          status: z.string().meta({
            description: "Of the delivery or job now; `removed`: by retention",
            example: "dead",
          }),
          reason: z.enum(DEAD_REASONS).nullable(),
          status_code: z.int().nullable().meta({
            description: "Of the last attempt since the replay",
          }),
          error_code: z.string().nullable(),
          count: z.int(),
        }),
      )
      .meta({ description: "The most first" }),
  })
  .meta({ id: "ReplayReport" });

export const reportQuery = z.strictObject({
  format: z.enum(["json", "csv"]).optional().meta({
    description: "In place of `Accept`: `csv` lists each delivery or job",
  }),
});

/** Bodies of answers. */
export type ReplayBody = z.input<typeof replay>;
export type ReplayReportBody = z.input<typeof replayReport>;
