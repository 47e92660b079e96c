import { expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { createPool } from "../../src/db/pool.ts";
import { claimRuns } from "../../src/db/jobs/runs.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { createTestDatabase } from "../support/database.ts";
import { noteFigure } from "../support/figures.ts";
import { rowsRead, type Plan } from "../support/plans.ts";
import { letInsertJobs } from "../support/job-states.ts";

const PENDING = 5_000;
/** After as many executions a statement keeps the plan it has. */
const EXECUTIONS = 10;

/** What a claim reads of a backlog when it was planned while there were no jobs. */
async function claimPlannedEarly(seqscan: "on" | "off"): Promise<{ rows: number; ms: number }> {
  const database = await createTestDatabase();
  await letInsertJobs(database.pool);
  const options = { connectionString: database.url, max: 1, name: "test" };
  const pool = createPool({ ...options, onError: () => undefined });
  try {
    // one connection, which keeps its plans
    const client = await pool.connect();
    if (seqscan === "on") await client.query("set enable_seqscan = on");
    const worker = newId();
    await client.query(
      "insert into workers (id, hostname, pid, version, roles) values ($1, 'here', 1, '0', '{}')",
      [worker],
    );
    const claim = () => claimRuns(sessionTx(client), worker, 4);
    for (let i = 0; i < EXECUTIONS; i++) expect((await claim()).jobs).toEqual([]);
    await client.query(
      `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, next_run_at, request_id, trace_id)
       select id, $2, 'demo.echo', 'pending', '1', '{}', '[]', 60, 3, now(), 'req', 'trace'
       from unnest($1::uuid[]) id`,
      [Array.from({ length: PENDING }, newId), newId()],
    );
    expect((await claim()).jobs).toHaveLength(4);
    const { rows } = await client.query<{
      "QUERY PLAN": [{ Plan: Plan; "Execution Time": number }];
    }>(`explain (analyze, timing off, format json) execute claim_runs('${worker}', 4, null)`);
    client.release();
    const [{ Plan: plan, "Execution Time": ms }] = rows[0]!["QUERY PLAN"];
    return { rows: rowsRead(plan), ms };
  } finally {
    await pool.end();
    await database.drop();
  }
}

test("a claim that was planned while there were no jobs does not read the backlog", async () => {
  const { rows, ms } = await claimPlannedEarly("off");
  noteFigure(`claim planned early, sequential scans off: ${rows} rows in ${ms.toFixed(2)} ms`);
  expect(rows).toBeLessThan(PENDING / 20);
});

// when this fails on every version, the switch can go (docs/decisions/0022)
test("with sequential scans on it reads all of it", async () => {
  const { rows, ms } = await claimPlannedEarly("on");
  noteFigure(`claim planned early, sequential scans on: ${rows} rows in ${ms.toFixed(2)} ms`);
  expect(rows).toBeGreaterThanOrEqual(PENDING);
});
