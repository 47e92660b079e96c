import { z } from "zod";
import { ENDPOINT_DEFAULTS } from "../../core/endpoint.ts";
import type { EndpointSettings } from "../../core/endpoint.ts";
import { BREAKER_STATES } from "../../core/breaker.ts";
import {
  DISABLED_REASONS,
  ENDPOINT_SORTS,
  ENDPOINT_STATES,
  ENDPOINT_STATUSES,
} from "../../core/endpoint.ts";
import {
  allOptional,
  eventsText,
  idText,
  pageQuery,
  timeParam,
  timeText,
  withDefaults,
} from "./common.ts";
import { AUDIENCES, OPERATIONAL_FORMATS } from "../../core/operational-events.ts";
import {
  deliveryTimeout,
  disableAfter,
  finalStatus,
  giveUpAfter,
  headersInput,
  headersText,
  MAX_EVENTS,
  retryInput,
  retryPolicy,
  SECRET_FORM,
  secretInput,
  signatureVersions,
  urlInput,
} from "./receiver.ts";

export const secretText = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/)
  .meta({ description: "`whsec_` and base64", example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });

/** Each setting as requests give it, with its bounds. */
const given = {
  url: urlInput,
  description: z.string().max(500),
  events: z
    .array(z.string())
    .max(MAX_EVENTS)
    .meta({ description: eventsText, example: ["job.completed", "invoice.paid"] }),
  headers: headersInput,
  ordered: z
    .boolean()
    .meta({ description: "One delivery at a time, each after the one before it has ended" }),
  max_in_flight: z.int().min(1).max(100).meta({ description: "Deliveries under way at once" }),
  rate_limit_per_s: z.number().min(0.01).max(10_000).nullable(),
  timeout_s: deliveryTimeout,
  retry: retryInput,
  final_status: finalStatus,
  give_up_after_s: giveUpAfter,
  disable_after_s: disableAfter,
  signatures: signatureVersions,
  audience: z.enum(AUDIENCES).meta({
    description:
      "`account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else.",
  }),
  format: z.enum(OPERATIONAL_FORMATS).meta({
    description:
      "The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it",
  }),
} satisfies Record<Exclude<keyof EndpointSettings, "sealed_headers"> | "headers", z.ZodType>;

export const endpointInput = z
  .strictObject({
    ...withDefaults(given, { ...ENDPOINT_DEFAULTS, retry: {}, headers: {} }),
    secret: secretInput.exactOptional().meta({ description: `${SECRET_FORM}; made when left out` }),
  })
  .meta({
    id: "EndpointInput",
    example: {
      url: "https://example.com/hooks",
      description: "Order system",
      events: ["job.completed", "job.failed"],
      max_in_flight: 5,
    },
  });

const unchanged = allOptional(given);

export const endpointChanges = z
  .strictObject({
    ...unchanged,
    headers: unchanged.headers.meta({
      description:
        "Replaces all headers. A value of `[redacted]`, as shown by GET, keeps the present one.",
    }),
    retry: unchanged.retry.meta({
      description:
        "What is left out keeps its present value; `delays_s` and the other fields replace each other",
    }),
  })
  .meta({ id: "EndpointChanges", example: { description: "Order system, Berlin" } });

const endpointFields = {
  id: idText("endpoint"),
  ...given,
  url: z.string(),
  events: z.array(z.string()).meta({ description: "Empty: all but `job.progress`" }),
  headers: headersText,
  retry: retryPolicy,
  status: z.enum(ENDPOINT_STATUSES).meta({
    description:
      "How it is. `healthy`: sent to. `failing`: its breaker is not closed, or it has failed again and again. `paused`, `disabled`: as `state`.",
  }),
  state: z.enum(ENDPOINT_STATES).meta({
    description:
      "How it was set, by pause, resume, enable or disable, by an answer 410, or after failures for days; `status` tells how it is",
  }),
  state_since: timeText.meta({ description: "When `state` changed last" }),
  disabled_reason: z.enum(DISABLED_REASONS).nullable().meta({
    description:
      "`gone`: it answered 410. `failing`: nothing succeeded for `disable_after_s`. `admin`: by a request",
  }),
  health: z
    .strictObject({
      since: timeText.nullable().meta({ description: "Since when it is failing or disabled" }),
      failures_in_row: z.int(),
      last_success_at: timeText.nullable().meta({ description: "To the minute" }),
      last_failure: z
        .strictObject({
          at: timeText,
          status_code: z.int().nullable(),
          error_code: z.string().nullable(),
        })
        .nullable(),
      disable_at: timeText.nullable().meta({
        description: "When a failing endpoint is disabled, unless it succeeds before",
      }),
    })
    .meta({ id: "EndpointHealth" }),
  skipped: z
    .strictObject({ count: z.int(), since: timeText.nullable() })
    .meta({ id: "SkippedMessages", description: "What it did not get, as it was disabled" }),
  breaker: z
    .strictObject({
      state: z.enum(BREAKER_STATES).meta({
        description:
          "`closed`: sending. `open`: everything is held back. `half_open`: the next attempt is a probe.",
      }),
      failures: z.int().meta({ description: "Attempts that failed in a row" }),
      since: timeText.nullable().meta({ description: "Since when it has not been closed" }),
      until: timeText.nullable().meta({ description: "When the next probe is sent" }),
      reason: z.string().nullable(),
    })
    .meta({ id: "Breaker" }),
  created_at: timeText,
  updated_at: timeText,
};

export const endpoint = z.strictObject(endpointFields).meta({ id: "Endpoint" });

const shortCount = z.strictObject({
  count: z.int(),
  more: z.boolean().meta({ description: "There are more: counting stops at 1,000" }),
});

export const endpointFigures = z
  .strictObject({
    pending: shortCount,
    dead_letters: shortCount,
    delivered: z.int().meta({ description: "In the last 24 hours, as the figures below" }),
    dead: z.int(),
    success_rate: z
      .number()
      .nullable()
      .meta({ description: "delivered / (delivered + dead); null: none has ended" }),
    response_p90_ms: z
      .number()
      .nullable()
      .meta({ description: "Nine of ten attempts took no longer; null: none was made" }),
  })
  .meta({ id: "EndpointFigures" });

export const listedEndpoint = z
  .strictObject({
    ...endpointFields,
    figures: endpointFigures.exactOptional().meta({ description: "With `figures=true`" }),
  })
  .meta({ id: "ListedEndpoint" });

export const endpointsQuery = z.strictObject({
  sort: z.enum(ENDPOINT_SORTS).default("created").meta({
    description:
      "`created`: newest first. `worst`: failing, disabled and paused ones first, then those whose last attempts failed; within each, those with most pending deliveries and dead letters first. Pages of `worst` shift while things change.",
    example: "worst",
  }),
  status: z.enum(ENDPOINT_STATUSES).optional(),
  q: z.string().trim().min(1).max(200).optional().meta({
    description: "Part of the description or the URL, in whatever case",
    example: "orders",
  }),
  figures: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .meta({ description: "With figures of each", example: "true" }),
  ...pageQuery,
});

export type EndpointFiguresBody = z.input<typeof endpointFigures>;
/** An endpoint as answers show it. */
export type EndpointBody = z.input<typeof endpoint>;

export const endpointWithSecret = z
  .strictObject({ ...endpointFields, secret: secretText })
  .meta({ id: "EndpointWithSecret" });

export const overlap = z.int().min(0).max(604_800).default(86_400).meta({
  description: "Seconds for which the previous secret goes on signing as well",
});

export const rotation = z
  .strictObject({
    overlap_s: overlap,
    secret: secretInput.exactOptional().meta({ description: `${SECRET_FORM}; made when left out` }),
  })
  .meta({ id: "Rotation", example: { overlap_s: 86_400 } });

export const sendMissedInput = z
  .strictObject({
    since: timeParam.exactOptional().meta({
      description: "Messages created at this time or later; since the first it missed by default",
    }),
    dry_run: z.boolean().default(false).meta({ description: "Count only" }),
  })
  .meta({ id: "SendMissedInput", example: { dry_run: true } });

export const previousExpiry = timeText.nullable().meta({
  description: "Until when the previous secret signs as well; null when none does",
});

export const secretOutput = z
  .strictObject({ secret: secretText, previous_expires_at: previousExpiry })
  .meta({ id: "Secret" });

export const rotatedSecret = z
  .strictObject({ secret: secretText, previous_expires_at: timeText })
  .meta({ id: "RotatedSecret" });

/** The body of an answer. */
export type SecretBody = z.input<typeof secretOutput>;
