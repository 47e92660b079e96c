import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import {
  callbackTo,
  count,
  ended,
  forgotten,
  running,
  submit,
  until,
  warmUp,
} from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startWorkerProcess } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";
import { DELETE_PENDING_JOBS } from "../support/job-states.ts";

let t: TestContext;
let receiver: Receiver;
let child: RingbackProcess | undefined;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  receiver = await startReceiver();
});
afterEach(async () => await endProcess(child));
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});

interface Facts {
  status: string;
  run: number;
  crashes: number;
  failures: number;
}

async function factsOf(id: string): Promise<Facts> {
  const { rows } = await t.database.pool.query<Facts>(
    "select status, run, crashes, failures from job_states where id = $1",
    [id],
  );
  return rows[0]!;
}

test("a stop hands runs back and finishes sends; nothing counts as a failure", async () => {
  child = await startWorkerProcess(t.database);
  await warmUp(t);
  receiver.respond({ status: 200, delayMs: 1_500 });
  const told = await submit(t, { callbacks: [callbackTo(`${receiver.url}/in-flight`)] });
  const sleeper = await submit(t, { type: "demo.sleep", input: { ms: 60_000 } });
  const burner = await submit(t, { type: "demo.burn", input: { ms: 60_000 } });
  await Promise.all([running(t, sleeper), running(t, burner)]);
  await receiver.waitFor((r) => r.path === "/in-flight", 15_000);
  const began = performance.now();
  child.kill("SIGTERM");
  const { code, signal, stderr } = await child.ended;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(performance.now() - began).toBeLessThan(12_000);
  expect(stderr).not.toContain('"level":"error"');

  for (const id of [sleeper, burner]) {
    expect(await factsOf(id)).toEqual({ status: "pending", run: 1, crashes: 0, failures: 0 });
  }
  const { rows } = await t.database.pool.query(
    "select status, attempt_count from deliveries where job_id = $1",
    [told],
  );
  expect(rows).toEqual([{ status: "delivered", attempt_count: 1 }]);
  expect(receiver.requests).toHaveLength(1);
  expect(await count(t, "workers")).toBe(0);
  expect(await count(t, "lanes where leased_by is not null")).toBe(0);
  expect(await forgotten(t)).toEqual({ jobs: 0, lanes: 0 });
  await t.database.pool.query(DELETE_PENDING_JOBS);
});

test("a send that outlasts the grace goes to another, as it is", async () => {
  child = await startWorkerProcess(t.database);
  receiver.respond({ status: 200, delayMs: 60_000 });
  const id = await submit(t, { callbacks: [callbackTo(`${receiver.url}/hangs`)] });
  await receiver.waitFor((r) => r.path === "/hangs", 15_000);
  await ended(t, id);
  const began = performance.now();
  child.kill("SIGTERM");
  expect((await child.ended).code).toBe(0);
  expect(performance.now() - began).toBeLessThan(13_000);
  expect(await forgotten(t)).toEqual({ jobs: 0, lanes: 0 });
  receiver.respond(200);
  const next = await createTestContext({ database: t.database });
  await until("its delivery", async () => {
    return (await count(t, "deliveries where job_id = $1 and status = 'delivered'", [id])) === 1;
  });
  await next.stop();
});
