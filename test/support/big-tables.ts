import { makePartitions } from "../../src/flow/maintenance/retain.ts";
import { pairHash } from "../../src/core/search-keys.ts";
import type { TestContext } from "./context.ts";
import { letInsertJobs } from "./job-states.ts";

const DAYS = 35;
const DAY_MS = 86_400_000;
const ENDPOINTS = 40;

export interface Filled {
  now: number;
  small: { accountId: string; apiKey: string };
  /** Of the account with much: one that gets half of all, and one that gets little. */
  endpoints: string[];
  /** An old job, its message and a delivery of that. */
  job: string;
  message: string;
  delivery: string;
  /** API keys: one that did nearly everything, and one that did little. */
  actors: string[];
  /** Deliveries whose last attempt failed or that took several. */
  troubled: number;
  /** Tables and partitions with many rows. */
  big: Set<string>;
}

/**
 * `rows` jobs and deliveries of five weeks, as they are in life: nearly all completed, of one type,
 * of one account; the rare ones old.
 */
export async function fillTables(
  { context, database, accountId, addAccount }: TestContext,
  rows: number,
): Promise<Filled> {
  const now = Date.now();
  const small = await addAccount("small");
  const { pool } = database;
  for (let ago = DAYS; ago >= 0; ago -= 7) {
    await makePartitions(context.pool, new Date(now - ago * DAY_MS));
  }
  await pool.query(`
    create function v7(g int, kind text) returns uuid language sql immutable as $$
      select (lpad(to_hex(${now - DAYS * DAY_MS} + g * ${Math.floor((DAYS * DAY_MS) / rows)}::bigint),
        12, '0') || overlay(overlay(left(md5(kind || g), 20) placing '7' from 1)
        placing '8' from 5))::uuid $$;
    create function at(g int) returns timestamptz language sql stable as $$
      select to_timestamp((${now - DAYS * DAY_MS} + g * ${Math.floor((DAYS * DAY_MS) / rows)}::bigint)
        / 1000.0) $$`);
  const account = `case when g % 500 = 0 then '${small.accountId}' else '${accountId}' end::uuid`;
  await pool.query(`
    insert into lanes (id, account_id, origin, ordered, breaker_until)
    select v7(g, 'lane'), '${accountId}', case when g > ${ENDPOINTS} then 'https://' || g end, false,
      case when g % 10 = 0 then now() + interval '1 hour' end
    from generate_series(${ENDPOINTS + 1}, ${ENDPOINTS * 5}) g`);
  await pool.query(`
    with made as (
      insert into endpoints (id, account_id, lane_id, url, description, events, ordered,
        max_in_flight, timeout_s, retry, state)
      select v7(g, 'endpoint'), '${accountId}', v7(g, 'lane'), 'https://example.com/' || g, '', '{}',
        false, 10, 30,
        '{"max_attempts": 8, "base_s": 5, "factor": 4, "cap_s": 3600}', case when g % 10 = 1 then 'paused' else 'active' end
      from generate_series(1, ${ENDPOINTS}) g returning id, lane_id)
    insert into lanes (id, account_id, endpoint_id, ordered)
    select lane_id, '${accountId}', id, false from made`);
  await letInsertJobs(pool);
  await pool.query(
    `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
       run, next_run_at, worker_id, result, error_code, request_id, trace_id, created_at, finished_at)
     select v7(g, 'job'), ${account},
       case when g % 1000 = 3 and g < $1 / 2 then 'demo.burn' when g % 10 = 4 then 'csv.summary'
         else 'demo.echo' end,
       s.status, '{}', '{}', '[]', 600, 5, 1,
       case s.status when 'pending' then at(g) end,
       case s.status when 'running' then v7(1, 'worker') end,
       case s.status when 'completed' then '{}' end,
       case when s.status in ('failed', 'canceled') then 'computation_failed' end, '', '', at(g),
       case when s.status in ('completed', 'failed', 'canceled') then at(g) end
     from generate_series(1, $1::int) g cross join lateral (select case
       when g > $1 - 400 then case g % 2 when 0 then 'pending' else 'running' end
       when g % 33 = 7 then 'failed' when g % 200 = 9 and g < $1 / 2 then 'canceled'
       else 'completed' end as status) s`,
    [rows],
  );
  await pool.query(
    `insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id, lane_id, url,
       body_bytes, status, attempt_count, next_attempt_at, last_status_code, last_error_code,
       created_at, finished_at)
     select v7(g, 'delivery'), ${account}, v7(g, 'message'), v7(g, 'job'),
       case when g % 2000 = 5 and g < $1 / 2 then 'order.rare' when g % 20 = 6 then 'order.created'
         when g % 33 = 7 then 'job.failed' else 'job.completed' end,
       e.endpoint_id, case when e.endpoint_id is null then v7(${ENDPOINTS + 1} + g % 100, 'lane')
         else v7(e.n, 'lane') end,
       'https://example.com', 100, s.status,
       case s.status when 'dead' then 9 when 'delivered' then 1 + (g % 50 = 11)::int else 0 end,
       case s.status when 'pending' then at(g) end,
       case when s.status = 'dead' and g % 4 <> 0 then 500 when s.status = 'delivered' then 200 end,
       case when s.status = 'dead' and g % 4 = 0 then case when g % 40 = 0 then 'tls'
         else 'connect' end end,
       at(g), case when s.status <> 'pending' then at(g) end
     from generate_series(1, $1::int) g
     cross join lateral (select case
       when g > $1 - 400 then 'pending' when abs(hashint4(g)::bigint) % 10 = 2 and g < $1 * 0.8 then 'dead'
       when g % 300 = 13 and g < $1 / 2 then 'canceled' else 'delivered' end as status) s
     cross join lateral (select case when g % 2 = 0 then 1 when g % 4 = 1 then 2 + g % ${ENDPOINTS - 1}
       end as n) own
     cross join lateral (select own.n, case when own.n is not null
       then v7(own.n, 'endpoint') end as endpoint_id) e`,
    [rows],
  );
  await pool.query(`
    insert into messages (id, account_id, job_id, type, body, delivery_count, request_id, trace_id,
      created_at)
    select message_id, account_id, job_id, event_type, '{"type":"' || event_type || '"}', 1, '', '',
      created_at
    from deliveries;
    insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
      request_headers, response_truncated, manual)
    select id, 1, id, created_at, 1, 200, '{}', false, false from deliveries where attempt_count > 0;
    insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail, cause,
      discarded_at, discarded_by, discard_note)
    select id, account_id, endpoint_id,
      case when n % 100 = 0 then 'gone' else 'exhausted' end,
      'the receiver answered 500 at each of 9 attempts',
      coalesce(last_error_code, 'http_' || last_status_code), d.at, d.by, d.note
    from (select *, row_number() over (order by id) as n from deliveries where status = 'dead') dead
    left join lateral (select now() as at, id as by, 'x' as note where n % 4 = 0) d on true;
    insert into replays (id, account_id, filter, dry_run, status, matched, finished_at)
    select v7(g, 'replay'), '${accountId}', '{"status":"dead"}', false, 'completed', 1, now()
    from generate_series(1, 2000) g;
    insert into accounts (id, name, state)
    select v7(g, 'account'), 'account ' || g, case when g % 900 = 7 then 'suspended'
      when g = 9 then 'deleting' when g % 3 = 0 then 'deleted' else 'active' end
    from generate_series(1, 4000) g;
    insert into audit_events (id, account_id, created_at, actor_type, actor_id, actor_name, action,
      target_type, target_id, target_name)
    select v7(g, 'audit'), ${account}, at(g), case when g = 9 then 'system' else 'api_key' end,
      case when g = 9 then null when g = 11 then v7(2, 'key') else v7(1, 'key') end, 'x',
      case when g = 11 then 'account.suspended' else 'endpoint.updated' end,
      'endpoint', v7(1 + g % 3, 'endpoint'), ''
    from generate_series(1, ${rows}) g`);
  // one value that all jobs have, and one each
  await pool.query(
    `insert into search_keys (hash, id)
     select $1::bigint, id from jobs union all select hashtextextended(id::text, 0), id from jobs`,
    [pairHash(accountId, "env", "prod")],
  );
  await pool.query("vacuum analyze");
  const { rows: big } = await pool.query<{ relname: string }>(
    "select relname from pg_class where relkind = 'r' and reltuples > 500 and relnamespace = 'public'::regnamespace",
  );
  const { rows: counted } = await pool.query<{ troubled: number }>(
    `select count(*)::int as troubled from deliveries
     where attempt_count > 1 or last_status_code >= 300 or last_error_code is not null`,
  );
  const { rows: named } = await pool.query<
    Record<"job" | "message" | "busy" | "rare" | "actor" | "other", string>
  >(
    `select v7(62, 'job') as job, v7(62, 'message') as message, v7(1, 'endpoint') as busy,
       v7(7, 'endpoint') as rare, v7(1, 'key') as actor, v7(2, 'key') as other`,
  );
  const { job, message, busy, rare, actor, other } = named[0]!;
  const actors = [actor, other];
  const { rows: sent } = await pool.query<{ id: string }>(
    "select id from deliveries where message_id = $1 limit 1",
    [message],
  );
  const delivery = sent[0]!.id;
  const { troubled } = counted[0]!;
  const relations = big.map(({ relname }) => relname);
  const endpoints = [busy, rare];
  return {
    now,
    small,
    endpoints,
    job,
    message,
    delivery,
    actors,
    troubled,
    big: new Set(relations),
  };
}
