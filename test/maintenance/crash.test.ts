import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, ended, running, submit, until, warmUp } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startWorkerProcess } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";

// The promise is 5 s; the limit is for a busy machine.
const RESUMED_MS = 20_000;

let t: TestContext;
let receiver: Receiver;
let victim: RingbackProcess | undefined;
let survivor: TestContext | undefined;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  receiver = await startReceiver();
});
afterEach(async () => {
  await endProcess(victim);
  await survivor?.stop();
  survivor = undefined;
});
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

async function lockedBy(poolIds: string[]): Promise<number> {
  const { rows } = await t.database.pool.query<{ n: number }>(
    `select count(*)::int as n from graphile_worker._private_jobs where locked_by = any($1)`,
    [poolIds],
  );
  return rows[0]!.n;
}

test("killed in the middle of runs and of a send: another resumes both, crashes are counted", async () => {
  // of this try alone
  const [cutPath, crashedPath] = [`/cut-${newId()}`, `/crashed-${newId()}`];
  victim = await startWorkerProcess(t.database);
  await warmUp(t);
  const { rows } = await t.database.pool.query<{ pool_ids: string[] }>(
    "select pool_ids from workers where pid = $1",
    [victim.pid],
  );
  const { pool_ids: poolIds } = rows[0]!;
  expect(poolIds).toHaveLength(2);

  // a send that hangs; the retry of a healthy sender would come at once
  receiver.respond({ status: 200, delayMs: 60_000 });
  const told = await submit(t, { callbacks: [callbackTo(receiver.url + cutPath)] });
  await receiver.waitFor((r) => r.path === cutPath, 15_000);
  await ended(t, told);

  const callbacks = [callbackTo(receiver.url + crashedPath)];
  const resumed = await submit(t, { type: "demo.sleep", input: { ms: 2_000 } });
  const poison = await submit(t, { type: "demo.burn", input: { ms: 60_000 }, callbacks });
  await Promise.all([running(t, resumed), running(t, poison)]);
  await t.database.pool.query("update unfinished_jobs set crashes = 2 where id = $1", [poison]);
  expect(await lockedBy(poolIds)).toBeGreaterThan(0);

  survivor = await createTestContext({ database: t.database });
  receiver.respond(200);
  victim.kill("SIGKILL");
  await victim.ended;
  const killedAt = Date.now();
  await Promise.all([
    until("the second run", async () => (await factsOf(resumed)).run > 1, RESUMED_MS),
    until("the recovery", async () => (await factsOf(poison)).status === "failed", RESUMED_MS),
    receiver.waitFor((r) => r.path === cutPath && +r.receivedAt > killedAt, RESUMED_MS),
  ]);

  expect(await ended(t, resumed)).toMatchObject({ status: "completed" });
  expect(await factsOf(resumed)).toMatchObject({ crashes: 1, failures: 0 });
  expect(await ended(t, poison)).toMatchObject({
    status: "failed",
    run: 1,
    error_code: "worker_crashed",
  });
  const webhook = await receiver.waitFor((r) => r.path === crashedPath, 10_000);
  expect(JSON.parse(webhook.body.toString())).toMatchObject({
    type: "job.failed",
    data: { error: { code: "worker_crashed" } },
  });
  // the same message, and the attempt whose outcome nobody knows made again under its number
  const cut = receiver.requests.filter((r) => r.path === cutPath);
  expect(new Set(cut.map((r) => r.headers["webhook-id"])).size).toBe(1);
  expect(cut.map((r) => r.headers["ringback-attempt"])).toEqual(["1", "1"]);
  await until("its settlement", async () => {
    return (await count(t, "deliveries where job_id = $1 and status = 'delivered'", [told])) === 1;
  });
  expect(await lockedBy(poolIds)).toBe(0);
  expect(await count(t, "workers where pid = $1", [victim.pid])).toBe(0);
  expect(await count(t, "lanes where leased_by is not null")).toBe(0);
  expect(await count(t, "books where not balanced")).toBe(0);
}, 60_000);

test("a cancellation that the dead worker did not heed is heeded at its recovery", async () => {
  victim = await startWorkerProcess(t.database, "compute");
  await warmUp(t);
  const callbacks = [callbackTo(`${receiver.url}/canceled`)];
  const id = await submit(t, { type: "demo.burn", input: { ms: 60_000 }, callbacks });
  await running(t, id);
  survivor = await createTestContext({ database: t.database });
  victim.kill("SIGKILL");
  await t.database.pool.query(
    "update unfinished_jobs set cancel_requested_at = now() where id = $1",
    [id],
  );
  expect(await ended(t, id)).toMatchObject({ status: "canceled", run: 1 });
  await receiver.waitFor((r) => r.path === "/canceled", 10_000);
});
