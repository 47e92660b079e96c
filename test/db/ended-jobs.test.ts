import { afterAll, beforeAll, test } from "@jest/globals";
import { createPool } from "../../src/db/pool.ts";
import { claimRuns } from "../../src/db/runs.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestContext } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";
import { listenIn } from "../support/plans.ts";

const JOBS = 3_000;
const WORKER = "00000000-0000-7000-8000-000000000001";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database?.drop();
});

/** Pages that a claim looks at. */
async function pagesOfClaim(): Promise<number> {
  const pool = createPool({
    connectionString: database.url,
    max: 1,
    name: "test",
    onError: () => undefined,
  });
  try {
    const [claim] = await listenIn(async () => {
      await claimRuns(singleStatement(pool), WORKER, 16);
    });
    const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) ${claim!.text.replace(/\$1/g, `'${WORKER}'`).replace(/\$2/g, "16")}`,
    );
    const { Plan } = rows[0]!["QUERY PLAN"][0];
    return Plan["Shared Hit Blocks"]! + Plan["Shared Read Blocks"]!;
  } finally {
    await pool.end();
  }
}

test("a claim does not pay for the jobs that ran before, vacuumed or not", async () => {
  const { pool } = database;
  await (await createTestContext({ database })).stop();
  // of this week, as they would be, and not analyzed yet
  await pool.query(`
    insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
      run, worker_id, request_id, trace_id)
    select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
      gen_random_uuid(), 'demo.echo', 'running', '{}', '{}', '[]', 600, 5, 1, '${WORKER}', '', ''
    from generate_series(1, ${JOBS}) n`);
  await pool.query(`
    update jobs set status = 'completed', worker_id = null, result = '{}', finished_at = now()`);
  // a pending one, or it would not ask for those that run
  await pool.query(`
    insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
      next_run_at, request_id, trace_id)
    values (gen_random_uuid(), gen_random_uuid(), 'demo.echo', 'pending', '{}', '{}', '[]', 600, 5,
      now(), '', '')`);
  // the first that may take them for dead marks them
  await until("a claim that reads little", async () => (await pagesOfClaim()) < 100);
});
