import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { newId } from "../../src/core/ids.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { beat, registerWorker } from "../../src/db/maintenance/workers.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count, ended, running, submit, until, warmUp } from "../support/jobs.ts";

let t: TestContext;
let survivor: TestContext | undefined;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
});
afterEach(async () => {
  await survivor?.stop();
  survivor = undefined;
});
afterAll(async () => {
  await t?.stop();
});

async function isRegistered(id: string): Promise<boolean> {
  return (await count(t, "workers where id = $1", [id])) === 1;
}

/** Ends connections of all processes, as a network that fails does. */
async function cut(what: "liveness" | "notifier"): Promise<void> {
  const { rowCount } = await t.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [`ringback ${what}`],
  );
  expect(rowCount).toBeGreaterThan(0);
}

test("one sign of life is enough; none for 3 s is death", async () => {
  survivor = await createTestContext({ database: t.database, config: { roles: ["deliver"] } });
  const session = new pg.Client({ connectionString: t.database.url });
  const other = new pg.Client({ connectionString: t.database.url });
  await Promise.all([session.connect(), other.connect()]);
  const about = { hostname: "h", pid: 1, version: "0", masterKeys: [] };
  const identity = { ...about, roles: ["compute"], threads: 1 };
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
  await until("both recoveries", async () => {
    return !(await isRegistered(busy)) && !(await isRegistered(lockless));
  });
  expect(performance.now() - began).toBeGreaterThan(2_000);
  expect(await beat(sessionTx(other), lockless)).toBeNull();
  await other.end();
});

test("a worker that lost its liveness session is not buried, and locks anew", async () => {
  survivor = await createTestContext({ database: t.database });
  const second = await createTestContext({ database: t.database });
  await warmUp(t);
  const ids = [survivor.context.worker.id, second.context.worker.id];
  const job = await submit(t, { type: "demo.sleep", input: { ms: 4_500 } });
  await running(t, job);
  await cut("liveness");
  expect(await ended(t, job)).toMatchObject({ status: "completed", run: 1 });
  expect([survivor.context.worker.id, second.context.worker.id]).toEqual(ids);
  const locks = `pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())`;
  await until("both locks", async () => (await count(t, locks)) === 2);
  await second.stop();
});

test("a job submitted while a worker does not listen is found when it listens again", async () => {
  survivor = await createTestContext({ database: t.database });
  await warmUp(t);
  const { repairs } = survivor.context.telemetry.metrics;
  for (let round = 0; round < 5; round += 1) {
    await cut("notifier");
    const job = await submit(t, { type: "demo.echo", input: {} });
    expect(await ended(t, job)).toMatchObject({ status: "completed", run: 1 });
  }
  // the audit, which would find it too, counts what it finds
  expect((await repairs.get()).values).toEqual([]);
});
