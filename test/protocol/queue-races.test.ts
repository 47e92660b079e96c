import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { insertOriginLanes, lockLanes } from "../../src/db/deliveries/lanes.ts";
import { releaseLeases, takeLeases, tryLockLeases } from "../../src/db/deliveries/leases.ts";
import type { LaneConfig, LeaseAnswer } from "../../src/db/deliveries/leases.ts";
import { wake, wakeAfterRelease } from "../../src/db/queue/wake.ts";
import { inTransaction, singleStatement } from "../../src/db/transaction.ts";
import { recoverWorker, unregister } from "../../src/flow/maintenance/recover-worker.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";

// What the models say of Postgres and of the queue, and the faults they found, on the real ones.

let t: TestContext;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
});
afterAll(async () => await t?.stop());

interface Entry {
  id: string;
  available: boolean;
}

async function entriesOf(laneId: string): Promise<Entry[]> {
  const { rows } = await t.context.pool.query<Entry>(
    `select id, locked_at is null and attempts < max_attempts as available
     from graphile_worker.jobs where key = $1`,
    [`pump-lane:${laneId}`],
  );
  return rows;
}

async function addWakeUp(laneId: string): Promise<void> {
  await inTransaction(t.context.pool, (tx) =>
    wake(tx, [{ task: "pump-lane", id: laneId, delayMs: 0 }]),
  );
}

async function makeWorker(poolId: string): Promise<string> {
  const id = newId();
  await t.context.pool.query(
    `insert into workers (id, hostname, pid, version, roles, pool_ids)
     values ($1, 'elsewhere', 1, '0', '{deliver}', $2)`,
    [id, [poolId]],
  );
  return id;
}

async function untilBlocked(by: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    const { rows } = await t.context.pool.query<{ blocked: boolean }>(
      "select exists (select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))) as blocked",
      [by],
    );
    if (rows[0]!.blocked) return;
  }
  throw new Error("nothing was blocked");
}

test("a wake-up whose entry a runner takes while it is added is not lost", async () => {
  const laneId = newId();
  await addWakeUp(laneId);
  const runner = await t.context.pool.connect();
  try {
    await runner.query("begin");
    const { rows } = await runner.query<{ pid: number }>(
      `update graphile_worker._private_jobs
       set locked_at = now(), locked_by = 'a-pool', attempts = attempts + 1 where key = $1
       returning pg_backend_pid() as pid`,
      [`pump-lane:${laneId}`],
    );
    const adding = inTransaction(t.context.pool, (tx) =>
      wakeAfterRelease(tx, [{ task: "pump-lane", id: laneId, delayMs: 0 }]),
    );
    await untilBlocked(rows[0]!.pid);
    await runner.query("commit");
    await adding;
  } finally {
    runner.release();
  }
  expect(await entriesOf(laneId)).toEqual([expect.objectContaining({ available: true })]);
});

test("an entry completed late by one that was declared dead is not the one that others wait for", async () => {
  const laneId = newId();
  await addWakeUp(laneId);
  const [old] = await entriesOf(laneId);
  await t.context.pool.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'gone-pool'
     where id = $1`,
    [old!.id],
  );
  const id = await makeWorker("gone-pool");
  expect(await recoverWorker(t.context, { id, heartbeat: "0" })).toBe(true);
  await t.context.pool.query("delete from graphile_worker._private_jobs where id = $1", [old!.id]);
  expect(await entriesOf(laneId)).toEqual([expect.objectContaining({ available: true })]);
});

test("one that was declared dead, and leaves before it noticed, leaves a job wake-up for those it used up", async () => {
  const jobWakeUps = async (): Promise<number> => {
    const { rows } = await t.context.pool.query<{ count: number }>(
      `select count(*)::int as count from graphile_worker.jobs where task_identifier = 'claim-jobs'`,
    );
    return rows[0]!.count;
  };
  const id = await makeWorker("left-pool");
  expect(await recoverWorker(t.context, { id, heartbeat: "0" })).toBe(true);
  const before = await jobWakeUps();
  await unregister({ ...t.context, worker: { id, peers: 0, doubtful: new Set() } });
  expect(await jobWakeUps()).toBe(before + 1);
});

test("a lease is refused at once while its holder leaves: the plan of the holder must stand", async () => {
  const { pool } = t.context;
  const laneId = newId();
  const worker = await makeWorker("other-pool");
  const made = { accountId: t.accountId, origin: "https://leaving.test", ordered: false };
  await inTransaction(pool, (tx) => insertOriginLanes(tx, [{ ...made, newId: laneId }]));
  const take = async () => await takeLeases(singleStatement(pool), [laneId], worker);
  const [lease] = (await take()) as LaneConfig[];

  await inTransaction(pool, async (tx) => {
    expect(await tryLockLeases(tx, [lease!])).toEqual(["locked"]);
    await releaseLeases(tx, [{ id: laneId, nextSendMs: null, successMs: null }]);
    expect(await take()).toEqual(["leased"]);
  });
  expect(await take()).toMatchObject([{ id: laneId, epoch: String(Number(lease!.epoch) + 1) }]);
});

test("lanes that are asked for together don't wait for one that an admin changes", async () => {
  const { pool } = t.database;
  const worker = await makeWorker("together");
  const ids = [newId(), newId()];
  const lanes = ids.map((id, n) => ({
    accountId: t.accountId,
    origin: `https://together-${n}.test`,
    ordered: false,
    newId: id,
  }));
  await inTransaction(pool, (tx) => insertOriginLanes(tx, lanes));
  const tx = singleStatement(pool);
  let waiting: Promise<LeaseAnswer[]> | undefined;
  await inTransaction(pool, async (admin) => {
    await lockLanes(admin, [ids[0]!]);
    expect(await takeLeases(tx, ids, worker)).toEqual([
      "busy",
      expect.objectContaining({ id: ids[1], epoch: "1" }),
    ]);
    waiting = takeLeases(tx, [ids[0]!], worker, true);
    waiting.catch(() => undefined);
    await sleep(100);
  });
  expect(await waiting).toMatchObject([{ id: ids[0], epoch: "1" }]);
  // a worker that is not registered gets none
  expect(await takeLeases(tx, ids, newId(), true)).toEqual(["leased", "leased"]);
});
