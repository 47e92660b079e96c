import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { newId } from "../../src/core/ids.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { beat, registerWorker } from "../../src/db/workers.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, ended, jobOf, running, submit, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startWorkerProcess } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";

let t: TestContext;
let receiver: Receiver;
let child: RingbackProcess | undefined;
let survivor: TestContext | undefined;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  receiver = await startReceiver();
});
afterEach(async () => {
  await endProcess(child);
  await survivor?.stop();
  survivor = undefined;
});
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});

async function isRegistered(id: string): Promise<boolean> {
  return (await count(t, "workers where id = $1", [id])) === 1;
}

async function workerOf(pid: number): Promise<string> {
  const { rows } = await t.database.pool.query<{ id: string }>(
    "select id from workers where pid = $1",
    [pid],
  );
  return rows[0]!.id;
}

/** Ends the session that holds a process's lock, as a network that fails does. */
async function cutLivenessSessions(): Promise<void> {
  const { rowCount } = await t.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'ringback liveness'`,
  );
  expect(rowCount).toBeGreaterThan(0);
}

test("one sign of life is enough; none for 3 s is death", async () => {
  survivor = await createTestContext({ database: t.database, config: { roles: ["deliver"] } });
  const session = new pg.Client({ connectionString: t.database.url });
  const other = new pg.Client({ connectionString: t.database.url });
  await Promise.all([session.connect(), other.connect()]);
  const identity = { hostname: "h", pid: 1, version: "0", roles: ["compute"] };
  const [busy, lockless] = [newId(), newId()];
  // holds its lock and does not beat: its event loop is blocked
  await registerWorker(sessionTx(session), { id: busy, ...identity });
  // beats and does not hold its lock: the database was restarted
  await registerWorker(sessionTx(other), { id: lockless, ...identity });
  await other.query("select pg_advisory_unlock_all()");
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(300)) {
    expect(await beat(sessionTx(other), lockless)).toEqual({ locked: false });
  }
  expect(await isRegistered(busy)).toBe(true);
  expect(await isRegistered(lockless)).toBe(true);

  const began = performance.now();
  await session.end(); // the lock goes with it
  await until("both burials", async () => {
    return !(await isRegistered(busy)) && !(await isRegistered(lockless));
  });
  expect(performance.now() - began).toBeGreaterThan(2_000);
  expect(await beat(sessionTx(other), lockless)).toBeNull();
  await other.end();
});

test("a worker that lost its liveness session is not buried, and locks anew", async () => {
  survivor = await createTestContext({ database: t.database });
  const second = await createTestContext({ database: t.database });
  const ids = [survivor.context.worker.id, second.context.worker.id];
  const job = await submit(t, { type: "demo.sleep", input: { ms: 4_500 } });
  await running(t, job);
  await cutLivenessSessions();
  expect(await ended(t, job)).toMatchObject({ status: "completed", run: 1 });
  expect([survivor.context.worker.id, second.context.worker.id]).toEqual(ids);
  const locks = `pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())`;
  await until("both locks", async () => (await count(t, locks)) === 2);
  await second.stop();
});

test("a worker frozen for a while keeps what it has: its lock speaks for it", async () => {
  child = await startWorkerProcess(t.database, "compute");
  const id = await submit(t, { type: "demo.sleep", input: { ms: 2_000 } });
  await until("its first progress", async () => (await jobOf(t, id)).progress_at);
  survivor = await createTestContext({ database: t.database });
  child.kill("SIGSTOP");
  await sleep(4_500);
  expect(await jobOf(t, id)).toMatchObject({ status: "running", run: 1 });
  child.kill("SIGCONT");
  expect(await ended(t, id)).toMatchObject({ status: "completed", run: 1 });
});

test("a zombie changes nothing it lost, registers anew and works on", async () => {
  child = await startWorkerProcess(t.database);
  const before = await workerOf(child.pid);
  receiver.respond({ status: 200, delayMs: 4_000 });
  const told = await submit(t, { callbacks: [callbackTo(`${receiver.url}/zombie`)] });
  await receiver.waitFor((r) => r.path === "/zombie", 15_000);
  const id = await submit(t, {
    type: "demo.sleep",
    input: { ms: 2_500 },
    callbacks: [callbackTo(`${receiver.url}/ended`)],
  });
  await running(t, id);
  receiver.respond(200);
  child.kill("SIGSTOP");
  await cutLivenessSessions();
  survivor = await createTestContext({ database: t.database });
  await until("the burial", async () => !(await isRegistered(before)));
  expect(await ended(t, id)).toMatchObject({ status: "completed", run: 2 });
  await until("all deliveries", async () => {
    return (await count(t, "deliveries where status = 'pending'")) === 0;
  });
  expect(await count(t, "deliveries where job_id = $1 and status = 'delivered'", [told])).toBe(1);
  // what the survivor leaves, only the zombie can take
  await survivor.stop();
  survivor = undefined;
  const later = await submit(t, { callbacks: [callbackTo(`${receiver.url}/later`)] });
  const attempts = await count(t, "attempts");

  child.kill("SIGCONT");
  const resumed = performance.now();
  await child.wrote("registering anew", 10_000);
  await ended(t, later, 10_000);
  await receiver.waitFor((r) => r.path === "/later", 10_000);
  expect(performance.now() - resumed).toBeLessThan(8_000);
  expect(await workerOf(child.pid)).not.toBe(before);
  expect(await jobOf(t, id)).toMatchObject({ status: "completed", run: 2 });
  await until("its attempt", async () => (await count(t, "attempts")) === attempts + 1);
  expect(await count(t, "messages where job_id = $1", [id])).toBe(1);
  expect(await count(t, "jobs where status = 'running'")).toBe(0);
  expect(await count(t, "books where not balanced")).toBe(0);
});
