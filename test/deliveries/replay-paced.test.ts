import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { Replay } from "../../src/core/model.ts";
import { countReplayItems, listReplayItems } from "../../src/db/deliveries/replay-items.ts";
import { getReplay } from "../../src/db/deliveries/replays.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import {
  cancelReplay,
  createReplay,
  pauseReplay,
  resumeReplay,
} from "../../src/flow/deliveries/replays.ts";
import type { NewReplay } from "../../src/flow/deliveries/replays.ts";
import { createReconciler } from "../../src/flow/maintenance/reconcile.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext, TestContextOptions } from "../support/context.ts";
import { insertPast, watchReopened } from "../support/dead-letters.ts";
import { count, endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let t: TestContext;
let receiver: Receiver;
let reopened: () => Promise<Map<string, number>>;
const others: TestContext[] = [];

async function setUp(options: TestContextOptions = {}): Promise<void> {
  t = await createTestContext(options);
  reopened = await watchReopened(t);
}
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const other of others.splice(0)) await other.stop();
  await t.stop();
  await receiver.close();
});

async function anotherProcess(options: TestContextOptions = {}): Promise<TestContext> {
  const other = await createTestContext({ ...options, database: t.database });
  others.push(other);
  return other;
}

async function deadLetters(number: number): Promise<string[]> {
  const { id, laneId } = await endpointAt(t, `${receiver.url}/hook`);
  const of = { laneId, endpointId: id, url: receiver.url };
  return await insertPast(
    t,
    Array.from({ length: number }, () => of),
  );
}

async function order(wanted: Partial<NewReplay>): Promise<Replay> {
  return await createReplay(t.context, {
    action: "replay",
    accountId: t.accountId,
    filter: { status: "dead" },
    dryRun: false,
    ...wanted,
  });
}

async function look(id: string): Promise<Replay> {
  return (await getReplay(t.context.pool, t.accountId, id))!;
}

const named = (replay: Replay) => ({ accountId: t.accountId, replayId: replay.id });

function expectOnceEach(times: Map<string, number>, ids: readonly string[]): void {
  expect([...times.keys()].toSorted()).toEqual([...ids].toSorted());
  expect([...times.values()].every((n) => n === 1)).toBe(true);
}

describe("the pace", () => {
  test("is kept by several processes together, and each is sent once", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(60);
    const replay = await order({ pace: { per_s: 20, ramp_s: 0 } });
    const two = await anotherProcess({ worker: false });
    const three = await anotherProcess({ worker: false });
    const startedAt = performance.now();
    await Promise.all([t, two, three].map(({ context }) => runReplay(context, replay.id)));
    const seconds = (performance.now() - startedAt) / 1_000;
    expectOnceEach(await reopened(), ids);
    expect(await look(replay.id)).toMatchObject({ status: "completed", replayed: 60 });
    // 11 waits of 250 ms; one step may be that much late
    expect(seconds).toBeGreaterThan(2.4);
  });

  test("survives a process that ends between two steps: none twice, none skipped", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(40);
    const replay = await order({ pace: { per_s: 20, ramp_s: 0 } });
    const stopping = new AbortController();
    const first = runReplay({ ...t.context, stopping: stopping.signal }, replay.id);
    await until("some steps", async () => (await look(replay.id)).replayed >= 10);
    stopping.abort();
    await first;
    expect((await look(replay.id)).replayed).toBeLessThan(40);
    await anotherProcess();
    await until("its end", async () => (await look(replay.id)).status === "completed");
    expectOnceEach(await reopened(), ids);
  });

  test("does not catch up what it was late by", async () => {
    await setUp({ worker: false });
    await deadLetters(40);
    const replay = await order({ pace: { per_s: 20, ramp_s: 0 } });
    await t.database.pool.query(
      "update replays set next_step_at = now() - interval '1 hour', ramp_since = now() - interval '1 hour'",
    );
    const running = runReplay(t.context, replay.id);
    await sleep(700);
    expect((await look(replay.id)).replayed).toBeLessThanOrEqual(25);
    await running;
  });

  test("rises from one a second", async () => {
    await setUp({ worker: false });
    await deadLetters(100);
    const replay = await order({ pace: { per_s: 1_000, ramp_s: 600 } });
    const stopping = new AbortController();
    const running = runReplay({ ...t.context, stopping: stopping.signal }, replay.id);
    await sleep(1_500);
    stopping.abort();
    await running;
    const { replayed } = await look(replay.id);
    expect(replayed).toBeGreaterThanOrEqual(2);
    expect(replayed).toBeLessThan(10);
  });
});

describe("when and in which order", () => {
  test("nothing is sent before its start; what died after the order is left alone", async () => {
    await setUp();
    const ids = await deadLetters(5);
    const startAt = new Date(Date.now() + 2_000);
    const replay = await order({ startAt });
    const [late] = await deadLetters(1);
    await t.database.pool.query("update deliveries set finished_at = now() where id = $1", [late]);
    // the reconciler finds its wake-up, and makes no other
    expect((await createReconciler(t.context, async () => undefined).turn()).replays).toBe(0);
    await sleep(800);
    expect((await reopened()).size).toBe(0);
    await until("its end", async () => (await look(replay.id)).status === "completed");
    expect(Date.now()).toBeGreaterThanOrEqual(startAt.getTime());
    expectOnceEach(await reopened(), ids);
  });

  test("the newest first", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(6);
    const replay = await order({ order: "newest_first", pace: { per_s: 4, ramp_s: 0 } });
    const running = runReplay(t.context, replay.id);
    await until("a step", async () => (await look(replay.id)).replayed >= 2);
    await cancelReplay(t.context, named(replay));
    await running;
    const sent = [...(await reopened()).keys()].toSorted();
    expect(sent).toEqual(ids.toSorted().slice(-sent.length));
  });
});

describe("a pause", () => {
  test("holds it, also over a restart, until it is resumed", async () => {
    await setUp();
    const ids = await deadLetters(30);
    const replay = await order({ pace: { per_s: 10, ramp_s: 0 } });
    await until("a step", async () => (await look(replay.id)).replayed >= 2);
    expect((await pauseReplay(t.context, named(replay))).status).toBe("paused");
    const { replayed } = await look(replay.id);
    await anotherProcess();
    expect((await createReconciler(t.context, async () => undefined).turn()).replays).toBe(0);
    await runReplay(t.context, replay.id); // a wake-up that comes late
    await sleep(600);
    expect((await look(replay.id)).replayed).toBe(replayed);
    expect((await pauseReplay(t.context, named(replay))).status).toBe("paused");
    expect((await resumeReplay(t.context, named(replay))).status).toBe("running");
    expect((await resumeReplay(t.context, named(replay))).status).toBe("running");
    await until("its end", async () => (await look(replay.id)).status === "completed");
    expectOnceEach(await reopened(), ids);
    await expect(resumeReplay(t.context, named(replay))).rejects.toMatchObject({
      code: "replay_finished",
    });
  });

  test("can be canceled, and is nobody else's", async () => {
    await setUp({ worker: false });
    await deadLetters(3);
    const replay = await order({});
    const stranger = await t.addAccount("stranger");
    const theirs = { accountId: stranger.accountId, replayId: replay.id };
    for (const change of [pauseReplay, resumeReplay, cancelReplay]) {
      await expect(change(t.context, theirs)).rejects.toMatchObject({ code: "not_found" });
    }
    await pauseReplay(t.context, named(replay));
    expect((await cancelReplay(t.context, named(replay))).status).toBe("canceled");
    await runReplay(t.context, replay.id);
    expect((await reopened()).size).toBe(0);
  });

  test("races with steps, resumes and cancels: each delivery is sent at most once", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(200);
    const replay = await order({ pace: { per_s: 400, ramp_s: 0 } });
    const two = await anotherProcess({ worker: false });
    const over = new AbortController();
    const runners = [t, two].map(async ({ context }) => {
      while (!over.signal.aborted) {
        await runReplay(context, replay.id);
        await sleep(5);
      }
    });
    for (let turn = 0; turn < 8; turn += 1) {
      await sleep(30);
      await Promise.all([
        pauseReplay(t.context, named(replay)).catch(() => undefined),
        resumeReplay(two.context, named(replay)).catch(() => undefined),
      ]);
    }
    await resumeReplay(t.context, named(replay)).catch(() => undefined);
    await until("its end", async () => (await look(replay.id)).status === "completed");
    over.abort();
    await Promise.all(runners);
    expectOnceEach(await reopened(), ids);
    expect((await look(replay.id)).replayed).toBe(200);
    expect(await count(t, "replay_items")).toBe(200);
  });
});

describe("a canary", () => {
  const canary = { count: 10, max_failed_percent: 20 };

  test("stops the replay when too many fail again, and says why", async () => {
    await setUp();
    await deadLetters(50);
    let answered = 0;
    receiver.respond(() => ((answered += 1) <= 7 ? 500 : 200));
    const replay = await order({ canary });
    const stopped = await until("its end", async () => {
      const seen = await look(replay.id);
      return seen.finished_at === null ? null : seen;
    });
    expect(stopped).toMatchObject({ status: "stopped", replayed: 10, canary_passed_at: null });
    expect(stopped.stopped_reason).toMatch(/^[3-7] of 10 failed again: [3-7] × HTTP 500$/);
    expect(await count(t, "dead_letters")).toBe(40);
    expect((await reopened()).size).toBe(10);
    await runReplay(t.context, replay.id);
    expect((await reopened()).size).toBe(10);
    await expect(resumeReplay(t.context, named(replay))).rejects.toMatchObject({
      code: "replay_finished",
    });
  });

  test("lets the rest go when few fail", async () => {
    await setUp();
    const ids = await deadLetters(50);
    receiver.respondNext(500, 500);
    const replay = await order({ canary });
    await until("its end", async () => (await look(replay.id)).status === "completed");
    expect((await look(replay.id)).canary_passed_at).not.toBeNull();
    expectOnceEach(await reopened(), ids);
  });

  test("waits for outcomes, sends no more meanwhile, and takes fewer than it was to be", async () => {
    await setUp({ worker: false });
    await deadLetters(4);
    const replay = await order({ canary });
    const stopping = new AbortController();
    const running = runReplay({ ...t.context, stopping: stopping.signal }, replay.id);
    await sleep(1_500);
    expect(await look(replay.id)).toMatchObject({ status: "running", replayed: 4 });
    stopping.abort();
    await running;
    receiver.respond(404);
    await anotherProcess();
    await until("its end", async () => (await look(replay.id)).status === "stopped");
    expect((await look(replay.id)).stopped_reason).toMatch(/of 4 failed again: \d × HTTP 404/);
  });
});

describe("the report", () => {
  test("tells what became of each, and nothing of other replays", async () => {
    await setUp();
    const [first, ...rest] = await deadLetters(6);
    await t.database.pool.query(
      `update endpoints set retry = '{"max_attempts": 1, "base_s": 1, "factor": 1, "cap_s": 1}'`,
    );
    receiver.respondNext({ status: 401, body: "invalid_token" }, 200);
    const one = await order({ filter: { status: "dead", ids: rest } });
    await until(
      "all ends",
      async () =>
        (await count(t, "deliveries where status = 'pending'")) === 0 &&
        (await look(one.id)).status === "completed",
    );
    const other = await order({ filter: { status: "dead", ids: [first!] } });
    await until("its end", async () => (await look(other.id)).status === "completed");
    const lines = await countReplayItems(t.context.pool, one);
    expect(lines).toEqual([
      { status: "delivered", reason: null, status_code: null, error_code: null, count: 4 },
      { status: "dead", reason: "exhausted", status_code: 401, error_code: null, count: 1 },
    ]);
    const pages: string[] = [];
    for (let after: string | null = null; ;) {
      const items = await listReplayItems(t.context.pool, one, { after, limit: 2 });
      if (items.length === 0) break;
      pages.push(...items.map(({ id }) => id));
      after = items.at(-1)!.id;
    }
    expect(pages).toEqual(rest.toSorted());
  });
});
