import { unpackHeaders } from "../core/attempt-headers.ts";
import { formatId } from "../core/ids.ts";
import type { Attempt } from "../core/model.ts";
import type { Reader } from "./transaction.ts";

interface Row extends Attempt {
  message_id: string;
  request_id: string;
  trace_id: string;
}

/** Every HTTP attempt of a delivery, the first first. */
export async function listAttempts(reader: Reader, deliveryId: string): Promise<Attempt[]> {
  const { rows } = await reader.query<Row>({
    name: "list_attempts",
    text: `select a.id, a.delivery_id, a.number, coalesce(a.url, d.url) as url, a.remote_address,
       a.started_at, a.duration_ms, a.status_code, a.error_code, a.error_message,
       a.request_headers::json as request_headers, a.response_headers::json as response_headers,
       a.response_body, a.response_truncated, a.manual, d.message_id, m.request_id, m.trace_id
     from attempts a join deliveries d on d.id = a.delivery_id join messages m on m.id = d.message_id
     where a.delivery_id = $1 order by a.number`,
    values: [deliveryId],
  });
  return rows.map(({ message_id, request_id, trace_id, ...attempt }) => ({
    ...attempt,
    request_headers: unpackHeaders(attempt.request_headers, {
      webhookId: formatId("message", message_id),
      requestId: request_id,
      traceId: trace_id,
      attemptId: attempt.id,
      number: attempt.number,
      startedAt: attempt.started_at,
    }),
  }));
}
