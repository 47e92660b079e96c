import { makePartitions } from "../src/flow/maintenance/retain.ts";
import { partitionAt } from "../src/db/maintenance/partitions.ts";
import type { Bench } from "./bench.ts";
import type { BenchDatabase } from "./database.ts";
import { settleDown } from "./prepare.ts";

const AGE_MS = 42 * 86_400_000;
const ATTEMPTS = 12;
const MOST_DEAD = 200_000;
const CHUNK = 50_000;

/**
 * A week past retention with `attempts` attempts, twelve per delivery, each with a message and a
 * job: half of the deliveries are dead letters, 200,000 at most, which must be kept. Returns how many.
 */
export async function makeOldWeek(
  { tell, fixture }: Bench,
  { pool }: BenchDatabase,
  attempts: number,
): Promise<number> {
  const at = new Date(Date.now() - AGE_MS);
  await makePartitions(pool, at);
  const startMs = partitionAt("jobs", at).from.getTime();
  const deliveries = Math.ceil(attempts / ATTEMPTS);
  const dead = Math.min(MOST_DEAD, Math.floor(deliveries / 2));
  await pool.query(
    `create function old(g int) returns uuid language sql immutable as $$
       select (lpad(to_hex(${startMs} + g * 500::bigint), 12, '0') ||
         overlay(overlay(left(md5(g::text), 20) placing '7' from 1) placing '8' from 5))::uuid $$`,
  );
  for (let from = 1; from <= deliveries; from += CHUNK) {
    const to = Math.min(deliveries, from + CHUNK - 1);
    await pool.query(
      `with made as (
         select g, old(g) as id, to_timestamp($3 / 1000.0) as at,
           case when g % $4 = 0 then 'dead' else 'delivered' end as status
         from generate_series($1::int, $2::int) g
       ), j as (
         insert into jobs (id, account_id, type, input, metadata, callbacks, timeout_s, max_runs,
           request_id, trace_id, created_at)
         select id, $5, 'demo.echo', '{}', '{}', '[]', 60, 1, 'r', 't', at from made
       ), e as (
         insert into job_ends (id, account_id, status, run, failures, crashes, progress_fraction,
           result, finished_at)
         select id, $5, 'completed', 1, 0, 0, 1, '{}', at from made
       ), m as (
         insert into messages (id, account_id, job_id, type, body, delivery_count, request_id,
           trace_id, created_at)
         select id, $5, id, 'job.completed', repeat('x', 300), 1, 'r', 't', at from made
       ), d as (
         insert into deliveries (id, account_id, message_id, job_id, event_type, lane_id, url,
           body_bytes, status, attempt_count, created_at, finished_at, last_status_code)
         select id, $5, id, id, 'job.completed', $6, 'https://example.com/', 300, status,
           ${ATTEMPTS}, at, at, 500 from made
       ), l as (
         insert into dead_letters (delivery_id, account_id, reason, detail, created_at)
         select id, $5, 'exhausted', '${ATTEMPTS} attempts failed', at from made where status = 'dead'
       )
       insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
         request_headers, response_headers, response_body, response_truncated, manual)
       select id, n, id, at, 12, 500, '{"content-type":"application/json"}',
         '{"content-type":"text/html","connection":"keep-alive"}',
         repeat('Internal Server Error ', 8), false, false
       from made, generate_series(1, ${ATTEMPTS}) n`,
      [
        from,
        to,
        startMs,
        Math.floor(deliveries / dead),
        fixture.lanes.id,
        fixture.endpoints[0]!.laneId,
      ],
    );
    tell(`old week: ${to * ATTEMPTS} attempts`);
  }
  await settleDown(pool);
  return dead;
}
