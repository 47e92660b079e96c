import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import type { Problem } from "../../src/core/problem.ts";
import type { ClaimedRun } from "../../src/db/jobs/runs.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import { claimPending } from "../../src/flow/jobs/claim.ts";
import { finishJob, handBack } from "../../src/flow/jobs/finish.ts";
import { recoverWorker } from "../../src/flow/maintenance/recover-worker.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { BROKEN_STATES } from "../support/job-states.ts";
import { count, submit } from "../support/jobs.ts";

const JOBS = 240;
const COMPLETED = {
  status: "completed",
  result: "1",
  errorCode: null,
  errorMessage: null,
} as const;

let t: TestContext;
beforeAll(async () => {
  // registered as a worker, but takes no jobs: the test is what claims them
  t = await createTestContext({ config: { roles: ["deliver"] } });
});
afterAll(async () => await t?.stop());

test("each job is in one state, and can be fetched, while all who may end it do so at once", async () => {
  const ids = await Promise.all(Array.from({ length: JOBS }, () => submit(t)));
  const watch = watchStates(ids);
  // a third waits, a third is in the hands of this process, a third in those of a dead one
  const mine = await claim(t.context.worker.id);
  const dead = newId();
  await t.database.pool.query(
    "insert into workers (id, hostname, pid, version, roles) values ($1, 'gone', 1, '0', '{}')",
    [dead],
  );
  const theirs = await claim(dead);
  await t.database.pool.query("update unfinished_jobs set crashes = 2 where worker_id = $1", [
    dead,
  ]);

  const refused = await Promise.all([
    ...ids.map(async (id, n) => {
      await new Promise((resolve) => setTimeout(resolve, n % 60));
      return await cancel(id);
    }),
    ...[...mine, ...theirs].map(async ({ id, run }, n) => {
      await new Promise((resolve) => setTimeout(resolve, (n * 7) % 60));
      if (n % 4 === 0) await handBack(t.context, { id, run, delayMs: 0, failed: false });
      else await finishJob(t.context, { id, run, ...COMPLETED });
      return null;
    }),
    recoverWorker(t.context, { id: dead, heartbeat: "0" }).then(() => null),
  ]);
  // those that wait again, or run and are to be canceled
  const left = await claim(t.context.worker.id);
  for (const { id, run } of left) await finishJob(t.context, { id, run, ...COMPLETED });
  const { rows: asked } = await t.database.pool.query<{ id: string; run: number }>(
    "select id, run from unfinished_jobs",
  );
  for (const { id, run } of asked) await finishJob(t.context, { id, run, ...COMPLETED });

  const { looks, broken } = await watch();
  expect(broken).toEqual([]);
  expect(looks).toBeGreaterThan(10);
  expect(await count(t, "unfinished_jobs")).toBe(0);
  expect(await count(t, "job_ends")).toBe(JOBS);
  expect(await count(t, "job_ends where status = 'canceled'")).toBeGreaterThan(0);
  expect(await count(t, "job_ends where status = 'completed'")).toBeGreaterThan(0);
  // one that had ended said so, and none seemed to be gone
  expect(refused.filter((code) => code !== null && code !== "job_finished")).toEqual([]);
  expect(refused).toContain("job_finished");
});

async function claim(workerId: string): Promise<ClaimedRun[]> {
  const worker = { ...t.context.worker, id: workerId };
  return (await claimPending({ ...t.context, worker }, JOBS / 3)).jobs;
}

async function cancel(jobId: string): Promise<string | null> {
  return await cancelJob(t.context, { accountId: t.accountId, jobId }).then(
    () => null,
    ({ code }: Problem) => code,
  );
}

/** Looks, until asked for the answer, for jobs in no state or in two. */
function watchStates(ids: readonly string[]): () => Promise<{ looks: number; broken: string[] }> {
  const broken = new Set<string>();
  let looks = 0;
  let watching = true;
  const watch = (async () => {
    while (watching) {
      const { rows } = await t.database.pool.query<{ id: string }>(BROKEN_STATES);
      for (const { id } of rows) broken.add(id);
      if ((await count(t, "job_states where status is not null")) !== ids.length)
        broken.add("count");
      looks += 1;
    }
  })();
  return async () => {
    watching = false;
    await watch;
    return { looks, broken: [...broken] };
  };
}
