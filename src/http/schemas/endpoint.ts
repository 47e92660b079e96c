import { z } from "zod";
import { ENDPOINT_DEFAULTS } from "../../core/endpoint.ts";
import type { EndpointSettings } from "../../core/endpoint.ts";
import { ENDPOINT_SORTS, ENDPOINT_STATES, LANE_STATUSES } from "../../core/endpoint.ts";
import { LANE_STATES } from "../../core/model.ts";
import { allOptional, eventsText, idText, pageQuery, timeText, withDefaults } from "./common.ts";
import {
  deliveryTimeout,
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
  signatures: signatureVersions,
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
    retry: unchanged.retry.meta({ description: "What is left out keeps its present value" }),
  })
  .meta({ id: "EndpointChanges", example: { description: "Order system, Berlin" } });

const endpointFields = {
  id: idText("endpoint"),
  ...given,
  url: z.string(),
  events: z.array(z.string()).meta({ description: "Empty: all but `job.progress`" }),
  headers: headersText,
  retry: retryPolicy,
  state: z.enum(ENDPOINT_STATES),
  disabled_reason: z.string().nullable(),
  lane: z
    .strictObject({
      state: z.enum(LANE_STATUSES).meta({
        description:
          "`closed`: sending. `open`: the breaker holds everything back. `half_open`: the next attempt is a probe.",
      }),
      reason: z.string().nullable(),
      until: timeText.nullable(),
    })
    .meta({ id: "LaneStatus" }),
  created_at: timeText,
  updated_at: timeText,
};

export const endpoint = z.strictObject(endpointFields).meta({ id: "Endpoint" });

const shortCount = z.strictObject({
  count: z.int(),
  more: z.boolean().meta({ description: "There are more: counting stops at 1,000" }),
});

export const endpointHealth = z
  .strictObject({
    pending: shortCount,
    dead_letters: shortCount,
    last_success_at: timeText.nullable().meta({
      description: "To the minute; null: none in the last 7 days",
    }),
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
  .meta({ id: "EndpointHealth" });

export const listedEndpoint = z
  .strictObject({
    ...endpointFields,
    health: endpointHealth.exactOptional().meta({ description: "With `health=true`" }),
  })
  .meta({ id: "ListedEndpoint" });

export const endpointsQuery = z.strictObject({
  sort: z.enum(ENDPOINT_SORTS).default("created").meta({
    description:
      "`created`: newest first. `worst`: broken, disabled and paused ones first, then those whose last attempts failed; within each, those with most pending deliveries and dead letters first. Pages of `worst` shift while things change.",
    example: "worst",
  }),
  state: z.enum(LANE_STATES).optional().meta({ description: "`broken`: the breaker is open" }),
  q: z.string().trim().min(1).max(200).optional().meta({
    description: "Part of the description or the URL, in whatever case",
    example: "orders",
  }),
  health: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .meta({ description: "With figures of each", example: "true" }),
  ...pageQuery,
});

export type EndpointHealthBody = z.input<typeof endpointHealth>;
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
