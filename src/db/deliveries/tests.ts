import type { Delivery } from "../../core/model.ts";
import { emits, typeBy, typeIn } from "../activity/emits.ts";
import type { Reader, Tx } from "../transaction.ts";
import type { DueDelivery } from "./due.ts";
import { LANE_CONFIG } from "./leases.ts";
import type { LaneConfig } from "./leases.ts";
import type { NewAttempt } from "./settlements.ts";

/** The lane of an endpoint, whoever holds it. */
export async function getLaneOfEndpoint(
  reader: Reader,
  accountId: string,
  endpointId: string,
): Promise<LaneConfig | null> {
  const { rows } = await reader.query<LaneConfig>({
    name: "get_lane_of_endpoint",
    text: `select ${LANE_CONFIG} from endpoints e join lanes l on l.id = e.lane_id
      where e.account_id = $1 and e.id = $2 and e.deleted_at is null`,
    values: [accountId, endpointId],
  });
  return rows[0] ?? null;
}

/** A test that was made: a delivery with its one attempt. */
export interface MadeTest {
  delivery: DueDelivery;
  laneId: string;
  attempt: NewAttempt;
  /** Null: it was delivered. */
  dead: Pick<Delivery, "dead_reason" | "dead_detail"> | null;
  /** The API key that ordered it. */
  keyId: string;
}

/**
 * Stores a test with its message, at its end already: it was never due, so no lane has to know of
 * it. The dead letter of one that failed is none to be replayed, so it is not in the inbox.
 */
export async function insertTest(tx: Tx, test: MadeTest): Promise<void> {
  const { delivery: d, attempt: a, dead } = test;
  await tx.query({
    name: "insert_test",
    text: `with made as (
        insert into messages
          (id, account_id, type, body, delivery_count, request_id, trace_id, created_at)
        values ($2, $3, $4, $5, 1, $6, $7, $8)
      ), tested as (
        insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
          body_bytes, created_at, status, attempt_count, last_status_code, last_error_code,
          finished_at)
        values ($1, $3, $2, $4, $9, $10, $11, octet_length($5), $8,
          case when $12::text is null then 'delivered' else 'dead' end, 1, $19, $20, now())
        returning id, account_id, message_id, endpoint_id, status
      ), logged as (
        insert into attempts (delivery_id, number, id, url, remote_address, started_at,
          duration_ms, status_code, error_code, error_message, request_headers, response_headers,
          response_body, response_truncated, manual)
        values ($1, 1, $15, null, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, false)
      ), dead_lettered as (
        insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail,
          discarded_at, discarded_by, discard_note)
        select id, account_id, endpoint_id, $12, $13, now(), $14, 'a test is not sent again'
        from tested where status = 'dead'
      )
      ${emits("tested", {
        type: [typeIn("'delivery.attempted'"), typeBy("status", TYPES)],
        about: { message_id: "message_id", delivery_id: "id", endpoint_id: "endpoint_id" },
        data: `json_build_object('outcome', status, 'attempt', 1, 'status_code', $19::int,
          'error_code', $20::text, 'duration_ms', $18::float8, 'reason', $12::text,
          'next_attempt_at', null)`,
      })}`,
    values: [
      d.id,
      d.message_id,
      d.account_id,
      d.event_type,
      d.body,
      d.request_id,
      d.trace_id,
      d.created_at,
      d.endpoint_id,
      test.laneId,
      d.url,
      dead?.dead_reason ?? null,
      dead?.dead_detail ?? null,
      test.keyId,
      a.id,
      a.remoteAddress,
      a.startedAt,
      a.durationMs,
      a.statusCode,
      a.errorCode,
      a.errorMessage,
      a.requestHeaders,
      a.responseHeaders,
      a.responseBody,
      a.responseTruncated,
    ],
  });
}

const TYPES = { delivered: "delivery.delivered", dead: "delivery.dead" } as const;
