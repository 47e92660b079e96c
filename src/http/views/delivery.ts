import { formatId } from "../../core/ids.ts";
import type { Attempt, Delivery, Message } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import type { AttemptBody, DeliveryBody, MessageBody } from "../schemas/delivery.ts";
import { idOrNull, isoTime } from "./common.ts";

export function deliveryView(delivery: Delivery): DeliveryBody {
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

export function messageView(message: Message, deliveries: readonly Delivery[]): MessageBody {
  return {
    id: formatId("message", message.id),
    type: message.type,
    job_id: idOrNull("job", message.job_id),
    timestamp: isoTime(message.created_at),
    body: message.body,
    deliveries: deliveries.map(deliveryView),
  };
}
