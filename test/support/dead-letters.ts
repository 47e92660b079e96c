import { newId, uuidAt } from "../../src/core/ids.ts";
import type { DeadReason } from "../../src/core/model.ts";
import type { TestContext } from "./context.ts";

export interface PastDelivery {
  laneId: string;
  url: string;
  status?: "dead" | "delivered" | "canceled";
  reason?: DeadReason;
  endpointId?: string | null;
  jobId?: string | null;
  eventType?: string;
  createdAt?: Date;
  /** Of the last attempt. */
  statusCode?: number | null;
  errorCode?: string | null;
  answer?: string;
}

/** A UUIDv7 of that time. */
function idOf(time: Date): string {
  return uuidAt(time).slice(0, 14) + newId().slice(14);
}

/** Deliveries that ended after one attempt, as if long ago; returns their ids in order. */
export async function insertPast(
  { database, accountId }: Pick<TestContext, "database" | "accountId">,
  past: readonly PastDelivery[],
): Promise<string[]> {
  const rows = past.map((p) => ({
    id: p.createdAt === undefined ? newId() : idOf(p.createdAt),
    message_id: newId(),
    lane_id: p.laneId,
    url: p.url,
    status: p.status ?? "dead",
    reason: (p.status ?? "dead") === "dead" ? (p.reason ?? "exhausted") : null,
    endpoint_id: p.endpointId ?? null,
    job_id: p.jobId ?? null,
    event_type: p.eventType ?? "own.event",
    created_at: p.createdAt ?? new Date(Date.now() - 60_000),
    status_code: p.errorCode ? null : (p.statusCode ?? 500),
    error_code: p.errorCode ?? null,
    answer: p.answer ?? null,
  }));
  await database.pool.query(
    `with input as (
       select * from jsonb_to_recordset($1::jsonb) as t(id uuid, message_id uuid, lane_id uuid,
         url text, status text, reason text, endpoint_id uuid, job_id uuid, event_type text,
         created_at timestamptz, status_code int, error_code text, answer text)
     ), m as (
       insert into messages (id, account_id, job_id, type, body, delivery_count, request_id, trace_id)
       select message_id, $2, job_id, event_type,
         '{"type":"' || event_type || '","timestamp":"2026-01-01T00:00:00.000Z","data":{}}', 1,
         'req', '0af7651916cd43dd8448eb211c80319c'
       from input
     ), d as (
       insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id, lane_id,
         url, body_bytes, status, attempt_count, last_status_code, last_error_code,
         created_at, finished_at)
       select id, $2, message_id, job_id, event_type, endpoint_id, lane_id, url, 60, status, 1,
         status_code, error_code, created_at, now() - interval '1 second'
       from input
     ), a as (
       insert into attempts (delivery_id, number, id, url, started_at, duration_ms, status_code,
         error_code, response_body, request_headers, response_truncated, manual)
       select id, 1, gen_random_uuid(), url, now(), 1, status_code, error_code, answer, '{}', false,
         false from input
     )
     insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail, cause)
     select id, $2, endpoint_id, reason, 'HTTP 500',
       case when reason = 'endpoint_disabled' then '' else coalesce(error_code, 'http_' || status_code)
       end from input where status = 'dead'`,
    [JSON.stringify(rows), accountId],
  );
  return rows.map(({ id }) => id);
}

/** Notes every delivery that is opened again; the answer tells how often each was. */
export async function watchReopened({
  database,
}: Pick<TestContext, "database">): Promise<() => Promise<Map<string, number>>> {
  await database.pool.query(`
    create table reopened (id uuid not null);
    create function note_reopened() returns trigger language plpgsql as $$ begin
      insert into reopened values (new.id);
      return null;
    end $$;
    create trigger note_reopened after update on deliveries for each row
      when (old.status in ('dead', 'delivered') and new.status = 'pending')
      execute function note_reopened()`);
  return async () => {
    const { rows } = await database.pool.query<{ id: string; n: number }>(
      "select id, count(*)::int as n from reopened group by id",
    );
    return new Map(rows.map(({ id, n }) => [id, n]));
  };
}
