import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type pg from "pg";
import { newId } from "../../src/core/ids.ts";
import { createPool } from "../../src/db/pool.ts";
import { claimRuns } from "../../src/db/runs.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { rowsRead, type Plan } from "../support/plans.ts";

const PENDING = 5_000;
/** After as many executions a statement keeps the plan it has. */
const EXECUTIONS = 10;

let database: TestDatabase;
/** The product's own, with one connection, which keeps its plans. */
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url,
    max: 1,
    name: "test",
    onError: () => undefined,
  });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test("a claim that was planned while there were no jobs does not read the backlog", async () => {
  const worker = newId();
  await pool.query(
    "insert into workers (id, hostname, pid, version, roles) values ($1, 'here', 1, '0', '{}')",
    [worker],
  );
  const claim = () => claimRuns(singleStatement(pool), worker, 4);
  for (let i = 0; i < EXECUTIONS; i++) expect((await claim()).jobs).toEqual([]);
  await pool.query(
    `insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s,
       max_runs, next_run_at, request_id, trace_id)
     select id, $2, 'demo.echo', 'pending', '1', '{}', '[]', 60, 3, now(), 'req', 'trace'
     from unnest($1::uuid[]) id`,
    [Array.from({ length: PENDING }, newId), newId()],
  );
  expect((await claim()).jobs).toHaveLength(4);
  const { rows } = await pool.query<{ "QUERY PLAN": { Plan: Plan }[] }>(
    `explain (analyze, timing off, format json) execute claim_runs('${worker}', 4)`,
  );
  expect(rowsRead(rows[0]!["QUERY PLAN"][0]!.Plan)).toBeLessThan(PENDING / 20);
});
