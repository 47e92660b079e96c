import { z } from "zod";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import { HELD_REASONS } from "../../core/held.ts";
import { DEAD_REASONS, DELIVERY_STATUSES, STATUS_CLASSES } from "../../core/model.ts";
import { SKIP_REASONS } from "../../core/skipped.ts";
import {
  cappedCount,
  eventTypeText,
  exampleId,
  idParam,
  idText,
  jsonObject,
  listParam,
  metadataParam,
  MAX_METADATA_BYTES,
  pageOf,
  pageQuery,
  timeRangeQuery,
  timeText,
  typesParam,
} from "./common.ts";
import { problem } from "./problem.ts";
import { endpointDescription, headersText } from "./receiver.ts";

/** How many attempts are shown with a delivery. */
export const SHOWN_ATTEMPTS = 50;

export const attempt = z
  .strictObject({
    id: idText("attempt"),
    number: z.int(),
    url: z.string(),
    remote_address: z.string().nullable().meta({ description: "The address that was dialled" }),
    started_at: timeText,
    duration_ms: z.number(),
    status_code: z.int().nullable(),
    error_code: z.enum(EXCHANGE_ERROR_CODES).nullable(),
    error_message: z.string().nullable(),
    request_headers: z.record(z.string(), z.string()).meta({
      description: "As sent; of custom headers the names alone, with `[redacted]` for each value",
    }),
    response_headers: headersText.nullable(),
    response_body: z.string().nullable().meta({ description: "The first 16 KiB" }),
    response_truncated: z.boolean(),
    manual: z.boolean().meta({ description: "Ordered by a replay" }),
  })
  .meta({ id: "Attempt" });

const held = z
  .strictObject({
    reason: z.enum(HELD_REASONS).meta({
      description:
        "`paused`, `disabled`: the endpoint is. `breaker_open`: the receiver failed many times in a row. `order`: another delivery is before it. `rate_limit`, `in_flight`: limits of the endpoint. `waiting_for_process`: no process has got to it.",
    }),
    since: timeText.nullable().meta({ description: "Since when that is so" }),
    until: timeText.nullable().meta({
      description:
        "When what holds it back is tried again: the next probe (`breaker_open`), the next attempt of the one before it (`order`), the next send (`rate_limit`); null: unknown",
    }),
    detail: z.string().meta({ example: "HTTP 500, 12 failures in a row" }),
    waiting: cappedCount.optional().meta({
      description: "How many are pending for the same receiver, with this one; not in lists",
    }),
  })
  .meta({ id: "Held" });

const deliveryFields = {
  id: idText("delivery"),
  message_id: idText("message"),
  job_id: idText("job").nullable(),
  event_type: z.string(),
  endpoint_id: idText("endpoint").nullable(),
  endpoint_description: endpointDescription,
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempt_count: z.int(),
  last_status_code: z.int().nullable().meta({ description: "Of the last attempt" }),
  last_error_code: z.enum(EXCHANGE_ERROR_CODES).nullable(),
  next_attempt_at: timeText.nullable().meta({
    description: "When it is due by its schedule; it waits longer while it is `held`",
  }),
  held: held.nullable().meta({
    description:
      "Why it is pending although its own schedule lets it go; null: it is not held, or not pending",
  }),
  created_at: timeText,
  finished_at: timeText.nullable(),
  dead_reason: z.enum(DEAD_REASONS).nullable(),
  dead_detail: z.string().nullable(),
  discarded: z
    .strictObject({ at: timeText, by: idText("key"), note: z.string() })
    .nullable()
    .meta({ description: "Taken out of the inbox of dead letters, by the holder of this API key" }),
};

export const delivery = z.strictObject(deliveryFields).meta({ id: "Delivery" });

export const deliveryWithAttempts = z
  .strictObject({
    ...deliveryFields,
    attempts_cursor: z.string().nullable().meta({
      description: "Leads to older ones: a `cursor` of the list of attempts; null: these are all",
    }),
    attempts: z.array(attempt).meta({ description: "The last ones, in order of their numbers" }),
  })
  .meta({ id: "DeliveryWithAttempts" });

export const deliveriesQuery = z.strictObject({
  status: listParam(
    z.enum([...DELIVERY_STATUSES, "held"]),
    "`held`, by itself: those pending ones that a pause or an open breaker holds back (`paused`, `breaker_open`)",
  ),
  not_status: listParam(z.enum(DELIVERY_STATUSES), "None of these"),
  endpoint_id: listParam(idParam("endpoint")),
  job_id: idParam("job").optional(),
  message_id: idParam("message").optional(),
  event_type: listParam(eventTypeText),
  not_event_type: listParam(eventTypeText, "None of these"),
  status_class: listParam(
    z.enum(STATUS_CLASSES),
    "Of the last attempt; `error`: it got no usable answer",
  ),
  error_code: listParam(z.enum(EXCHANGE_ERROR_CODES), "Of the last attempt"),
  min_attempts: z.coerce.number().int().min(1).max(10_000).optional().meta({ example: 2 }),
  ...timeRangeQuery,
  ...pageQuery,
});

const deadLettersFilter = {
  reason: z.enum(DEAD_REASONS).optional(),
  endpoint_id: idParam("endpoint").optional(),
  job_id: idParam("job").optional(),
  event_type: eventTypeText.optional(),
  status_code: z.coerce.number().int().min(100).max(599).optional().meta({
    description: "Of the attempt after which they were given up",
    example: 500,
  }),
  error_code: z.enum(EXCHANGE_ERROR_CODES).optional().meta({ description: "Of that attempt" }),
  ...timeRangeQuery,
};

export const deadLettersQuery = z.strictObject({
  ...deadLettersFilter,
  discarded: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .meta({ description: "Those that were discarded instead", example: "false" }),
  ...pageQuery,
});

export const deadLetterGroupsQuery = z.strictObject({
  by: z.enum(["reason", "endpoint", "cause"]).meta({
    description:
      "`cause`: by endpoint, reason and how the last attempt ended; filtered by `endpoint_id` only",
  }),
  ...deadLettersFilter,
});

export const deadLetterGroup = z
  .strictObject({
    reason: z.enum(DEAD_REASONS).nullable(),
    endpoint_id: idText("endpoint").nullable(),
    endpoint_name: z.string().nullable().meta({
      description: "Its description, or else its URL, as it is or was when it was deleted",
    }),
    endpoint_deleted: z.boolean(),
    status_code: z.int().nullable().meta({
      description: "With `by=cause`: of the attempt after which they were given up",
    }),
    error_code: z.enum(EXCHANGE_ERROR_CODES).nullable(),
    sample: z.string().nullable().meta({
      description: "With `by=cause`: how the receiver's answer to the newest one begins",
      example: "invalid_token",
    }),
    last_success_at: timeText.nullable().meta({
      description: "With `by=cause`: when the endpoint last took a delivery, to the minute",
    }),
    count: z.int(),
    more: z.boolean().meta({ description: "There are more: counting stops at 10,000" }),
    oldest_at: timeText.meta({ description: "Of those that were counted, the newest first" }),
    newest_at: timeText,
  })
  .meta({ id: "DeadLetterGroup" });

const messageMetadata = jsonObject.meta({
  description: `Yours, to find it by; not sent. At most ${MAX_METADATA_BYTES / 1024} KiB, whitespace between tokens aside.`,
});

export const messageInput = z
  .strictObject({
    type: eventTypeText,
    data: jsonObject.meta({
      description: "The `data` of the webhook, as posted but for whitespace between tokens",
    }),
    metadata: messageMetadata.exactOptional(),
  })
  .meta({
    id: "MessageInput",
    example: {
      type: "invoice.paid",
      data: { invoice: "I-2026-17", amount: 4200 },
      metadata: { customer: "C-77" },
    },
  });

export const messageLine = z
  .strictObject({
    ...messageInput.shape,
    idempotency_key: z
      .string()
      .regex(/^[ -~]{1,255}$/, "must be 1 to 255 ASCII characters")
      .optional()
      .meta({
        description:
          "The line with the same key again answers as the first time, for 24 hours, as an `Idempotency-Key` does",
      }),
  })
  .meta({
    id: "MessageLine",
    example: { type: "invoice.paid", data: { amount: 4200 }, idempotency_key: "I-2026-17" },
  });

export const messageLineAnswer = z
  .strictObject({
    line: z.int().meta({ description: "Counted from 1; empty lines are not counted" }),
    status: z.int().meta({ description: "202: published; else that of the problem", example: 202 }),
    id: idText("message").optional(),
    deliveries: z.int().optional().meta({ description: "How many endpoints it goes to" }),
    replayed: z
      .literal(true)
      .optional()
      .meta({ description: "This is the answer to an earlier line with the same key" }),
    problem: problem.optional(),
  })
  .meta({ id: "MessageLineAnswer" });

const messageFields = {
  id: idText("message"),
  type: z.string(),
  job_id: idText("job").nullable(),
  timestamp: timeText,
  metadata: jsonObject,
  request_id: z.string().meta({ description: "Of the request that published it" }),
};

export const message = z
  .strictObject({
    ...messageFields,
    body: z.string().meta({ description: "The exact text that is signed and sent" }),
    deliveries: z.array(delivery),
  })
  .meta({ id: "Message" });

const skipped = z
  .strictObject({
    endpoint_id: idText("endpoint"),
    description: z.string(),
    url: z.string(),
    reason: z.enum(SKIP_REASONS),
    detail: z.string(),
  })
  .meta({ id: "SkippedEndpoint" });

export const messageWithSkipped = z
  .strictObject({
    ...message.shape,
    skipped: z.array(skipped).nullable().meta({
      description:
        "Endpoints that have no delivery of it, and why, as far as their settings of today tell; null: it has too many receivers to tell",
    }),
  })
  .meta({ id: "MessageWithSkipped" });

const listedMessage = z
  .strictObject({
    ...messageFields,
    body_bytes: z.int(),
    excerpt: z
      .string()
      .nullable()
      .meta({ description: "The body around the text that was looked for" }),
    deliveries: z
      .strictObject({
        pending: z.int(),
        delivered: z.int(),
        dead: z.int(),
        canceled: z.int(),
      })
      .meta({ description: "How many there are, counted up to a thousand" }),
  })
  .meta({ id: "ListedMessage" });

export const messagePage = z.strictObject({
  ...pageOf(listedMessage).shape,
  looked_until: timeText.nullable().meta({
    description:
      "Null: the page is as long as it can be. Else it looked at messages back to this time and found no more; `next_cursor` leads on, further back",
  }),
  without_receiver: z.array(z.string()).optional().meta({
    description:
      "Of a job: events that it has had and that nobody wanted, so that there is no message. A message may also have been removed by retention",
  }),
});

export const messagesQuery = z.strictObject({
  type: typesParam.optional(),
  job_id: idParam("job").optional(),
  endpoint_id: idParam("endpoint")
    .optional()
    .meta({ description: "Made for this endpoint", example: exampleId("endpoint") }),
  metadata: metadataParam.optional(),
  text: z.string().min(3).max(200).optional().meta({
    description:
      "Part of the body, exactly as it is sent. Looks at the last 24 hours unless `since` says otherwise; one page looks at a bounded number of messages and says how far it got",
    example: "A-10019",
  }),
  ...timeRangeQuery,
  ...pageQuery,
});

/** Bodies of answers. */
export type AttemptBody = z.input<typeof attempt>;
export type HeldBody = z.input<typeof held>;
export type DeliveryBody = z.input<typeof delivery>;
export type MessageBody = z.input<typeof message>;
export type SkippedBody = z.input<typeof skipped>;
export type ListedMessageBody = z.input<typeof listedMessage>;
export type DeadLetterGroupBody = z.input<typeof deadLetterGroup>;
