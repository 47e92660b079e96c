import type { Attempt } from "../core/model.ts";
import type { Reader } from "./transaction.ts";

/** Every HTTP attempt of a delivery, the first first. */
export async function listAttempts(reader: Reader, deliveryId: string): Promise<Attempt[]> {
  const { rows } = await reader.query<Attempt>(
    `select id, delivery_id, number, url, remote_address, started_at, duration_ms, status_code,
       error_code, error_message, request_headers::json as request_headers,
       response_headers::json as response_headers, response_body, response_truncated, manual
     from attempts where delivery_id = $1 order by number`,
    [deliveryId],
  );
  return rows;
}
