import type pg from "pg";
import { makePartitions } from "../../src/flow/maintenance/retain.ts";
import type { Fixture } from "../database.ts";
import type { DeliveryVariant } from "./lives.ts";

const WEEK_MS = 7 * 86_400_000;
const WEEKS = 6;
const CHUNK = 250_000;

/** The SQL of the time of row `g`, and of ids of that time that follow from each other. */
export const KEPT_TIME = "to_timestamp(ms / 1000.0)";
export function KEPT_ID(place: number): string {
  return `(lpad(to_hex(ms::bigint), 12, '0') || overlay(overlay(
    left(md5(g::text), 16) || '000${place}' placing '7' from 1) placing '8' from 5))::uuid`;
}

export const KEPT_MESSAGES = `insert into messages
    (id, account_id, type, body, delivery_count, request_id, trace_id, created_at)
  select ${KEPT_ID(0)}, $1, 'job.completed', repeat('x', 100), 1, 'req-' || g, md5(g::text),
    ${KEPT_TIME} from rows`;

export const KEPT_ATTEMPTS = (withAccount: boolean): string => `insert into attempts
    (delivery_id, number, id, started_at, duration_ms, status_code, request_headers,
     response_truncated, manual${withAccount ? ", account_id" : ""})
  select ${KEPT_ID(1)}, 1, ${KEPT_ID(2)}, ${KEPT_TIME}, 3,
    case when g % 100 = 0 then 500 else 200 end, repeat('x', 100), false, false
    ${withAccount ? ", $1" : ""} from rows`;

export const KEPT_DEAD = `insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
  select ${KEPT_ID(1)}, $1, ($2::uuid[])[1 + g % 50], 'exhausted', '500' from rows where g % 100 = 0`;

/** Makes the weeks, and `count` deliveries that ended, spread over them. */
export async function fillKept(
  pool: pg.Pool,
  fixture: Fixture,
  variant: DeliveryVariant | null,
  count: number,
): Promise<void> {
  const startMs = Date.now() - (WEEKS - 1) * WEEK_MS;
  for (let week = 0; week < WEEKS; week += 1) {
    await makePartitions(pool, new Date(startMs + week * WEEK_MS));
  }
  const values = [
    fixture.lanes.id,
    fixture.endpoints.map(({ endpointId }) => endpointId),
    fixture.endpoints.map(({ laneId }) => laneId),
  ];
  const step = (((WEEKS - 1) * WEEK_MS) / (count + 1)).toFixed(6);
  for (const text of variant?.fill ?? []) {
    for (let done = 0; done < count; done += CHUNK) {
      const last = Math.min(count, done + CHUNK);
      const rows = `with given as (select $1::uuid, $2::uuid[], $3::uuid[]), rows as (
        select g, floor(${startMs} + g * ${step}) as ms
        from generate_series(${done + 1}, ${last}) g) `;
      await pool.query(rows + text, values);
    }
  }
  await pool.query("vacuum analyze");
}
