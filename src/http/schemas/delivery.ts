import { z } from "zod";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import { DEAD_REASONS, DELIVERY_STATUSES } from "../../core/model.ts";
import {
  eventTypeText,
  idParam,
  idText,
  jsonObject,
  pageQuery,
  timeRangeQuery,
  timeText,
} from "./common.ts";
import { headersText } from "./receiver.ts";

const attempt = z
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
    request_headers: headersText,
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
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempt_count: z.int(),
  next_attempt_at: timeText.nullable(),
  created_at: timeText,
  finished_at: timeText.nullable(),
  dead_reason: z.enum(DEAD_REASONS).nullable(),
  dead_detail: z.string().nullable(),
};

export const delivery = z.strictObject(deliveryFields).meta({ id: "Delivery" });

export const deliveryWithAttempts = z
  .strictObject({ ...deliveryFields, attempts: z.array(attempt) })
  .meta({ id: "DeliveryWithAttempts" });

export const deliveriesQuery = z.strictObject({
  status: z.enum(DELIVERY_STATUSES).optional(),
  endpoint_id: idParam("endpoint").optional(),
  job_id: idParam("job").optional(),
  message_id: idParam("message").optional(),
  event_type: eventTypeText.optional(),
  ...timeRangeQuery,
  ...pageQuery,
});

export const deadLettersQuery = z.strictObject({
  reason: z.enum(DEAD_REASONS).optional(),
  endpoint_id: idParam("endpoint").optional(),
  job_id: idParam("job").optional(),
  event_type: eventTypeText.optional(),
  ...timeRangeQuery,
  ...pageQuery,
});

export const messageInput = z
  .strictObject({
    type: eventTypeText,
    data: jsonObject.meta({ description: "The `data` of the webhook" }),
  })
  .meta({
    id: "MessageInput",
    example: { type: "invoice.paid", data: { invoice: "I-2026-17", amount: 4200 } },
  });

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
