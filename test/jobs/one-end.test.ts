import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Problem } from "../../src/core/problem.ts";
import type { ClaimedRun } from "../../src/db/jobs/runs.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import { finishJob, handBack } from "../../src/flow/jobs/finish.ts";
import { claimPending } from "../../src/flow/jobs/claim.ts";
import { createProgressReporter } from "../../src/flow/jobs/progress.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import {
  callbackTo,
  count,
  ended,
  jobOf,
  running,
  submit,
  until,
  warmUp,
} from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const COMPLETED = {
  status: "completed",
  result: '"stale"',
  errorCode: null,
  errorMessage: null,
} as const;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(async () => await receiver?.close());

/** How often a write was refused because its claim was lost. */
async function fenced(t: TestContext): Promise<number> {
  const { values } = await t.context.telemetry.metrics.fenced.get();
  return values.find(({ labels }) => labels.what === "run")?.value ?? 0;
}

describe("a run whose claim was lost changes nothing", () => {
  let t: TestContext;
  beforeAll(async () => {
    // registered as a worker, but takes no jobs: the test is what claims them
    t = await createTestContext({ config: { roles: ["deliver"] } });
  });
  afterAll(async () => await t?.stop());

  async function claim(): Promise<ClaimedRun> {
    const id = await submit(t, {
      callbacks: [callbackTo(receiver.url, { events: ["job.progress", "job.completed"] })],
    });
    const { jobs } = await claimPending(t.context, 1);
    expect(jobs.map((job) => job.id)).toEqual([id]);
    return jobs[0]!;
  }

  async function takeOver(id: string): Promise<void> {
    await t.database.pool.query(
      "update unfinished_jobs set run = run + 1, progress_message = 'of another' where id = $1",
      [id],
    );
  }

  async function whole(id: string): Promise<unknown> {
    const { rows } = await t.database.pool.query("select * from job_states where id = $1", [id]);
    return rows[0];
  }

  test.each(["finish", "fail", "hand back", "hand back as failed", "progress"])(
    "%s after another took the job over",
    async (what) => {
      const claimed = await claim();
      const run = { id: claimed.id, run: claimed.run };
      await takeOver(run.id);
      const before = await whole(run.id);
      const refused = await fenced(t);
      if (what === "finish") await finishJob(t.context, { ...run, ...COMPLETED });
      if (what === "fail") {
        const error = { errorCode: "x", errorMessage: "x" };
        await finishJob(t.context, { ...run, ...error, status: "failed", result: null });
      }
      if (what.startsWith("hand back")) {
        await handBack(t.context, { ...run, delayMs: 0, failed: what.endsWith("failed") });
      }
      if (what === "progress") {
        const reporter = createProgressReporter(t.context, claimed);
        const read = await count(t, "messages");
        for (let n = 0; n < 20; n++) reporter.report({ fraction: 0.9, message: "old", data: null });
        await new Promise((resolve) => setTimeout(resolve, 100));
        await reporter.settled();
        expect(await count(t, "messages")).toBe(read);
      } else {
        expect(await fenced(t)).toBe(refused + 1);
      }
      expect(await whole(run.id)).toEqual(before);
      expect(await count(t, "messages where job_id = $1", [run.id])).toBe(0);
      // the holder, who knows the number, can
      await finishJob(t.context, { ...run, ...COMPLETED, run: run.run + 1 });
      expect((await jobOf(t, run.id)).status).toBe("completed");
      expect(await count(t, "messages where job_id = $1", [run.id])).toBe(1);
    },
  );

  test("nothing follows an end, not even by the run that made it", async () => {
    const { id, run } = await claim();
    await finishJob(t.context, { id, run, ...COMPLETED, result: '"first"' });
    const before = await whole(id);
    await finishJob(t.context, { id, run, ...COMPLETED, result: '"second"' });
    await handBack(t.context, { id, run, delayMs: 0, failed: true });
    const cancel = cancelJob(t.context, { accountId: t.accountId, jobId: id });
    await expect(cancel).rejects.toMatchObject({ code: "job_finished" } satisfies Partial<Problem>);
    expect(await whole(id)).toEqual(before);
    expect(await count(t, "messages where job_id = $1", [id])).toBe(1);
  });

  test("two claims of one job: one gets it", async () => {
    const id = await submit(t);
    const second = await createTestContext({
      database: t.database,
      config: { roles: ["deliver"] },
    });
    try {
      const claims = await Promise.all([
        claimPending(t.context, 1),
        claimPending(second.context, 1),
      ]);
      expect(claims.flatMap(({ jobs }) => jobs.map((job) => job.id))).toEqual([id]);
      expect(await jobOf(t, id)).toMatchObject({ status: "running", run: 1 });
    } finally {
      await second.stop();
    }
  });

  test("a worker that is not registered any more gets no claim", async () => {
    const id = await submit(t);
    const { worker } = t.context;
    const gone = await createTestContext({ database: t.database, worker: false });
    gone.context.worker.id = worker.id.replace(/....$/, "0000");
    expect(await claimPending(gone.context, 1)).toEqual({ jobs: [], chosen: 1, stoppedAt: null });
    await gone.stop();
    expect((await jobOf(t, id)).status).toBe("pending");
  });
});

describe("with a worker", () => {
  let t: TestContext;
  beforeAll(async () => {
    t = await createTestContext();
    await warmUp(t);
  });
  afterAll(async () => await t?.stop());

  test("a job taken over in the middle of its run ends as its new holder says", async () => {
    const id = await submit(t, { type: "demo.sleep", input: { ms: 800 } });
    await running(t, id);
    const refused = await fenced(t);
    await t.database.pool.query("update unfinished_jobs set run = run + 1 where id = $1", [id]);
    await until("the old run to be refused", async () => (await fenced(t)) > refused);
    const job = await jobOf(t, id);
    expect(job).toMatchObject({ status: "running", run: 2, error_code: null });
    await finishJob(t.context, { id, run: 2, ...COMPLETED });
    await ended(t, id);
  });

  test("100 cancellations against 100 endings: one end each, told once", async () => {
    const inconsistent = watchForGaps(t);
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        submit(t, {
          type: n % 2 === 0 ? "demo.echo" : "demo.sleep",
          input: { ms: n % 40 },
          callbacks: [callbackTo(`${receiver.url}/race`)],
        }),
      ),
    );
    const refusals = await Promise.all(
      ids.map(async (jobId, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 3));
        return await cancelJob(t.context, { accountId: t.accountId, jobId }).then(
          () => null,
          ({ code }: Problem) => code,
        );
      }),
    );
    const jobs = await Promise.all(ids.map((id) => ended(t, id)));
    const statuses = new Map([["completed", 0]]);
    for (const [index, { status }] of jobs.entries()) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === "canceled") expect(refusals[index]).toBeNull();
      else expect(refusals[index] ?? "job_finished").toBe("job_finished");
    }
    // the race was one: both sides won some
    expect([...statuses.keys()].toSorted()).toEqual(["canceled", "completed"]);
    const { rows } = await t.database.pool.query<{ type: string; status: string; n: number }>(
      `select m.type, j.status, count(*)::int as n from job_states j join messages m on m.job_id = j.id
       where j.id = any($1) group by 1, 2`,
      [ids],
    );
    for (const { type, status } of rows) expect(type).toBe(`job.${status}`);
    expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(100);
    await until("all webhooks", () => {
      const ofRace = receiver.requests.filter(({ path }) => path === "/race");
      return new Set(ofRace.map(({ headers }) => headers["webhook-id"])).size === 100;
    });
    expect(await inconsistent()).toBe(0);
  });
});

/** Looks, until asked for the answer, for jobs that have ended and whose message is missing. */
function watchForGaps(t: TestContext): () => Promise<number> {
  let gaps = 0;
  let watching = true;
  const watch = (async () => {
    while (watching) {
      gaps += await count(
        t,
        `job_states j where finished_at is not null and callbacks <> '[]' and not exists (
           select 1 from messages m join deliveries d on d.message_id = m.id
           where m.job_id = j.id and m.type = 'job.' || j.status)`,
      );
    }
  })();
  return async () => {
    watching = false;
    await watch;
    return gaps;
  };
}
