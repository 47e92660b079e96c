import { z } from "zod";
import { SIGNATURE_VERSIONS } from "../../core/model.ts";
import { eventsText, idText, timeText } from "./common.ts";
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

const fields = {
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
};

export const endpointInput = z
  .strictObject({
    url: fields.url,
    description: fields.description.default(""),
    events: fields.events.default([]),
    headers: fields.headers.default({}),
    ordered: fields.ordered.default(false),
    max_in_flight: fields.max_in_flight.default(10),
    rate_limit_per_s: fields.rate_limit_per_s.default(null),
    timeout_s: fields.timeout_s.default(15),
    retry: fields.retry.default({}),
    signatures: fields.signatures.default([...SIGNATURE_VERSIONS]),
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

export const endpointChanges = z
  .strictObject({
    url: fields.url.exactOptional(),
    description: fields.description.exactOptional(),
    events: fields.events.exactOptional(),
    headers: fields.headers.exactOptional().meta({
      description:
        "Replaces all headers. A value of `[redacted]`, as shown by GET, keeps the present one.",
    }),
    ordered: fields.ordered.exactOptional(),
    max_in_flight: fields.max_in_flight.exactOptional(),
    rate_limit_per_s: fields.rate_limit_per_s.exactOptional(),
    timeout_s: fields.timeout_s.exactOptional(),
    retry: fields.retry
      .exactOptional()
      .meta({ description: "What is left out keeps its present value" }),
    signatures: fields.signatures.exactOptional(),
  })
  .meta({ id: "EndpointChanges", example: { description: "Order system, Berlin" } });

const endpointFields = {
  id: idText("endpoint"),
  url: z.string(),
  description: z.string(),
  events: z.array(z.string()).meta({ description: "Empty: all" }),
  headers: headersText,
  ordered: z.boolean(),
  max_in_flight: z.int(),
  rate_limit_per_s: z.number().nullable(),
  timeout_s: z.number(),
  retry: retryPolicy,
  signatures: z.array(z.enum(SIGNATURE_VERSIONS)),
  state: z.enum(["active", "paused", "disabled"]),
  disabled_reason: z.string().nullable(),
  lane: z
    .strictObject({
      state: z.enum(["closed", "open", "half_open", "paused", "disabled"]).meta({
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
