import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { newId } from "../../src/core/ids.ts";
import type { Replay, ReplayFilter } from "../../src/core/model.ts";
import { getReplay } from "../../src/db/deliveries/replays.ts";
import { changeEndpointState, deleteEndpoint } from "../../src/flow/accounts/endpoints.ts";
import { replayDelivery } from "../../src/flow/deliveries/replay.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import { cancelReplay, createReplay } from "../../src/flow/deliveries/replays.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext, TestContextOptions } from "../support/context.ts";
import { insertPast, watchReopened } from "../support/dead-letters.ts";
import type { PastDelivery } from "../support/dead-letters.ts";
import { count, endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const MANY = 1_200;

let t: TestContext;
let receiver: Receiver;
let reopened: () => Promise<Map<string, number>>;

async function setUp(options: TestContextOptions): Promise<void> {
  t = await createTestContext(options);
  reopened = await watchReopened(t);
}
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await t.stop();
  await receiver.close();
});

async function order(filter: Partial<ReplayFilter>, dryRun = false): Promise<Replay> {
  return await createReplay(t.context, {
    action: "replay",
    accountId: t.accountId,
    filter: { status: "dead", ...filter },
    dryRun,
  });
}

async function look(id: string): Promise<Replay> {
  return (await getReplay(t.context.pool, t.accountId, id))!;
}

async function deadLetters(number: number, past: Partial<PastDelivery> = {}): Promise<string[]> {
  const { id, laneId } = await endpointAt(t, `${receiver.url}/hook`);
  const of = { laneId, endpointId: id, url: receiver.url, ...past };
  return await insertPast(
    t,
    Array.from({ length: number }, () => of),
  );
}

/** Holds one delivery's row, so that a replay stops in the middle of the step it belongs to. */
async function hold(deliveryId: string): Promise<{ letGo(): Promise<void> }> {
  const client = new pg.Client({ connectionString: t.database.url });
  await client.connect();
  await client.query("begin");
  await client.query("select 1 from deliveries where id = $1 for update", [deliveryId]);
  return {
    async letGo() {
      await client.query("rollback");
      await client.end();
    },
  };
}

async function waitingForLock(): Promise<boolean> {
  const where = "pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
  return (await count(t, where)) > 0;
}

async function dieAgain(ids: readonly string[]): Promise<void> {
  await t.database.pool.query(
    `with died as (
       update deliveries set status = 'dead', next_attempt_at = null, finished_at = now(),
         manual = false, attempt_count = attempt_count + 1
       where id = any($1) and status = 'pending' returning id, account_id
     )
     insert into dead_letters (delivery_id, account_id, reason, detail)
     select id, account_id, 'exhausted', 'again' from died`,
    [ids],
  );
}

describe("a replay by filter", () => {
  test("matches what it says and nothing else", async () => {
    await setUp({ worker: false });
    const one = await endpointAt(t, `${receiver.url}/one`);
    const two = await endpointAt(t, `${receiver.url}/two`);
    const disabled = await endpointAt(t, `${receiver.url}/disabled`);
    const deleted = await endpointAt(t, `${receiver.url}/deleted`);
    const jobId = newId();
    const atOne = { laneId: one.laneId, endpointId: one.id, url: receiver.url };
    const atTwo = { laneId: two.laneId, endpointId: two.id, url: receiver.url };
    const old = new Date("2026-01-01T00:00:00Z");
    const past: Record<string, PastDelivery> = {
      plain: atOne,
      two: atTwo,
      blocked: { ...atTwo, reason: "target_blocked" },
      ofJob: { ...atTwo, jobId, eventType: "job.failed" },
      old: { ...atOne, createdAt: old },
      delivered: { ...atOne, status: "delivered" },
      canceled: { ...atOne, status: "canceled" },
      disabled: { laneId: disabled.laneId, endpointId: disabled.id, url: receiver.url },
      deleted: { laneId: deleted.laneId, endpointId: deleted.id, url: receiver.url },
    };
    const ids = await insertPast(t, Object.values(past));
    const nameOf = new Map(ids.map((id, index) => [id, Object.keys(past)[index]!]));
    const idOf = new Map(Object.keys(past).map((name, index) => [name, ids[index]!]));
    await t.database.pool.query(
      "update endpoints set state = 'disabled', disabled_reason = 'admin' where id = $1",
      [disabled.id],
    );
    await deleteEndpoint(t.context, { accountId: t.accountId, endpointId: deleted.id });
    const other = await t.addAccount("other");
    const foreign = await endpointAt(
      { context: t.context, accountId: other.accountId },
      receiver.url,
    );
    const foreignPast = { laneId: foreign.laneId, endpointId: foreign.id, url: receiver.url };
    const [foreignId] = await insertPast({ ...t, accountId: other.accountId }, [foreignPast]);

    const cases: [Partial<ReplayFilter>, string[]][] = [
      [{}, ["plain", "two", "blocked", "ofJob", "old"]],
      [{ status: "delivered" }, ["delivered"]],
      [{ reason: "target_blocked" }, ["blocked"]],
      [{ endpoint_id: one.id }, ["plain", "old"]],
      [{ endpoint_id: disabled.id }, []],
      [{ job_id: jobId }, ["ofJob"]],
      [{ event_type: "job.failed" }, ["ofJob"]],
      [{ since: old, until: new Date(old.getTime() + 1) }, ["old"]],
      [{ until: old }, []],
      [{ since: new Date(old.getTime() + 1) }, ["plain", "two", "blocked", "ofJob"]],
      [{ ids: [idOf.get("two")!, idOf.get("delivered")!, foreignId!, newId()] }, ["two"]],
      [{ ids: [foreignId!] }, []],
    ];
    for (const [filter, expected] of cases) {
      const dry = await order(filter, true);
      expect(dry).toMatchObject({ matched: expected.length, status: "completed", replayed: 0 });
      await t.database.pool.query("begin; truncate reopened; commit");
      const replay = await order(filter);
      await runReplay(t.context, replay.id);
      expect([...(await reopened()).keys()].map((id) => nameOf.get(id) ?? "?").toSorted()).toEqual(
        expected.toSorted(),
      );
      expect(await look(replay.id)).toMatchObject({
        status: "completed",
        matched: expected.length,
        replayed: expected.length,
      });
      const reset = ids.filter((id) => nameOf.get(id) !== "delivered");
      await dieAgain(reset);
      await t.database.pool.query(
        `update deliveries set status = 'delivered', next_attempt_at = null, finished_at = now(),
           manual = false
         where id = $1 and status = 'pending'`,
        [idOf.get("delivered")],
      );
      await t.database.pool.query(
        "update dead_letters set reason = 'target_blocked' where delivery_id = $1",
        [idOf.get("blocked")],
      );
    }
  });

  test("a dry run changes nothing", async () => {
    await setUp({});
    await deadLetters(3);
    expect(await order({}, true)).toMatchObject({ matched: 3, status: "completed", dry_run: true });
    expect((await reopened()).size).toBe(0);
    expect(await count(t, "graphile_worker.jobs where key like 'run-replay:%'")).toBe(0);
  });
});

describe("1,200 dead letters", () => {
  test("each is sent again, exactly once", async () => {
    await setUp({});
    const ids = await deadLetters(MANY);
    const replay = await order({});
    expect(replay).toMatchObject({ status: "running", matched: MANY });
    await until("all deliveries", async () => {
      return (await count(t, "deliveries where status = 'delivered'")) === MANY;
    });
    expect(await look(replay.id)).toMatchObject({ status: "completed", replayed: MANY });
    const times = await reopened();
    expect(times.size).toBe(ids.length);
    expect([...times.values()].every((n) => n === 1)).toBe(true);
    const sent = receiver.requests.map((r) => r.headers["webhook-id"]);
    expect(sent).toHaveLength(MANY);
    expect(new Set(sent).size).toBe(MANY);
    expect(await count(t, "attempts where number = 2 and manual")).toBe(MANY);
    expect(await count(t, "dead_letters")).toBe(0);
    expect(await count(t, "books where not balanced")).toBe(0);
  });

  test("canceled in the middle: what was sent again stays so, the rest stays dead", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    const replay = await order({});
    const held = await hold(ids[700]!);
    const running = runReplay(t.context, replay.id);
    await until("the second step", waitingForLock);
    expect(await look(replay.id)).toMatchObject({ status: "running", replayed: 500 });
    const canceling = cancelReplay(t.context, { accountId: t.accountId, replayId: replay.id });
    await until("the order to cancel", async () => {
      const where = `pg_stat_activity where wait_event_type = 'Lock'
        and datname = current_database() and query like '%advisory_xact_lock%'`;
      return (await count(t, where)) === 1;
    });
    await held.letGo();
    await running;
    expect((await canceling).status).toBe("canceled");
    const { replayed, status } = await look(replay.id);
    expect(status).toBe("canceled");
    expect(replayed).toBe((await reopened()).size);
    expect(replayed).toBeLessThan(MANY);
    expect(await count(t, "dead_letters")).toBe(MANY - replayed);
    await runReplay(t.context, replay.id); // a wake-up that comes late does nothing
    expect((await reopened()).size).toBe(replayed);
    await expect(
      cancelReplay(t.context, { accountId: t.accountId, replayId: replay.id }),
    ).rejects.toMatchObject({ code: "replay_finished" });
  });

  test("a process that stops in the middle hands on its place", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    const replay = await order({});
    const stopping = new AbortController();
    const held = await hold(ids[700]!);
    const running = runReplay({ ...t.context, stopping: stopping.signal }, replay.id);
    await until("the second step", waitingForLock);
    stopping.abort();
    await held.letGo();
    await running;
    expect(await look(replay.id)).toMatchObject({ status: "running", replayed: 1_000 });
    expect(await count(t, "graphile_worker.jobs where key = $1", [`run-replay:${replay.id}`])).toBe(
      1,
    );
    const other = await createTestContext({ database: t.database });
    await until("its end", async () => (await look(replay.id)).status === "completed");
    await other.stop();
    expect((await look(replay.id)).replayed).toBe(MANY);
    const times = await reopened();
    expect([...times.values()].filter((n) => n === 1)).toHaveLength(MANY);
  });

  test("a connection that is cut in the middle of a step repeats the step, not more", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    const replay = await order({});
    const held = await hold(ids[700]!);
    const running = runReplay(t.context, replay.id);
    await until("the second step", waitingForLock);
    await t.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where wait_event_type = 'Lock' and datname = current_database()`,
    );
    await expect(running).rejects.toMatchObject({ code: "57P01" });
    await held.letGo();
    expect((await reopened()).size).toBe(500);
    await runReplay(t.context, replay.id);
    expect(await look(replay.id)).toMatchObject({ status: "completed", replayed: MANY });
    expect([...(await reopened()).values()].filter((n) => n === 1)).toHaveLength(MANY);
  });

  test("what dies again meanwhile is not sent a second time", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    const replay = await order({});
    const held = await hold(ids[700]!);
    const running = runReplay(t.context, replay.id);
    await until("the second step", waitingForLock);
    await dieAgain(ids.slice(0, 500));
    // one that the replay has yet to reach, sent again by hand, and dead again
    await replayDelivery(t.context, { accountId: t.accountId, deliveryId: ids[1_100]! });
    await dieAgain([ids[1_100]!]);
    await held.letGo();
    await running;
    const times = await reopened();
    expect(times.size).toBe(MANY);
    expect([...times.values()].every((n) => n === 1)).toBe(true);
    expect(await look(replay.id)).toMatchObject({ status: "completed", replayed: MANY - 1 });
    // another order takes those
    expect((await order({}, true)).matched).toBe(501);
  });

  test("two replays over the same at once share them out", async () => {
    await setUp({ worker: false });
    await deadLetters(MANY);
    const other = await createTestContext({ database: t.database, worker: false });
    const replays = [await order({}), await order({}), await order({})];
    await Promise.all([
      runReplay(t.context, replays[0]!.id),
      runReplay(other.context, replays[1]!.id),
      runReplay(other.context, replays[2]!.id),
    ]);
    await other.stop();
    const ends = await Promise.all(replays.map(({ id }) => look(id)));
    expect(ends.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
    expect(ends.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(MANY);
    const times = await reopened();
    expect([...times.values()].filter((n) => n === 1)).toHaveLength(MANY);
  });

  test("an endpoint that is disabled meanwhile keeps its dead letters", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    const replay = await order({});
    const held = await hold(ids[100]!);
    const running = runReplay(t.context, replay.id);
    await until("the first step", waitingForLock);
    await t.database.pool.query(
      "update endpoints set state = 'disabled', disabled_reason = 'admin'",
    );
    await held.letGo();
    await running;
    expect(await look(replay.id)).toMatchObject({ status: "completed", replayed: 500 });
    expect(await count(t, "dead_letters")).toBe(MANY - 500);
    const { rows } = await t.database.pool.query<{ id: string }>("select id from endpoints");
    const endpoint = { accountId: t.accountId, endpointId: rows[0]!.id };
    await changeEndpointState(t.context, { ...endpoint, action: "enable" });
    expect((await order({}, true)).matched).toBe(MANY - 500);
  });
});

describe("orders of any size go in steps", () => {
  test("what is pending is canceled by filter, and not what is settled meanwhile", async () => {
    await setUp({ worker: false });
    const ids = await deadLetters(MANY);
    await t.database.pool.query(
      `with pending as (
         update deliveries set status = 'pending', next_attempt_at = now(), finished_at = null
         where id = any($1))
       delete from dead_letters where delivery_id = any($1)`,
      [ids],
    );
    const [dead] = await deadLetters(1);
    const { id } = await createReplay(t.context, {
      action: "cancel",
      accountId: t.accountId,
      filter: { status: "pending" },
      dryRun: false,
    });
    const delivered = "status = 'delivered', next_attempt_at = null, finished_at = now()";
    await t.database.pool.query(
      `update deliveries set ${delivered}, attempt_count = 1 where id = $1`,
      [ids[7]],
    );
    await runReplay(t.context, id);
    expect(await look(id)).toMatchObject({ status: "completed", matched: MANY });
    expect((await look(id)).replayed).toBe(MANY - 1);
    expect(await count(t, "deliveries where status = 'canceled'")).toBe(MANY - 1);
    expect(await count(t, "deliveries where status = 'dead' and id = $1", [dead])).toBe(1);
    expect(await count(t, "books where not balanced")).toBe(0);
    const { rows } = await t.database.pool.query<{ most: number }>(
      `select max(n)::int as most from (
         select count(*) as n from deliveries where status = 'canceled' group by xmin::text) t`,
    );
    expect(rows[0]!.most).toBeLessThanOrEqual(500);
  });

  test("more than can be counted at once: a lower bound at first, exact at the end", async () => {
    await setUp({ worker: false });
    const [one] = await deadLetters(1);
    const other = await endpointAt(t, `${receiver.url}/other`);
    await t.database.pool.query(
      `with made as (
         insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
           body_bytes, created_at, status, attempt_count, finished_at)
         select md5(n::text)::uuid, d.account_id, d.message_id, d.event_type, $2, $3, d.url, 2,
           d.created_at, 'dead', 1, d.finished_at
         from deliveries d, generate_series(1, 100500) n where d.id = $1
         returning id, account_id, endpoint_id)
       insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
       select id, account_id, endpoint_id, case when id > 'fff00000-0000-0000-0000-000000000000'
         then 'gone' else 'exhausted' end, 'x' from made`,
      [one, other.id, other.laneId],
    );
    const rare = "dead_letters where reason = 'gone'";
    const expected = await count(t, rare);
    const counted = await order({ reason: "gone" }, true);
    expect(counted).toMatchObject({ matched_exact: false, status: "completed" });
    expect(counted.matched).toBeLessThan(expected);
    const { id, status } = await order({ reason: "gone" });
    expect(status).toBe("running");
    await runReplay(t.context, id);
    expect(await look(id)).toMatchObject({
      status: "completed",
      matched: expected,
      matched_exact: true,
      replayed: expected,
    });
    expect(await count(t, rare)).toBe(0);
    expect(await count(t, "dead_letters where reason = 'exhausted'")).toBe(100_501 - expected);
  });
});
