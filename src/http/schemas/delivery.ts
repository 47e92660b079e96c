import { z } from "zod";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import { DEAD_REASONS, DELIVERY_STATUSES, STATUS_CLASSES } from "../../core/model.ts";
import {
  eventTypeText,
  idParam,
  idText,
  jsonObject,
  listParam,
  pageQuery,
  timeRangeQuery,
  timeText,
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
  next_attempt_at: timeText.nullable(),
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
  status: listParam(z.enum(DELIVERY_STATUSES)),
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
  by: z.enum(["reason", "endpoint"]),
  ...deadLettersFilter,
});

export const deadLetterGroup = z
  .strictObject({
    reason: z.enum(DEAD_REASONS).nullable(),
    endpoint_id: idText("endpoint").nullable(),
    endpoint_description: endpointDescription,
    endpoint_url: z.string().nullable(),
    count: z.int(),
    more: z.boolean().meta({ description: "There are more: counting stops at 10,000" }),
    oldest_at: timeText.meta({ description: "Of those that were counted, the newest first" }),
    newest_at: timeText,
  })
  .meta({ id: "DeadLetterGroup" });

export const messageInput = z
  .strictObject({
    type: eventTypeText,
    data: jsonObject.meta({
      description: "The `data` of the webhook, as posted but for whitespace between tokens",
    }),
  })
  .meta({
    id: "MessageInput",
    example: { type: "invoice.paid", data: { invoice: "I-2026-17", amount: 4200 } },
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

export const message = z
  .strictObject({
    id: idText("message"),
    type: z.string(),
    job_id: idText("job").nullable(),
    timestamp: timeText,
    body: z.string().meta({ description: "The exact text that is signed and sent" }),
    deliveries: z.array(delivery),
  })
  .meta({ id: "Message" });

/** Bodies of answers. */
export type AttemptBody = z.input<typeof attempt>;
export type DeliveryBody = z.input<typeof delivery>;
export type MessageBody = z.input<typeof message>;
export type DeadLetterGroupBody = z.input<typeof deadLetterGroup>;
