import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../src/flow/context.ts";
import { uuidAt } from "../../src/core/ids.ts";
import { listPartitions, partitionAt } from "../../src/db/maintenance/partitions.ts";
import { makePartitions, retain } from "../../src/flow/maintenance/retain.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count } from "../support/jobs.ts";
import { letInsertJobs } from "../support/job-states.ts";

const DAY_MS = 86_400_000;
const NOW = new Date("2031-05-20T12:00:00Z");

let t: TestContext;
let context: Context;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  context = { ...t.context, now: () => NOW };
  await letInsertJobs(t.database.pool);
});
afterAll(async () => await t?.stop());

function daysAgo(days: number): Date {
  return new Date(NOW.getTime() - days * DAY_MS);
}

let made = 0;
/** A job with its message, a delivery and an attempt, as they were made some days ago. */
async function history(
  days: number,
  status: "delivered" | "pending" | "dead",
  job: "completed" | "pending" = "completed",
): Promise<string> {
  const at = daysAgo(days);
  const id = uuidAt(at).slice(0, -4) + (made += 1).toString(16).padStart(4, "0");
  const done = job === "completed";
  const { pool } = t.database;
  await pool.query(
    `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
       run, next_run_at, result, request_id, trace_id, created_at, finished_at)
     values ($1, $2, 'demo.echo', $3, '{}', '{}', '[]', 60, 1, 1, $4, $5, 'r', 't', $6, $7)`,
    [id, t.accountId, job, done ? null : at, done ? "{}" : null, at, done ? at : null],
  );
  await pool.query(
    `insert into messages (id, account_id, job_id, type, body, delivery_count, request_id, trace_id,
       created_at) values ($1, $2, $1, 'job.completed', '{}', 1, 'r', 't', $3)`,
    [id, t.accountId, at],
  );
  await pool.query(
    `insert into deliveries (id, account_id, message_id, job_id, event_type, lane_id, url,
       body_bytes, status, attempt_count, next_attempt_at, created_at, finished_at)
     values ($1, $2, $1, $1, 'job.completed', $1, 'http://127.0.0.1/', 2, $3, 1, $4, $5, $6)`,
    [
      id,
      t.accountId,
      status,
      status === "pending" ? at : null,
      at,
      status === "pending" ? null : at,
    ],
  );
  await pool.query(
    `insert into attempts (delivery_id, number, id, url, started_at, duration_ms, status_code,
       request_headers, response_truncated, manual)
     values ($1, 1, $1, 'http://127.0.0.1/', $2, 1, 500, '{}', false, false)`,
    [id, at],
  );
  if (status === "dead") {
    await pool.query(
      `insert into dead_letters (delivery_id, account_id, reason, detail, created_at)
       values ($1, $2, 'exhausted', 'HTTP 500', $3)`,
      [id, t.accountId, at],
    );
  }
  return id;
}

/** In which of the tables a history still is. */
async function whatIsLeft(id: string): Promise<string[]> {
  const tables = {
    jobs: "id",
    job_ends: "id",
    messages: "id",
    deliveries: "id",
    attempts: "delivery_id",
  };
  const left: string[] = [];
  for (const [table, key] of Object.entries({ ...tables, dead_letters: "delivery_id" })) {
    if ((await count(t, `${table} where ${key} = $1`, [id])) > 0) left.push(table);
  }
  return left;
}

const ALL = ["jobs", "job_ends", "messages", "deliveries", "attempts"];

describe("retention", () => {
  test("weeks are made ahead, by any number of processes at once", async () => {
    await Promise.all([1, 2, 3].map(() => makePartitions(context.pool, NOW)));
    await makePartitions(context.pool, NOW);
    const names = (await listPartitions(context.pool)).map(({ name }) => name);
    for (const weeks of [0, 7, 14]) {
      expect(names).toContain(partitionAt("deliveries", daysAgo(-weeks)).name);
    }
    expect(new Set(names).size).toBe(names.length);
  });

  test("rows that came before their week was made move into it", async () => {
    const [unfinished, ended] = [
      await history(-30, "pending", "pending"),
      await history(-60, "delivered"),
    ];
    const ids = [unfinished, ended];
    expect(await count(t, "deliveries_default where id = any($1)", [ids])).toBe(2);
    // not under the locks of those who make weeks
    expect(await makePartitions(context.pool, daysAgo(-30))).toBe(false);
    await retain(context);
    for (const table of ALL) {
      expect(await count(t, `${table}_default`)).toBe(0);
    }
    expect(await count(t, partitionAt("attempts", daysAgo(-60)).name)).toBe(1);
    expect(await whatIsLeft(unfinished)).toEqual(ALL.filter((table) => table !== "job_ends"));
    expect(await whatIsLeft(ended)).toEqual(ALL);
    expect(await makePartitions(context.pool, daysAgo(-30))).toBe(true);
  });

  test("search keys get their weeks, and go with them once jobs and messages are past retention", async () => {
    const [late, old, young] = [-90, 45, 3].map((days) => `${uuidAt(daysAgo(days)).slice(0, -1)}7`);
    await makePartitions(context.pool, daysAgo(45));
    await t.database.pool.query(
      "insert into search_keys (hash, id) select n, id from unnest($1::uuid[]) id, unnest('{1,2}'::int[]) n",
      [[late, old, young]],
    );
    expect(await count(t, "search_keys_default where id = $1", [late])).toBe(2);
    const week = partitionAt("search_keys", daysAgo(45)).name;
    expect(await count(t, week)).toBe(2);
    await retain(context);
    expect(await count(t, "search_keys where id = $1", [late])).toBe(2);
    expect(await count(t, "search_keys_default")).toBe(0);
    expect(await count(t, "search_keys where id = $1", [old])).toBe(0);
    expect(await count(t, "search_keys where id = $1", [young])).toBe(2);
    expect(await count(t, "pg_class where relname = $1", [week])).toBe(0);
  });

  test("what is past retention goes; pending work and dead letters stay, to the last attempt", async () => {
    for (const days of [3, 45, 60, 120]) await makePartitions(context.pool, daysAgo(days));
    const [young, old, waiting, dead, unfinished, veryOld] = [
      await history(3, "delivered"),
      await history(45, "delivered"),
      await history(45, "pending"),
      await history(60, "dead"),
      await history(45, "delivered", "pending"),
      await history(120, "dead"),
    ];
    await retain(context);
    expect(await whatIsLeft(young)).toEqual(ALL);
    expect(await whatIsLeft(old)).toEqual([]);
    expect(await whatIsLeft(waiting)).toEqual(ALL);
    expect(await whatIsLeft(dead)).toEqual([...ALL, "dead_letters"]);
    expect(await whatIsLeft(unfinished)).toEqual(["jobs"]);
    expect(await whatIsLeft(veryOld)).toEqual([]);
    const weeks = (await listPartitions(context.pool)).filter(({ name }) => !name.includes("kept"));
    expect(Math.min(...weeks.map(({ to }) => to.getTime()))).toBeGreaterThan(daysAgo(30).getTime());
    expect(await count(t, "books where not balanced")).toBe(0);

    // what was kept goes when nothing needs it any more
    await t.database.pool.query("update dead_letters set created_at = $2 where delivery_id = $1", [
      dead,
      daysAgo(91),
    ]);
    const later = { ...context, now: () => daysAgo(-31) };
    await retain(later);
    expect(await whatIsLeft(dead)).toEqual([]);
    expect(await whatIsLeft(waiting)).toEqual(ALL);
    expect(await whatIsLeft(unfinished)).toEqual(["jobs"]);
  });

  test("a week that somebody uses is left until it is free", async () => {
    await makePartitions(context.pool, daysAgo(-60));
    const { name } = partitionAt("deliveries", daysAgo(-60));
    const there = async (): Promise<boolean> =>
      (await listPartitions(context.pool)).some((one) => one.name === name);
    const reader = await t.database.pool.connect();
    await reader.query("begin; select 1 from deliveries limit 1");
    const retaining = retain({ ...context, now: () => daysAgo(-120) });
    await sleep(1_500);
    expect(await there()).toBe(true);
    await reader.query("rollback");
    reader.release();
    await retaining;
    expect(await there()).toBe(false);
  });
});
