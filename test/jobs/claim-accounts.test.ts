import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { CLAIM_ACCOUNTS } from "../../src/db/jobs/runs.ts";
import { claimPending } from "../../src/flow/jobs/claim.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { letInsertJobs } from "../support/job-states.ts";
import { count, submissionOf, until } from "../support/jobs.ts";
import { submitJob } from "../../src/flow/jobs/submit.ts";

const ACCOUNTS = 3 * CLAIM_ACCOUNTS + 8;

let t: TestContext;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  await letInsertJobs(t.database.pool);
});
afterAll(async () => await t?.stop());

/** Accounts, each with some jobs that are due then. */
async function addAccounts(number: number, jobs: number, dueInS: number): Promise<string[]> {
  const ids = Array.from({ length: number }, () => newId());
  await t.database.pool.query(
    `insert into accounts (id, name) select id, id::text from unnest($1::uuid[]) id`,
    [ids],
  );
  const owners = ids.flatMap((id) => Array.from({ length: jobs }, () => id));
  await t.database.pool.query(
    `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
       max_runs, next_run_at, request_id, trace_id)
     select job, account, 'demo.echo', 'pending', '1', '{}', '[]', 60, 3,
       now() + $3 * interval '1 second', '', ''
     from unnest($1::uuid[], $2::uuid[]) as t(job, account)`,
    [owners.map(() => newId()), owners, dueInS],
  );
  return ids;
}

const pending = async (where: string): Promise<number> =>
  await count(t, `job_states where status = 'pending' and ${where}`);

test("accounts beyond those of one claim have their turns, however many have a backlog", async () => {
  await addAccounts(ACCOUNTS, 3, 0);
  const worker = await createTestContext({ database: t.database });
  await until("all jobs of all accounts to end", async () => (await pending("true")) === 0, 20_000);
  await worker.stop();
});

test("a due job behind accounts whose jobs are for later is found, and then nobody looks", async () => {
  const early = await addAccounts(ACCOUNTS, 1, 3_600);
  const worker = await createTestContext({ database: t.database });
  // the newest account comes last
  const [last] = await addAccounts(1, 0, 0);
  expect(early.every((id) => id < last!)).toBe(true);
  const submission = { ...submissionOf(t), accountId: last! };
  await submitJob(worker.context, submission);
  await until("the job to end", async () => (await pending(`account_id = '${last!}'`)) === 0);
  await until("all to be looked at", () => worker.context.jobs.isIdle());
  await worker.stop();
  expect(await pending("true")).toBe(ACCOUNTS);
});

test("one claim looks at some accounts, and says where it stopped", async () => {
  const context = { ...t.context, worker: { ...t.context.worker, id: newId() } };
  await t.database.pool.query(
    "insert into workers (id, hostname, pid, version, roles) values ($1, 'here', 1, '0', '{}')",
    [context.worker.id],
  );
  let after: string | null = null;
  const stops: (string | null)[] = [];
  do {
    const { stoppedAt } = await claimPending(context, 1, after);
    stops.push(stoppedAt);
    after = stoppedAt;
  } while (after !== null);
  expect(stops).toHaveLength(4);
  expect(new Set(stops).size).toBe(4);
});
