import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Pool } from "pg";
import { newId } from "../../src/core/ids.ts";
import { listJobs } from "../../src/db/jobs.ts";
import { createPool } from "../../src/db/pool.ts";
import { plannedEachTime } from "../../src/db/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let pool: Pool;
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
  await pool?.end();
  await database?.drop();
});

/** How often each list was carried out by a plan for any values. */
async function plansOnce(): Promise<number[]> {
  const { rows } = await pool.query<{ generic_plans: string }>(
    `select generic_plans from pg_prepared_statements where statement like '%from jobs%'
     order by prepare_time`,
  );
  return rows.map((row) => Number(row.generic_plans));
}

test("a list by one filter is planned once, whatever its value; by several, each time", async () => {
  const reader = plannedEachTime(pool);
  for (const type of ["demo.echo", "csv.summary", "demo.echo"]) {
    await listJobs(reader, newId(), { type, limit: 10 });
  }
  expect(await plansOnce()).toEqual([3]);

  await listJobs(reader, newId(), { type: "demo.echo", status: "failed", limit: 10 });
  expect(await plansOnce()).toEqual([3]);

  await listJobs(reader, newId(), { status: "failed", limit: 10 });
  await listJobs(reader, newId(), { status: "completed", limit: 10 });
  expect(await plansOnce()).toEqual([3, 1, 1]);
});
