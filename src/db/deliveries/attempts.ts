import { unpackHeaders } from "../../core/attempt-headers.ts";
import { formatId } from "../../core/ids.ts";
import type { Attempt } from "../../core/model.ts";
import type { Reader } from "../transaction.ts";

interface AttemptRow extends Attempt {
  message_id: string;
  request_id: string;
  trace_id: string;
}

/**
 * The HTTP attempts of a delivery before a number, the last first: `limit` of them, or fewer when
 * they reach `maxBytes`.
 */
export async function listAttempts(
  reader: Reader,
  deliveryId: string,
  page: { before?: number | undefined; limit: number; maxBytes: number },
): Promise<Attempt[]> {
  const { rows } = await reader.query<AttemptRow>({
    name: "list_attempts",
    text: `with newest as (
       select *, coalesce(sum(octet_length(request_headers)
           + coalesce(octet_length(response_headers), 0) + coalesce(octet_length(response_body), 0))
         over (order by number desc rows between unbounded preceding and 1 preceding), 0) as newer
       from (select * from attempts where delivery_id = $1 and ($2::int is null or number < $2)
             order by number desc limit $3) a)
     select a.id, a.delivery_id, a.number, coalesce(a.url, d.url) as url, a.remote_address,
       a.started_at, a.duration_ms, a.status_code, a.error_code, a.error_message,
       a.request_headers::json as request_headers, a.response_headers::json as response_headers,
       a.response_body, a.response_truncated, a.manual, d.message_id, m.request_id, m.trace_id
     from newest a join deliveries d on d.id = a.delivery_id join messages m on m.id = d.message_id
     where a.newer <= $4 order by a.number desc`,
    values: [deliveryId, page.before ?? null, page.limit, page.maxBytes],
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
