import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
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

test("a worker frozen for a while keeps what it has: its lock speaks for it", async () => {
  child = await startWorkerProcess(t.database, "compute");
  await warmUp(t);
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
  await warmUp(t);
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
  await until("the recovery", async () => !(await isRegistered(before)));
  const { run, status } = await ended(t, id);
  expect(status).toBe("completed");
  expect(run).toBeGreaterThan(1);
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
  expect(await jobOf(t, id)).toMatchObject({ status: "completed", run });
  await until("its attempt", async () => (await count(t, "attempts")) === attempts + 1);
  expect(await count(t, "messages where job_id = $1", [id])).toBe(1);
  expect(await count(t, "job_states where status = 'running'")).toBe(0);
  expect(await count(t, "books where not balanced")).toBe(0);
});
