import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { deleteSpentWakeUps } from "../../src/db/queue/wake.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { auditOwn, createReconciler } from "../../src/flow/maintenance/reconcile.ts";
import { pumpLane } from "../../src/flow/deliveries/lane/pump.ts";
import { publishMessage } from "../../src/flow/deliveries/publish-message.ts";
import { changeEndpointState } from "../../src/flow/accounts/endpoints.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import {
  callbackTo,
  count,
  ended,
  endpointAt,
  jobOf,
  running,
  submit,
  until,
  warmUp,
} from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { letInsertJobs } from "../support/job-states.ts";

const NOTHING = { lanes: 0, replays: 0, deletions: 0 };

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(async () => await receiver?.close());

async function repairs(t: TestContext, what: string): Promise<number> {
  const { values } = await t.context.telemetry.metrics.repairs.get();
  return values.find(({ labels }) => labels.what === what)?.value ?? 0;
}

/** One turn of the reconciler; `pumped`: the lanes it takes up itself. */
async function reconcile(
  t: TestContext,
  pumped: string[] = [],
): Promise<{ lanes: number; replays: number }> {
  const reconciler = createReconciler(t.context, async (id) => void pumped.push(id));
  return await reconciler.turn();
}

async function claimsLost(t: TestContext): Promise<number> {
  const { values } = await t.context.telemetry.metrics.fenced.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

async function forget(t: TestContext, key: string): Promise<void> {
  const { rowCount } = await t.database.pool.query(
    "delete from graphile_worker._private_jobs where key = $1",
    [key],
  );
  expect(rowCount).toBe(1);
}

async function overdue(
  t: TestContext,
  table: "unfinished_jobs" | "deliveries",
  id: string,
): Promise<void> {
  const [column, key] =
    table === "unfinished_jobs" ? ["next_run_at", "id"] : ["next_attempt_at", "lane_id"];
  const { rowCount } = await t.database.pool.query(
    `update ${table} set ${column} = now() - interval '6 seconds' where ${key} = $1 and status = 'pending'`,
    [id],
  );
  expect(rowCount).toBeGreaterThan(0);
}

async function publish(t: TestContext, type = "own.event"): Promise<void> {
  await publishMessage(t.context, {
    accountId: t.accountId,
    type,
    data: "{}",
    requestId: "req",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    idempotency: null,
  });
}

describe("the reconciler", () => {
  // takes nothing, so that what is forgotten stays so until it is repaired
  let idle: TestContext;
  beforeAll(async () => (idle = await createTestContext({ worker: false })));
  afterAll(async () => await idle?.stop());

  test("restores the wake-up of a lane; what waits for a reason is left alone", async () => {
    const endpoint = await endpointAt(idle, `${receiver.url}/lane`);
    const { id, laneId } = endpoint;
    await publish(idle);
    await forget(idle, `pump-lane:${laneId}`);
    await overdue(idle, "deliveries", laneId);
    const update = (text: string) =>
      idle.database.pool.query(`update lanes set ${text} where id = $1`, [laneId]);
    await update("breaker_until = now() + interval '1 minute'");
    expect(await reconcile(idle)).toEqual(NOTHING);
    await update("breaker_until = null, next_send_at = now() + interval '1 minute'");
    expect(await reconcile(idle)).toEqual(NOTHING);
    await update(`next_send_at = null, leased_by = '${newId()}'`);
    expect(await reconcile(idle)).toEqual(NOTHING);
    await update("leased_by = null");
    const of = { accountId: idle.accountId, endpointId: id };
    await changeEndpointState(idle.context, { ...of, action: "pause" });
    expect(await reconcile(idle)).toEqual(NOTHING);
    await changeEndpointState(idle.context, { ...of, action: "resume" });
    await forget(idle, `pump-lane:${laneId}`); // resuming woke it
    expect(await reconcile(idle)).toEqual({ ...NOTHING, lanes: 1 });
    expect(await repairs(idle, "lane")).toBe(1);
    const key = `pump-lane:${laneId}`;
    const wakeUps = "graphile_worker.jobs where key = $1 and run_at <= now()";
    expect(await count(idle, wakeUps, [key])).toBe(1);
  });

  test("a lane whose wake-up waits and is not fetched is starved: it is pumped without the queue", async () => {
    const { laneId } = await endpointAt(idle, `${receiver.url}/starved`, { events: ["starved"] });
    await publish(idle, "starved");
    const pumped: string[] = [];
    expect(await reconcile(idle, pumped)).toEqual(expect.objectContaining({ replays: 0 }));
    expect(pumped).not.toContain(laneId);
    await overdue(idle, "deliveries", laneId);
    await reconcile(idle, pumped);
    expect(pumped).toContain(laneId);
  });

  test("a lane with a backlog that is passed on between processes is not starved", async () => {
    const { laneId } = await endpointAt(idle, `${receiver.url}/passed`, { events: ["passed"] });
    await publish(idle, "passed");
    await overdue(idle, "deliveries", laneId);
    const pumped: string[] = [];
    const reconciling = reconcile(idle, pumped);
    // another process takes it up, sends something and leaves it again
    const passing = setInterval(
      () =>
        void idle.database.pool.query("update lanes set epoch = epoch + 1 where id = $1", [laneId]),
      100,
    );
    await reconciling;
    clearInterval(passing);
    expect(pumped).not.toContain(laneId);
    await reconcile(idle, pumped);
    expect(pumped).toContain(laneId);
  });

  test("all lanes with pending deliveries are looked at, some in each turn", async () => {
    const t = await createTestContext({ worker: false });
    const { accountId, database } = t;
    await database.pool.query(
      `with l as (
         insert into lanes (id, account_id, origin, ordered)
         select gen_random_uuid(), $1, 'https://' || n || '.test', false
         from generate_series(1, 2300) n returning id)
       insert into deliveries (id, account_id, message_id, event_type, lane_id, url, body_bytes,
         created_at, status, next_attempt_at)
       select gen_random_uuid(), $1, gen_random_uuid(), 'many', id, 'https://x.test', 2, now(),
         'pending', now() - interval '1 minute' from l`,
      [accountId],
    );
    const reconciler = createReconciler(t.context, async () => undefined);
    const found = [];
    for (let turn = 0; turn < 4; turn++) found.push((await reconciler.turn()).lanes);
    expect(found).toEqual([1_000, 1_000, 300, 1_000]);
    await t.stop();
  });

  test("entries that can't run again are swept away, others stay", async () => {
    await submit(idle);
    const tickets = "graphile_worker.jobs where task_identifier = 'claim-jobs'";
    const before = await count(idle, tickets);
    await idle.database.pool.query(
      `insert into graphile_worker._private_jobs (task_id, payload, max_attempts, attempts)
       select id, '{}', 1, 1 from graphile_worker._private_tasks where identifier = 'claim-jobs'`,
    );
    expect(await deleteSpentWakeUps(singleStatement(idle.database.pool))).toBe(1);
    expect(await count(idle, tickets)).toBe(before);
  });
});

describe("beside a worker", () => {
  let t: TestContext;
  beforeAll(async () => {
    t = await createTestContext();
    await warmUp(t);
    await letInsertJobs(t.database.pool);
  });
  afterAll(async () => await t?.stop());

  test("a lane whose queue entry was deleted is pumped after one repair", async () => {
    const idle = await createTestContext({ worker: false });
    const endpoint = await endpointAt(idle, `${receiver.url}/repaired`, { events: ["own.event"] });
    await publish(idle);
    await forget(idle, `pump-lane:${endpoint.laneId}`);
    await overdue(idle, "deliveries", endpoint.laneId);
    const worker = await createTestContext({ database: idle.database });
    const pump = async (id: string): Promise<void> => await pumpLane(worker.context, id);
    const reconciler = createReconciler(worker.context, pump);
    expect(await reconciler.turn()).toEqual({ lanes: 1, replays: 0, deletions: 0 });
    await receiver.waitFor((r) => r.path === "/repaired", 10_000);
    expect(await repairs(worker, "lane")).toBe(1);
    await reconciler.idle();
    await worker.stop();
    await idle.stop();
  });

  test("a job that nobody was told of is found by a free thread, and counted", async () => {
    const model = await submit(t);
    await ended(t, model);
    const tickets = "graphile_worker.jobs where task_identifier = 'claim-jobs'";
    await until("the ticket to be used", async () => (await count(t, tickets)) === 0);
    const before = await repairs(t, "job");
    const id = newId();
    await t.database.pool.query(
      `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, next_run_at, request_id, trace_id)
       select $1, account_id, type, 'pending', input, metadata, callbacks, timeout_s, max_runs,
         now(), request_id, trace_id from job_states where id = $2`,
      [id, model],
    );
    expect((await ended(t, id)).status).toBe("completed");
    expect(await repairs(t, "job")).toBe(before + 1);
  });

  test("a backlog that waits for threads is not taken for forgotten", async () => {
    const ids = await Promise.all(
      Array.from({ length: 40 }, () => submit(t, { type: "demo.sleep", input: { ms: 100 } })),
    );
    await t.database.pool.query(
      `update unfinished_jobs set next_run_at = now() - interval '1 minute'
       where id = any($1) and status = 'pending'`,
      [ids],
    );
    const before = await repairs(t, "job");
    let looks = 0;
    await until("the backlog to be done", async () => {
      await auditOwn(t.context);
      looks += 1;
      return (await count(t, "job_states where finished_at is null")) === 0;
    });
    expect(looks).toBeGreaterThan(5);
    expect(await repairs(t, "job")).toBe(before);
  });

  test("a job that is given back while its old run goes on is run again", async () => {
    const id = await submit(t, { type: "demo.sleep", input: { ms: 1_500 } });
    await running(t, id);
    await until("its run", () => (t.context.runs.get(id)?.run ?? 0) > 0);
    // as a recovery does, while this process goes on
    const client = await t.database.pool.connect();
    await client.query("begin");
    await client.query(
      `update unfinished_jobs set status = 'pending', worker_id = null, next_run_at = now() where id = $1`,
      [id],
    );
    await client.query("select graphile_worker.add_job('claim-jobs')");
    await client.query("commit");
    client.release();
    expect(await ended(t, id, 8_000)).toMatchObject({ status: "completed", run: 2 });
  });

  test("a wake-up that meets a pump without lease is not lost", async () => {
    const slow = await startReceiver({ respond: () => ({ status: 200, delayMs: 10_000 }) });
    const endpoint = await endpointAt(t, `${slow.url}/stale`, { events: ["own.event"] });
    await publish(t);
    await slow.waitFor(1, 10_000);
    // as a recovery does; its own wake-up was taken by another worker, who has left since
    await t.database.pool.query(
      "update lanes set leased_by = null, epoch = epoch + 1 where id = $1",
      [endpoint.laneId],
    );
    await publish(t);
    slow.respond(200);
    await until(
      "both deliveries",
      async () => {
        const where = "deliveries where lane_id = $1 and status = 'delivered'";
        return (await count(t, where, [endpoint.laneId])) === 2;
      },
      8_000,
    );
    await slow.close();
  });
});

describe("the audit of a worker's own", () => {
  let t: TestContext;
  beforeAll(async () => {
    t = await createTestContext();
    await warmUp(t);
    await letInsertJobs(t.database.pool);
  });
  afterAll(async () => await t?.stop());

  test("gives back a run and a lease in nobody's hands", async () => {
    const [laneId, jobId] = [newId(), newId()];
    const { pool } = t.database;
    await pool.query(
      `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
         max_runs, run, worker_id, request_id, trace_id)
       values ($1, $2, 'demo.echo', 'running', '1', '{}', '[]', 60, 3, 1, $3, 'req', 'trace')`,
      [jobId, t.accountId, t.context.worker.id],
    );
    await pool.query(
      `insert into lanes (id, account_id, origin, ordered, leased_by, epoch)
       values ($1, $2, 'http://127.0.0.1:1', false, $3, 7)`,
      [laneId, t.accountId, t.context.worker.id],
    );
    await auditOwn(t.context);
    expect(await ended(t, jobId)).toMatchObject({ status: "completed", run: 2 });
    const { rows } = await pool.query<{ crashes: number; failures: number }>(
      "select crashes, failures from job_states where id = $1",
      [jobId],
    );
    expect(rows[0]).toEqual({ crashes: 0, failures: 0 });
    await until("the lane to be free", async () => {
      return (await count(t, "lanes where id = $1 and leased_by is null", [laneId])) === 1;
    });
    expect([await repairs(t, "run"), await repairs(t, "lease")]).toEqual([1, 1]);
  });

  test("a run that ends while the answer is on its way is not lost", async () => {
    const [before, lost] = [await repairs(t, "run"), await claimsLost(t)];
    const id = await submit(t, { type: "demo.sleep", input: { ms: 400 } });
    await running(t, id);
    const { pool } = t.context;
    const slowPool = Object.assign(Object.create(pool) as typeof pool, {
      query: async (...query: Parameters<typeof pool.query>) => {
        const answer: unknown = await Promise.resolve(pool.query(...query));
        await until("its end", () => !t.context.runs.has(id));
        return answer;
      },
    });
    await auditOwn({ ...t.context, pool: slowPool });
    expect(await repairs(t, "run")).toBe(before);
    expect(await claimsLost(t)).toBe(lost);
    expect(await jobOf(t, id)).toMatchObject({ status: "completed", run: 1 });
  });

  test("finds nothing under load, where runs and leases end while it looks", async () => {
    const [before, lost] = [await repairs(t, "run"), await claimsLost(t)];
    const ids = await Promise.all(
      Array.from({ length: 300 }, () =>
        submit(t, { callbacks: [callbackTo(`${receiver.url}/load`)] }),
      ),
    );
    await until("the load to be done", async () => {
      await Promise.all([auditOwn(t.context), auditOwn(t.context)]);
      return (await count(t, "job_states where finished_at is null")) === 0;
    });
    expect(await repairs(t, "run")).toBe(before);
    expect(await repairs(t, "lease")).toBe(1);
    expect(await claimsLost(t)).toBe(lost);
    expect((await jobOf(t, ids[0]!)).run).toBe(1);
  });
});
