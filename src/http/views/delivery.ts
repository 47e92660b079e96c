import { formatId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { parseExactly } from "../../core/json-text.ts";
import type { Attempt, Delivery, ListedMessage, Message } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import type { Skip } from "../../core/skipped.ts";
import type {
  AttemptBody,
  DeliveryBody,
  ListedMessageBody,
  MessageBody,
  SkippedBody,
} from "../schemas/delivery.ts";
import { idOrNull, isoTime } from "./common.ts";
import type { ShownDelivery } from "./held.ts";

/** @param delivery with why it waits, when that was looked up */
export function deliveryView(delivery: Delivery & Partial<ShownDelivery>): DeliveryBody {
  return {
    id: formatId("delivery", delivery.id),
    message_id: formatId("message", delivery.message_id),
    job_id: idOrNull("job", delivery.job_id),
    event_type: delivery.event_type,
    endpoint_id: idOrNull("endpoint", delivery.endpoint_id),
    endpoint_description: delivery.endpoint_description,
    url: delivery.url,
    status: delivery.status,
    attempt_count: delivery.attempt_count,
    last_status_code: delivery.last_status_code,
    last_error_code: delivery.last_error_code,
    next_attempt_at: isoTime(delivery.next_attempt_at),
    held: delivery.held ?? null,
    created_at: isoTime(delivery.created_at),
    finished_at: isoTime(delivery.finished_at),
    dead_reason: delivery.dead_reason,
    dead_detail: delivery.dead_detail,
    discarded:
      delivery.discarded_at === null
        ? null
        : {
            at: isoTime(delivery.discarded_at),
            by: formatId("key", delivery.discarded_by!),
            note: delivery.discard_note!,
          },
  };
}

export function attemptView(attempt: Attempt): AttemptBody {
  return {
    id: formatId("attempt", attempt.id),
    number: attempt.number,
    url: attempt.url,
    remote_address: attempt.remote_address,
    started_at: isoTime(attempt.started_at),
    duration_ms: attempt.duration_ms,
    status_code: attempt.status_code,
    error_code: attempt.error_code,
    error_message: attempt.error_message,
    request_headers: attempt.request_headers,
    response_headers:
      attempt.response_headers === null ? null : redactHeaders(attempt.response_headers),
    response_body: attempt.response_body,
    response_truncated: attempt.response_truncated,
    manual: attempt.manual,
  };
}

/** The most deliveries of a message in one answer; the list of deliveries has all. */
export const MAX_SHOWN = 1_000;

export function messageView(
  message: Message,
  deliveries: readonly (Delivery & Partial<ShownDelivery>)[],
): MessageBody {
  return { ...headView(message), body: message.body, deliveries: deliveries.map(deliveryView) };
}

export function listedMessageView(message: ListedMessage): ListedMessageBody {
  const { body_bytes, excerpt, counts } = message;
  return { ...headView(message), body_bytes, excerpt, deliveries: counts };
}

function headView(message: Omit<Message, "body">) {
  return {
    id: formatId("message", message.id),
    type: message.type,
    job_id: idOrNull("job", message.job_id),
    timestamp: isoTime(message.created_at),
    // numbers keep their digits
    metadata: parseExactly(message.metadata) as Record<string, unknown>,
    request_id: message.request_id,
  };
}

/** An endpoint that has no delivery of a message. */
export function skippedView(endpoint: Endpoint, { reason, detail }: Skip): SkippedBody {
  const { id, description, url } = endpoint;
  return { endpoint_id: formatId("endpoint", id), description, url, reason, detail };
}
