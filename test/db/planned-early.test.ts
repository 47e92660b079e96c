import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BIG_TABLES } from "../../src/db/maintenance/partitions.ts";
import { createPool } from "../../src/db/pool.ts";
import { createTestContext } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { askedForJobs } from "../support/hot-statements.ts";
import { carryOut, rowsRead } from "../support/plans.ts";
import { letInsertJobs } from "../support/job-states.ts";

const ROWS = 2_000;
/** The tables that grow, by their partitions, and the one that a backlog is in. */
const BIG = new RegExp(`^(${BIG_TABLES.join("|")})_|^unfinished_jobs$`);
/** A few rows, in each of the partitions. */
const MOST_READ = ROWS / 50;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => await database?.drop());

test("what was planned while the big tables were empty goes by keys when they have grown", async () => {
  const asked = (await askedForJobs()).filter(
    ({ text, eachTime }) =>
      !eachTime && !/^\s*insert|insert into (jobs|messages|deliveries|lanes|workers)\b/.test(text),
  );
  expect(asked.length).toBeGreaterThan(20);
  const claim = asked.find(({ text }) => text.startsWith("with recursive me"));
  const worker = String(claim?.values[0]);
  // with the weeks that a process makes
  await (await createTestContext({ database })).stop();
  await letInsertJobs(database.pool);
  // the planner is told that there is nothing, and not only that it knows nothing
  await database.pool.query("vacuum analyze");
  const pool = createPool({
    connectionString: database.url,
    max: 1,
    name: "test",
    onError: () => undefined,
  });
  const client = await pool.connect();
  try {
    // before: it makes a schema, and all is planned anew when that is there
    await client.query(`
      create function pg_temp.v7() returns uuid language sql volatile as $$
        select (lpad(to_hex((extract(epoch from now() - interval '1 hour') * 1000)::bigint), 12, '0') || '7'
          || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid $$`);
    for (const [n, { text, values }] of asked.entries()) {
      await client.query(`prepare s${n} as ${text}`);
      await client.query("begin");
      await carryOut(client, `s${n}`, values);
      await client.query("rollback");
    }
    await client.query(`
      insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
        run, result, request_id, trace_id, finished_at)
      select pg_temp.v7(), gen_random_uuid(), 'demo.echo', 'completed', '{}', '{}', '[]', 600, 5, 1, '{}',
        '', '', now() from generate_series(1, ${ROWS});
      insert into workers (id, hostname, pid, version, roles)
      values ('${worker}', 'here', 1, '0', '{compute}') on conflict do nothing;
      insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
        next_run_at, request_id, trace_id)
      select pg_temp.v7(), gen_random_uuid(), 'demo.echo', 'pending', '{}', '{}', '[]', 600, 5, now(),
        '', '' from generate_series(1, 3);
      insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
        run, worker_id, request_id, trace_id)
      select pg_temp.v7(), gen_random_uuid(), 'demo.echo', 'running', '{}', '{}', '[]', 600, 5, 1,
        '${worker}', '', '' from generate_series(1, 3);
      insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
        next_run_at, request_id, trace_id)
      select pg_temp.v7(), account.id, 'demo.echo', 'pending', '{}', '{}', '[]', 600, 5,
        now() + interval '1 hour', '', ''
      from (select gen_random_uuid() as id) account, generate_series(1, ${ROWS});
      insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
      select pg_temp.v7(), gen_random_uuid(), 'never', 'body', 1, '', '' from generate_series(1, ${ROWS});
      insert into deliveries (id, account_id, message_id, event_type, lane_id, url, body_bytes, status,
        attempt_count, finished_at)
      select pg_temp.v7(), gen_random_uuid(), pg_temp.v7(), 'never', pg_temp.v7(), 'https://receiver.test', 4,
        'delivered', 1, now() from generate_series(1, ${ROWS});
      insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
        request_headers, response_truncated, manual)
      select id, 1, pg_temp.v7(), now(), 1, 200, '{}', false, false from deliveries`);
    const read: Record<string, number> = {};
    for (const [n, { text, values }] of asked.entries()) {
      await client.query("begin");
      read[text] = rowsRead(await carryOut(client, `s${n}`, values), BIG);
      await client.query("rollback");
    }
    expect(Object.entries(read).filter(([, rows]) => rows > MOST_READ)).toEqual([]);
  } finally {
    client.release();
    await pool.end();
  }
});
