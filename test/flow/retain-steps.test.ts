import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { Context } from "../../src/context.ts";
import { listPartitions, partitionAt } from "../../src/db/partitions.ts";
import { makePartitions, makePartitionsIfFree, retain } from "../../src/flow/retain.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count, submit, until } from "../support/jobs.ts";

const DAY_MS = 86_400_000;
const LETTERS = 3_000;
const ATTEMPTS = 4;
/** Kept of the week: the dead letters, their delivered siblings, and what is pending. */
const KEPT = LETTERS * 2 + 10;

let t: TestContext;
beforeEach(async () => {
  t = await createTestContext({ worker: false });
  await fill();
});
afterEach(async () => await t?.stop());

/**
 * A week of six weeks ago: messages with a dead and a delivered receiver, ten that are pending, and
 * as many that are wholly delivered.
 */
async function fill(): Promise<void> {
  const at = new Date(Date.now() - 42 * DAY_MS);
  await makePartitions(t.context.pool, at);
  const { from } = partitionAt("jobs", at);
  const { pool } = t.database;
  await pool.query(`
    create function old(g int, kind text) returns uuid language sql immutable as $$
      select (lpad(to_hex(${from.getTime()} + g), 12, '0') ||
        overlay(overlay(left(md5(kind || g), 20) placing '7' from 1) placing '8' from 5))::uuid $$`);
  await pool.query(
    `with made as (select g, old(g, 'm') as id, to_timestamp($2 / 1000.0) as at,
       case when g <= $3 then 'dead' when g <= $3 + 10 then 'pending' else 'delivered' end as status
       from generate_series(1, $3::int * 2) g),
     jobs as (insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, run, result, request_id, trace_id, created_at, finished_at)
       select old(g, 'j'), $1, 'demo.echo', 'completed', '{}', '{}', '[]', 60, 1, 1, '"result"', 'r',
         't', at, at from made),
     messages as (insert into messages (id, account_id, job_id, type, body, delivery_count, request_id,
         trace_id, created_at)
       select id, $1, old(g, 'j'), 'job.completed', '{}', 2, 'r', 't', at from made),
     deliveries as (insert into deliveries (id, account_id, message_id, job_id, event_type, lane_id, url,
         body_bytes, status, attempt_count, next_attempt_at, created_at, finished_at)
       select old(g, 'd' || n), $1, id, old(g, 'j'), 'job.completed', old(1, 'lane'),
         'http://127.0.0.1/', 2, s.status, $4, case s.status when 'pending' then at end, at,
         case s.status when 'pending' then null else at end
       from made, generate_series(1, 2) n,
         lateral (select case n when 1 then made.status else 'delivered' end as status) s
       returning id, status, created_at),
     letters as (insert into dead_letters (delivery_id, account_id, reason, detail, created_at)
       select id, $1, 'exhausted', 'HTTP 500', created_at from deliveries where status = 'dead')
     insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
       request_headers, response_truncated, manual)
     select id, n, id, created_at, 1, 500, '{}', false, false
     from deliveries, generate_series(1, $4) n`,
    [t.accountId, from.getTime(), LETTERS, ATTEMPTS],
  );
  await pool.query("vacuum analyze");
}

/** What must hold at every instant, whatever of retention was done. */
async function whatIsKept(): Promise<Record<string, number>> {
  return {
    unbalanced: await count(t, "books where not balanced"),
    dead: await count(t, "deliveries where status = 'dead'"),
    pending: await count(t, "deliveries where status = 'pending'"),
    letters: await count(t, "dead_letters"),
    // of what is dead or pending
    withoutJob: await count(
      t,
      "deliveries d where status <> 'delivered' and not exists (select from jobs where id = d.job_id)",
    ),
    withoutAttempts: await count(
      t,
      `deliveries d where attempt_count <> (select count(*) from attempts where delivery_id = d.id)`,
    ),
  };
}

const KEPT_ALL = {
  unbalanced: 0,
  dead: LETTERS,
  pending: 10,
  letters: LETTERS,
  withoutJob: 0,
  withoutAttempts: 0,
};

async function isDone(): Promise<boolean> {
  const weeks = (await listPartitions(t.context.pool)).filter(({ name }) => !/kept/.test(name));
  return weeks.every(({ to }) => to.getTime() > Date.now() - 30 * DAY_MS);
}

async function expectDone(): Promise<void> {
  expect(await isDone()).toBe(true);
  expect(await whatIsKept()).toEqual(KEPT_ALL);
  expect(await count(t, "deliveries")).toBe(KEPT);
  expect(await count(t, "attempts")).toBe(KEPT * ATTEMPTS + 10 * ATTEMPTS);
  expect(await count(t, "messages")).toBe(LETTERS + 10);
  expect(await count(t, "jobs")).toBe(LETTERS + 10);
  expect(await count(t, "partition_changes")).toBe(0);
  const tables = await count(
    t,
    `pg_class where relkind = 'r' and not relispartition and relname ~ '^(jobs|deliveries|messages|attempts)_'`,
  );
  expect(tables).toBe(0);
}

/** A process that is killed behind its nth transaction: it can say nothing any more. */
function dyingAfter(transactions: number): { context: Context; killed(): boolean } {
  let left = transactions;
  const pool = new Proxy(t.context.pool, {
    get(target, name) {
      if (name === "connect") {
        left -= 1;
        if (left < 0) return () => Promise.reject(new Error("killed"));
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as Pool;
  return { context: { ...t.context, pool }, killed: () => left < 0 };
}
