import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { insertOriginLanes, shareLanes } from "../../src/db/deliveries/lanes.ts";
import { wake } from "../../src/db/queue/wake.ts";
import { inTransaction } from "../../src/db/transaction.ts";
import { recoverWorker } from "../../src/flow/maintenance/recover-worker.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";

let t: TestContext;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
});
afterAll(async () => await t?.stop());

test("a recovery does not wait for a producer of the dead worker's lane, nor does its wake-up", async () => {
  const { pool } = t.context;
  const dead = newId();
  const laneId = newId();
  await inTransaction(pool, async (tx) => {
    await insertOriginLanes(tx, [
      { newId: laneId, accountId: t.accountId, origin: "https://receiver.test", ordered: false },
    ]);
    await wake(tx, [{ task: "pump-lane", id: laneId, delayMs: 0 }]);
  });
  await pool.query(
    `insert into workers (id, hostname, pid, version, roles, pool_ids)
     values ($1, 'gone', 1, '0', '{deliver}', '{pool-of-the-dead}')`,
    [dead],
  );
  await pool.query(`update lanes set leased_by = $1, epoch = 1 where id = $2`, [dead, laneId]);
  await pool.query(
    `update graphile_worker._private_jobs set locked_by = 'pool-of-the-dead', locked_at = now()
     where key = $1`,
    [`pump-lane:${laneId}`],
  );

  await inTransaction(pool, async (tx) => {
    await shareLanes(tx, [laneId]);
    expect(await recoverWorker(t.context, { id: dead, heartbeat: "0" })).toBe(true);
    await wake(tx, [{ task: "pump-lane", id: laneId, delayMs: 0 }]);
  });

  const lane = await pool.query(`select leased_by, epoch from lanes where id = $1`, [laneId]);
  expect(lane.rows).toEqual([{ leased_by: null, epoch: "2" }]);
  const queue = await pool.query(
    `select count(*)::int as waiting from graphile_worker.jobs where key = $1
       and locked_at is null and attempts < max_attempts and run_at <= now()`,
    [`pump-lane:${laneId}`],
  );
  expect(queue.rows).toEqual([{ waiting: 1 }]);
});
