import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { createReplay } from "../../src/flow/deliveries/replays.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { insertPast } from "../support/dead-letters.ts";
import { publishMessage } from "../../src/flow/deliveries/publish-message.ts";
import { count, endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const BACKLOG = 1_000;
const ANSWER_MS = 300;

let t: TestContext;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await t.stop();
  await receiver.close();
});

/** A backlog of replayed deliveries that takes half a minute, and is under way. */
async function replayBacklog(): Promise<void> {
  const { id, laneId } = await endpointAt(t, `${receiver.url}/hook`);
  const of = { laneId, endpointId: id, url: receiver.url };
  await insertPast(
    t,
    Array.from({ length: BACKLOG }, () => of),
  );
  receiver.respond(() => ({ status: 200, delayMs: ANSWER_MS }));
  await createReplay(t.context, {
    accountId: t.accountId,
    action: "replay",
    filter: { status: "dead" },
    dryRun: false,
  });
  await until("the backlog", async () => (await count(t, "dead_letters")) === 0);
  await receiver.waitFor(40);
}

async function publish(context = t.context): Promise<void> {
  await publishMessage(context, {
    accountId: t.accountId,
    type: "own.event",
    data: `{"new":true}`,
    requestId: "req",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    idempotency: null,
  });
}

const arrived = () => receiver.requests.filter((r) => r.body.includes(`"new":true`));

test("a new event goes before 1,000 replayed ones, from this process or another", async () => {
  t = await createTestContext();
  await replayBacklog();
  for (const other of [false, true]) {
    const from = other
      ? await createTestContext({ database: t.database, worker: false })
      : undefined;
    const before = arrived().length;
    const startedAt = performance.now();
    await publish(from?.context);
    await until("its arrival", () => arrived().length > before, 10_000);
    // some answers' time, and far less than the backlog takes
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await from?.stop();
  }
  expect(receiver.requests.length).toBeLessThan(BACKLOG / 2);
}, 60_000);

test("a stream of new events does not keep replayed ones out", async () => {
  t = await createTestContext();
  await replayBacklog();
  const before = receiver.requests.length;
  const over = Date.now() + 4_000;
  while (Date.now() < over) {
    await Promise.all(Array.from({ length: 5 }, () => publish()));
    await sleep(50);
  }
  const since = receiver.requests.slice(before);
  const fresh = since.filter((r) => r.body.includes(`"new":true`)).length;
  const share = (since.length - fresh) / since.length;
  expect(fresh).toBeGreaterThan(since.length / 2);
  expect(share).toBeGreaterThan(0.15);
}, 60_000);
