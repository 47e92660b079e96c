import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { claimRuns, returnRuns } from "../../src/db/jobs/runs.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { letInsertJobs } from "../support/job-states.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await letInsertJobs(database.pool);
});
afterAll(async () => await database.drop());

async function insertWorker(): Promise<string> {
  const id = newId();
  await database.pool.query(
    "insert into workers (id, hostname, pid, version, roles) values ($1, 'here', 1, '0', '{}')",
    [id],
  );
  return id;
}

test("a run of a dead worker goes on before the backlog of its account", async () => {
  const account = newId();
  const submit = async (): Promise<string> => {
    const id = newId();
    await database.pool.query(
      `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, next_run_at, request_id, trace_id)
       values ($1, $2, 'demo.echo', 'pending', '1', '{}', '[]', 60, 3, now(), 'req', 'trace')`,
      [id, account],
    );
    return id;
  };
  const tx = singleStatement(database.pool);
  const begun = await submit();
  const dead = await insertWorker();
  expect((await claimRuns(tx, dead, 1)).jobs.map(({ id }) => id)).toEqual([begun]);
  const backlog = [await submit(), await submit(), await submit()];

  await returnRuns(tx, [begun], true);
  const next = await claimRuns(tx, await insertWorker(), 1);
  expect(next.jobs.map(({ id, run, crashes }) => ({ id, run, crashes }))).toEqual([
    { id: begun, run: 2, crashes: 1 },
  ]);
  const rest = await claimRuns(tx, await insertWorker(), 10);
  expect(new Set(rest.jobs.map(({ id }) => id))).toEqual(new Set(backlog));
});
