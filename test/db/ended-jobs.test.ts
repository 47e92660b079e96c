import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createPool } from "../../src/db/pool.ts";
import { claimRuns } from "../../src/db/jobs/runs.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestContext } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { noteFigure } from "../support/figures.ts";
import { until } from "../support/jobs.ts";
import { listenIn } from "../support/plans.ts";
import { letInsertJobs } from "../support/job-states.ts";

const JOBS = 6_000;
const WORKER = "00000000-0000-7000-8000-000000000001";

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await fill();
});
afterEach(async () => await database.drop());

interface Explained {
  "QUERY PLAN": [{ Plan: Record<string, number>; "Execution Time": number }];
}

/** Pages that a claim looks at. */
async function costOfClaim(bitmapscan: "on" | "off"): Promise<{ pages: number; ms: number }> {
  const options = { connectionString: database.url, max: 1, name: "test" };
  const pool = createPool({ ...options, onError: () => undefined });
  try {
    await pool.query(`set enable_bitmapscan = ${bitmapscan}`);
    const [claim] = await listenIn(async () => {
      await claimRuns(singleStatement(pool), WORKER, 16);
    });
    const { rows } = await pool.query<Explained>(
      `explain (analyze, buffers, timing off, format json)
       ${claim!.text.replace(/\$1/g, `'${WORKER}'`).replace(/\$2/g, "16").replace(/\$3/g, "null")}`,
    );
    const [{ Plan, "Execution Time": ms }] = rows[0]!["QUERY PLAN"];
    return { pages: Plan["Shared Hit Blocks"]! + Plan["Shared Read Blocks"]!, ms };
  } finally {
    await pool.end();
  }
}

/** Jobs that ran in this week and have ended, not vacuumed or analyzed yet, and a pending one. */
async function fill(): Promise<void> {
  const { pool } = database;
  await (await createTestContext({ database })).stop();
  await letInsertJobs(pool);
  await pool.query("alter table unfinished_jobs set (autovacuum_enabled = off)");
  await pool.query(`
    insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
      run, worker_id, request_id, trace_id)
    select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
      gen_random_uuid(), 'demo.echo', 'running', '{}', '{}', '[]', 600, 5, 1, '${WORKER}', '', ''
    from generate_series(1, ${JOBS}) n`);
  await pool.query(`
    with gone as (delete from unfinished_jobs returning *)
    insert into job_ends (id, account_id, status, run, failures, crashes, progress_fraction, result,
      finished_at)
    select id, account_id, 'completed', run, failures, crashes, 1, '{}', now() from gone`);
  // or a claim would not ask for those that run
  await pool.query(`
    insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
      next_run_at, request_id, trace_id)
    values (gen_random_uuid(), gen_random_uuid(), 'demo.echo', 'pending', '{}', '{}', '[]', 600, 5,
      now(), '', '')`);
}

const FEW = 100;

test("a claim does not pay for the jobs that ran before, vacuumed or not", async () => {
  // the first that may take them for dead marks them
  await until("a claim that reads little", async () => {
    const { pages, ms } = await costOfClaim("off");
    if (pages >= FEW) return false;
    noteFigure(`claim after ${JOBS} jobs, bitmap scans off: ${pages} pages in ${ms.toFixed(2)} ms`);
    return true;
  });
});

// when this fails on every version, the switch can go (docs/decisions/0022)
test("with bitmap scans on it pays each time", async () => {
  for (let n = 1; n <= 5; n += 1) {
    const { pages, ms } = await costOfClaim("on");
    expect(pages).toBeGreaterThan(FEW);
    if (n < 5) continue;
    noteFigure(`claim after ${JOBS} jobs, bitmap scans on: ${pages} pages in ${ms.toFixed(2)} ms`);
  }
});
