import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import { eventually, LATER, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

// An empty lane is kept for a while, so that the next delivery needs no wake-up and no lease.

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});

async function laneOf(id: string): Promise<{ epoch: number; leased_by: string | null }> {
  const { rows } = await api.database.pool.query<{ epoch: number; leased_by: string | null }>(
    "select epoch::int, leased_by from lanes where id = $1",
    [id],
  );
  return rows[0]!;
}

/** Publishes twice a second, for longer than a turn of a lane lasts. Returns the leases it took. */
async function trickle(type: string, laneId: string): Promise<number> {
  await api.publish(type, { n: 0 });
  await receiver.waitFor(({ path }) => path === `/${type}`, 10_000);
  const { epoch } = await laneOf(laneId);
  for (let n = 1; n <= 12; n += 1) {
    await sleep(450);
    await api.publish(type, { n });
  }
  await eventually(async () => {
    const arrived = receiver.requests.filter(({ path }) => path === `/${type}`);
    return await Promise.resolve(arrived.length === 13 || undefined);
  }, "all webhooks");
  return (await laneOf(laneId)).epoch - epoch;
}

test("a lane with something to send twice a second is leased once", async () => {
  const { laneId } = await api.endpoint(`${receiver.url}/trickle`, { events: ["trickle"] });
  expect(await trickle("trickle", laneId)).toBe(0);
}, 20_000);

test("also when other processes deliver, as an empty lane takes no turn from others", async () => {
  const second = await createTestContext({ database: api.database });
  await eventually(
    async () => await Promise.resolve(api.context.worker.peers === 1 || undefined),
    "the processes to know each other",
  );
  const { laneId } = await api.endpoint(`${receiver.url}/beside`, { events: ["beside"] });
  expect(await trickle("beside", laneId)).toBe(0);
  await second.stop();
}, 20_000);

test("a lane that waits for a retry is left to its wake-up, and an empty one after a while", async () => {
  receiver.respond(({ path }) => (path === "/planned" ? 500 : 200));
  const options = { events: ["planned"], retry: LATER };
  const { laneId } = await api.endpoint(`${receiver.url}/planned`, options);
  const empty = await api.endpoint(`${receiver.url}/empty`, { events: ["empty"] });
  await Promise.all([api.publish("planned", {}), api.publish("empty", {})]);
  await receiver.waitFor(({ path }) => path === "/planned", 10_000);
  for (const id of [laneId, empty.laneId]) {
    await eventually(
      async () => (await laneOf(id)).leased_by === null || undefined,
      "the lane to be left",
    );
  }
  const { rows } = await api.database.pool.query<{ waiting: string[] }>(
    `select coalesce(array_agg(key), '{}') as waiting from graphile_worker.jobs
     where key = any($1) and run_at > now() + interval '10 minutes'`,
    [[`pump-lane:${laneId}`, `pump-lane:${empty.laneId}`]],
  );
  expect(rows[0]!.waiting).toEqual([`pump-lane:${laneId}`]);
});
