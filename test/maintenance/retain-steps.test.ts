import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import type { Context } from "../../src/flow/context.ts";
import { uuidAt } from "../../src/core/ids.ts";
import { listPartitions, partitionAt, weekOf } from "../../src/db/maintenance/partitions.ts";
import { makePartitions, makePartitionsIfFree, retain } from "../../src/flow/maintenance/retain.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count, submit, until } from "../support/jobs.ts";
import { BROKEN_STATES, DELETE_PENDING_JOBS, letInsertJobs } from "../support/job-states.ts";

const DAY_MS = 86_400_000;
const LETTERS = 1_500;
const ATTEMPTS = 4;
const PENDING = 10;
/** Deliveries kept of the week: those that are dead or pending, and their delivered siblings. */
const KEPT = (LETTERS + PENDING) * 2;

let t: TestContext;
beforeEach(async () => {
  t = await createTestContext({ worker: false });
  await letInsertJobs(t.database.pool);
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
       case when g <= $3 then 'dead' when g <= $3 + ${PENDING} then 'pending' else 'delivered' end as status
       from generate_series(1, $3::int * 2) g),
     jobs as (insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
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
    brokenStates: await count(t, `(${BROKEN_STATES}) broken`),
    withoutAttempts: await count(
      t,
      `deliveries d where attempt_count <> (select count(*) from attempts where delivery_id = d.id)`,
    ),
  };
}

const KEPT_ALL = {
  unbalanced: 0,
  dead: LETTERS,
  pending: PENDING,
  letters: LETTERS,
  withoutJob: 0,
  brokenStates: 0,
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
  expect(await count(t, "attempts")).toBe(KEPT * ATTEMPTS);
  expect(await count(t, "messages")).toBe(LETTERS + PENDING);
  expect(await count(t, "jobs")).toBe(LETTERS + PENDING);
  expect(await count(t, "partition_changes")).toBe(0);
  const tables = await count(
    t,
    `pg_class where relkind = 'r' and not relispartition and relname ~ '^(jobs|job_ends|deliveries|messages|attempts)_'`,
  );
  expect(tables).toBe(0);
}

/** The pool as the nth transaction and those after it find it. */
function watching(onTransaction: (n: number) => Promise<void>): Context {
  let transactions = 0;
  const pool = new Proxy(t.context.pool, {
    get(target, name) {
      if (name === "connect") {
        return async () => {
          transactions += 1;
          await onTransaction(transactions);
          return await target.connect();
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...t.context, pool };
}

/** Goes on reading and submitting; returns the longest that any of it took, in ms. */
function traffic(): { submitted: string[]; stop(): Promise<number> } {
  let stopped = false;
  const submitted: string[] = [];
  const run = async (work: () => Promise<unknown>): Promise<number> => {
    let longest = 0;
    while (!stopped) {
      const startedAt = performance.now();
      await work();
      longest = Math.max(longest, performance.now() - startedAt);
      await sleep(5);
    }
    return longest;
  };
  const runs = [
    run(async () => submitted.push(await submit(t))),
    run(() => t.database.pool.query("select from deliveries where id = gen_random_uuid()")),
  ];
  return {
    submitted,
    async stop() {
      stopped = true;
      return Math.max(...(await Promise.all(runs)));
    },
  };
}

describe("H1: a week of which much must be kept", () => {
  test("is replaced in small transactions, while others go on", async () => {
    const others = traffic();
    await retain(t.context);
    expect(await others.stop()).toBeLessThan(3_000);
    await t.database.pool.query(DELETE_PENDING_JOBS);
    await expectDone();
    const kept = (await listPartitions(t.context.pool)).find(({ name }) =>
      /attempts_kept/.test(name),
    );
    const { rows } = await t.database.pool.query<{ most: number; transactions: number }>(
      `select max(n)::int as most, count(*)::int as transactions
       from (select count(*) as n from ${kept!.name} group by xmin::text) each`,
    );
    expect(rows[0]!.transactions).toBeGreaterThan(5);
    expect(rows[0]!.most).toBeLessThan(2_500);
  });

  test("may be left after any step, and any process goes on", async () => {
    let turns = 0;
    for (let done = false; !done; turns += 1) {
      // a process that is killed can say nothing any more
      const last = 3 + (turns % 2);
      const process = watching(async (n) => {
        if (n > last) throw new Error("killed");
      });
      done = await retain(process).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe("killed");
          return false;
        },
      );
      expect(await whatIsKept()).toEqual(KEPT_ALL);
      // its turn is over after a minute
      await t.database.pool.query("update retention set held_until = now() - interval '1 second'");
    }
    expect(turns).toBeGreaterThan(10);
    await expectDone();
  });

  test("may change meanwhile: what is replayed or settled is where it was, as it is", async () => {
    const { pool } = t.database;
    const { rows } = await pool.query<{ id: string }>(
      "select id from deliveries where status = 'delivered' order by random() limit 200",
    );
    const { rows: waiting } = await pool.query<{ id: string }>(
      "select id from deliveries where status = 'pending'",
    );
    const replayed: string[] = [];
    const settled: string[] = [];
    let swapped = false;
    const process = watching(async () => {
      const again = rows.pop();
      if (again !== undefined && !swapped) {
        const { rowCount } = await pool.query(
          "update deliveries set status = 'pending', next_attempt_at = now(), finished_at = null where id = $1",
          [again.id],
        );
        swapped = rowCount === 0;
        if (!swapped) replayed.push(again.id);
      }
      const one = waiting.pop();
      if (one === undefined) return;
      settled.push(one.id);
      await pool.query(
        `with settled as (
           update deliveries set status = 'delivered', next_attempt_at = null, finished_at = now(),
             attempt_count = attempt_count + 1
           where id = $1 returning id, attempt_count)
         insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
           request_headers, response_truncated, manual)
         select id, attempt_count, id, now(), 1, 204, '{}', false, false from settled`,
        [one.id],
      );
    });
    await retain(process);
    expect(await isDone()).toBe(true);
    expect(settled).toHaveLength(PENDING);
    expect(replayed.length).toBeGreaterThan(10);
    const ofReplayed = "deliveries where status = 'pending' and id = any($1)";
    expect(await count(t, ofReplayed, [replayed])).toBe(replayed.length);
    const ofSettled = `deliveries d where id = any($1) and status = 'delivered'
      and (select max(number) from attempts where delivery_id = d.id) = ${ATTEMPTS + 1}`;
    expect(await count(t, ofSettled, [settled])).toBe(PENDING);
    expect(await whatIsKept()).toMatchObject({ unbalanced: 0, withoutAttempts: 0, dead: LETTERS });
  });

  test("keeps a job that ends meanwhile, before the swap or after it, with its end", async () => {
    const { pool } = t.database;
    const { rows: jobs } = await pool.query<{ id: string }>(
      `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, next_run_at, request_id, trace_id)
       select old(g, 'unfinished'), $1, 'demo.echo', 'pending', '{}', '{}', '[]', 60, 1, now(), 'r', 't'
       from generate_series(1, 200) g returning id`,
      [t.accountId],
    );
    const ended: string[] = [];
    const process = watching(async () => {
      const one = jobs.at(ended.length);
      if (one === undefined) return;
      ended.push(one.id);
      await cancelJob(t.context, { accountId: t.accountId, jobId: one.id });
      expect(await count(t, `(${BROKEN_STATES}) broken`)).toBe(0);
    });
    await retain(process);
    expect(await isDone()).toBe(true);
    expect(ended.length).toBeGreaterThan(20);
    const canceled = "job_states where status = 'canceled' and finished_at is not null";
    expect(await count(t, canceled)).toBe(ended.length);
    expect(await count(t, "unfinished_jobs")).toBe(jobs.length - ended.length);
    expect(await whatIsKept()).toEqual(KEPT_ALL);
    // and those that end in the partition of what was kept
    for (const { id } of jobs.slice(ended.length)) {
      await cancelJob(t.context, { accountId: t.accountId, jobId: id });
    }
    expect(await count(t, canceled)).toBe(jobs.length);
    expect(await count(t, `(${BROKEN_STATES}) broken`)).toBe(0);
    expect(await count(t, "job_ends_default")).toBe(0);
  });

  test("waits for a vacuum without keeping others waiting", async () => {
    const vacuum = await t.database.pool.connect();
    await vacuum.query("begin");
    await vacuum.query(
      `lock table ${partitionAt("deliveries", new Date(Date.now() - 42 * DAY_MS)).name} in share update exclusive mode`,
    );
    const others = traffic();
    const retaining = retain(t.context);
    await sleep(1_500);
    expect(await others.stop()).toBeLessThan(1_000);
    await vacuum.query("rollback");
    vacuum.release();
    await retaining;
    await t.database.pool.query(DELETE_PENDING_JOBS);
    await expectDone();
  });

  test("is the work of one process at a time; a failure is tried again later, by one", async () => {
    await t.database.pool.query("alter function note_partition_change rename to away");
    await expect(retain(t.context)).rejects.toThrow(/note_partition_change/);
    // none tries at once
    await Promise.all([1, 2, 3].map(() => retain(t.context, true)));
    await t.database.pool.query("alter function away rename to note_partition_change");
    expect(await isDone()).toBe(false);
    await t.database.pool.query("update retention set next_at = now()");
    await Promise.all([1, 2, 3].map(() => retain(t.context, true)));
    await expectDone();
    expect(await count(t, "retention where failures = 0 and next_at > now()")).toBe(1);
  });
});

test("L1: a dump that reads does not keep a process from starting", async () => {
  const later = { ...t.context, now: () => new Date(Date.now() + 40 * DAY_MS) };
  const dump = await t.database.pool.connect();
  await dump.query(
    "begin; lock table jobs, job_ends, messages, deliveries, attempts in access share mode",
  );
  await makePartitionsIfFree(later);
  const { name } = partitionAt("attempts", later.now());
  const there = async (): Promise<boolean> =>
    (await listPartitions(t.context.pool)).some((one) => one.name === name);
  expect(await there()).toBe(false);
  await dump.query("rollback");
  dump.release();
  await t.database.pool.query("update dead_letters set created_at = now() + interval '40 days'");
  // it is time already
  await retain(later, true);
  expect(await until("the weeks", there)).toBe(true);
});

test("L1: what came without a week is moved into it while more comes", async () => {
  const { name } = partitionAt("jobs", new Date());
  await t.database.pool.query(`alter table jobs detach partition ${name}; drop table ${name}`);
  const others = traffic();
  await until("jobs in the default partition", async () => others.submitted.length > 50);
  expect(await count(t, "jobs_default")).toBeGreaterThan(0);
  await retain(t.context);
  await sleep(200);
  expect(await others.stop()).toBeLessThan(3_000);
  expect(await count(t, "jobs_default")).toBe(0);
  const { submitted } = others;
  expect(await count(t, `${name} where id = any($1)`, [submitted])).toBe(submitted.length);
  expect(await count(t, "job_states where status = 'pending'")).toBe(submitted.length);
});

test("M2: a message with a delivery in the next week goes when both weeks do", async () => {
  const seam = weekOf(new Date(Date.now() - 30 * DAY_MS)).getTime();
  await makePartitions(t.context.pool, new Date(seam - 1));
  const [before, after] = [uuidAt(new Date(seam - 1)), uuidAt(new Date(seam + 1))];
  const at = new Date(seam);
  await t.database.pool.query(
    `with m as (insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id,
       created_at) values ($1, $3, 'x', '{}', 2, 'r', 't', $4))
     insert into deliveries (id, account_id, message_id, event_type, lane_id, url, body_bytes, status,
       attempt_count, created_at, finished_at)
     select id, $3, $1, 'x', $1, 'http://127.0.0.1/', 2, 'delivered', 1, $4, $4
     from unnest(array[$1, $2]::uuid[]) id`,
    [before, after, t.accountId, at],
  );
  await retain(t.context);
  expect(await count(t, "books where message_id = $1 and balanced", [before])).toBe(1);
  await retain({ ...t.context, now: () => new Date(Date.now() + 7 * DAY_MS) });
  expect(await count(t, "messages where id = $1", [before])).toBe(0);
  expect(await count(t, "deliveries where message_id = $1", [before])).toBe(0);
});
