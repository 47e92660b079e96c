import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { recoverWorker } from "../../src/flow/maintenance/recover-worker.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import { auditOwn } from "../../src/flow/maintenance/reconcile.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, ended, jobOf, submit, until, warmUp } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { letInsertJobs } from "../support/job-states.ts";

const REFUSED = "refused by the test";
const STEPS = ["messages", "deliveries", "graphile_worker._private_jobs"] as const;

let t: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  t = await createTestContext();
  await warmUp(t);
  receiver = await startReceiver();
  await letInsertJobs(t.database.pool);
  await t.database.pool.query(`
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$ begin
      perform nextval('refusals');
      raise '${REFUSED}';
    end $$`);
});
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});
afterEach(letThrough);

/** From now on one step of publishing fails: the message, its delivery or the wake-up of the lane. */
async function refuse(table: (typeof STEPS)[number]): Promise<void> {
  // a lane in somebody's hands, or woken already, needs no wake-up
  await until("the lanes to be left", async () => {
    const { rows } = await t.database.pool.query(
      `select from lanes where leased_by is not null union all
       select from graphile_worker.jobs where key like 'pump-lane:%' and run_at <= now()`,
    );
    return rows.length === 0;
  });
  // wake-ups of jobs pass: it is the lane's that is under attack
  const when = table.startsWith("graphile") ? "when (new.key like 'pump-lane:%')" : "";
  await t.database.pool.query(`select setval('refusals', 1, false);
    create trigger refuse before insert on ${table} for each row ${when} execute function refuse()`);
}

async function letThrough(): Promise<void> {
  for (const table of STEPS) {
    await t.database.pool.query(`drop trigger if exists refuse on ${table}`);
  }
}

async function refusals(): Promise<number> {
  const { rows } = await t.database.pool.query<{ n: number }>(
    "select case when is_called then last_value else 0 end::int as n from refusals",
  );
  return rows[0]!.n;
}

/** What the world may see of a job's events, in one snapshot. */
async function seen(jobId: string) {
  const { rows } = await t.database.pool.query<{
    status: string;
    messages: string[];
    deliveries: number;
  }>(
    `select status,
       array(select type from messages m where m.job_id = j.id order by m.id) as messages,
       (select count(*)::int from deliveries d where d.job_id = j.id) as deliveries
     from job_states j where j.id = $1`,
    [jobId],
  );
  return rows[0]!;
}

describe.each(STEPS)("when inserting into %s fails", (table) => {
  test("a job's end is not visible without its message (T3), and comes later", async () => {
    const callbacks = [callbackTo(`${receiver.url}/t3-${table}`)];
    await refuse(table);
    const id = await submit(t, { callbacks });
    await until("the first refusal", async () => (await refusals()) > 0);
    expect(await seen(id)).toEqual({
      status: expect.stringMatching(/^(pending|running)$/),
      messages: [],
      deliveries: 0,
    });
    await letThrough();
    await until("the run to be let go", () => !t.context.runs.has(id));
    await auditOwn(t.context);
    await ended(t, id);
    expect(await seen(id)).toEqual({
      status: "completed",
      messages: ["job.completed"],
      deliveries: 1,
    });
    await receiver.waitFor((r) => r.path === `/t3-${table}`, 15_000);
  });

  test("a job that is canceled before it runs stays pending (cancel)", async () => {
    const pending = await insertPending(`${receiver.url}/cancel-${table}`);
    await refuse(table);
    await expect(
      cancelJob(t.context, { accountId: t.accountId, jobId: pending }),
    ).rejects.toMatchObject({ message: REFUSED });
    expect(await seen(pending)).toEqual({ status: "pending", messages: [], deliveries: 0 });
    await letThrough();
    await cancelJob(t.context, { accountId: t.accountId, jobId: pending });
    expect(await seen(pending)).toEqual({
      status: "canceled",
      messages: ["job.canceled"],
      deliveries: 1,
    });
  });

  test("a run does not begin without its job.started (T2)", async () => {
    await refuse(table);
    const events = ["job.started", "job.completed"];
    const id = await submit(t, {
      callbacks: [callbackTo(`${receiver.url}/t2-${table}`, { events })],
    });
    await until("the first refusal", async () => (await refusals()) > 0);
    expect(await seen(id)).toEqual({ status: "pending", messages: [], deliveries: 0 });
    expect((await jobOf(t, id)).run).toBe(0);
    await letThrough();
    await ended(t, id);
    expect((await seen(id)).messages).toEqual(["job.started", "job.completed"]);
    expect((await jobOf(t, id)).run).toBe(1);
  });

  test("a recovery that would end a job is whole or nothing", async () => {
    const id = await insertPending(`${receiver.url}/recovery-${table}`);
    const dead = newId();
    await t.database.pool.query(
      "insert into workers (id, hostname, pid, version, roles) values ($1, 'gone', 1, '0', '{}')",
      [dead],
    );
    await t.database.pool.query(
      `update unfinished_jobs set status = 'running', run = 3, crashes = 2, worker_id = $2,
         next_run_at = null where id = $1`,
      [id, dead],
    );
    await refuse(table);
    await expect(recoverWorker(t.context, { id: dead, heartbeat: "0" })).rejects.toMatchObject({
      message: REFUSED,
    });
    expect(await seen(id)).toEqual({ status: "running", messages: [], deliveries: 0 });
    expect(await count(t, "workers where id = $1", [dead])).toBe(1);
    await letThrough();
    await recoverWorker(t.context, { id: dead, heartbeat: "0" });
    expect(await seen(id)).toEqual({ status: "failed", messages: ["job.failed"], deliveries: 1 });
    expect((await jobOf(t, id)).error_code).toBe("worker_crashed");
    expect(await count(t, "workers where id = $1", [dead])).toBe(0);
  });
});

/** A pending job that is due in an hour, so no worker takes it. */
async function insertPending(url: string): Promise<string> {
  const id = newId();
  await t.database.pool.query(
    `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
       max_runs, next_run_at, request_id, trace_id)
     values ($1, $2, 'demo.echo', 'pending', '1', '{}', $3, 60, 3, now() + interval '1 hour',
       'req', '0af7651916cd43dd8448eb211c80319c')`,
    [id, t.accountId, JSON.stringify([callbackTo(url)])],
  );
  return id;
}
