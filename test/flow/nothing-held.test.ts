import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, jobOf, running, submit, until, warmUp } from "../support/jobs.ts";
import { startHostileReceiver } from "../support/hostile-receiver.ts";
import type { HostileReceiver } from "../support/hostile-receiver.ts";

let t: TestContext;
let hanging: HostileReceiver;
beforeAll(async () => {
  hanging = await startHostileReceiver("hang-before-headers");
  t = await createTestContext();
  await warmUp(t);
});
afterAll(async () => {
  await hanging?.close();
  await t?.stop();
});

/** Which things the program holds in the database right now. */
async function held() {
  const { rows } = await t.database.pool.query<{
    in_transaction: number;
    row_locks: number;
    advisory: number;
  }>(
    `with own as (
       select pid, state from pg_stat_activity
       where datname = current_database() and application_name like 'ringback%')
     select (select (count(*) > 0)::int from own where state like 'idle in transaction%')
         as in_transaction,
       (select (count(*) > 0)::int from pg_locks l join own using (pid)
        where l.locktype in ('relation', 'tuple', 'transactionid')
          -- a statement that happens to be under way is not held
          and own.state <> 'active') as row_locks,
       (select count(*)::int from pg_locks l join own using (pid)
        where l.locktype = 'advisory') as advisory`,
  );
  const { totalCount, idleCount } = t.context.pool;
  return { ...rows[0]!, connections: totalCount - idleCount };
}

async function quietConnections(): Promise<number> {
  const counts = [];
  for (let n = 0; n < 20; n++) {
    counts.push((await held()).connections);
    await sleep(20);
  }
  return Math.min(...counts);
}

test("computing and hanging in HTTP hold no transaction, no lock, no connection", async () => {
  // a LISTEN of each queue runner has a connection for good
  const idle = await quietConnections();
  const callbacks = [callbackTo(hanging.url, { events: ["job.started"] })];
  const ids = [];
  for (let n = 0; n < t.context.compute.threads; n++) {
    ids.push(await submit(t, { type: "demo.sleep", input: { ms: 8_000 }, callbacks }));
  }
  for (const id of ids) await running(t, id);
  await until("the sends to hang", () => hanging.requests.length === ids.length);

  let calm = 0;
  let looks = 0;
  let inTransaction = 0;
  let rowLocks = 0;
  const leased: number[] = [];
  for (const end = performance.now() + 4_000; performance.now() < end; looks++) {
    const now = await held();
    inTransaction += now.in_transaction;
    rowLocks += now.row_locks;
    // the heartbeat's session lock is the only one
    expect(now.advisory).toBe(1);
    if (now.connections === idle) calm += 1;
    expect(now.connections).toBeGreaterThanOrEqual(idle);
    leased.push(await count(t, "lanes where leased_by is not null"));
    await sleep(20);
  }
  for (const id of ids) expect((await jobOf(t, id)).status).toBe("running");
  expect(new Set(leased)).toEqual(new Set([1]));
  expect(await count(t, "attempts")).toBe(0);
  expect(idle).toBe(2);
  // heartbeats, progress and looks into the queue begin and end all the time; a lock or a
  // transaction held for the work would show in every look
  expect(looks).toBeGreaterThan(20);
  expect(inTransaction).toBeLessThan(looks / 4);
  expect(rowLocks).toBeLessThan(looks / 4);
  expect(calm).toBeGreaterThan(looks / 2);
});
