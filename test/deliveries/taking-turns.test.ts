import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { eventually, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const ANSWER_MS = 150;
/** With two at a time, a lane has work for 35 seconds: many slices of 2 s, each passed on or not. */
const MESSAGES = 480;

let api: DeliveryApi;
let second: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  second = await createTestContext({ database: api.database });
  receiver = await startReceiver();
});
afterAll(async () => {
  await second?.stop();
  await api?.stop();
  await receiver?.close();
});

test("a lane that always has work passes from one process to the other", async () => {
  receiver.respond(async () => {
    await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
    return 200;
  });
  const { laneId } = await api.endpoint(receiver.url, { events: ["much"], max_in_flight: 2 });
  await Promise.all(Array.from({ length: MESSAGES }, (_, n) => api.publish("much", { n })));

  const holders = new Set<string>();
  const both = new Set([api.context.worker.id, second.context.worker.id]);
  await eventually(
    async () => {
      const { rows } = await api.database.pool.query<{ leased_by: string | null; due: number }>(
        `select leased_by, (select count(*)::int from deliveries
           where lane_id = $1 and status = 'pending') as due
         from lanes where id = $1`,
        [laneId],
      );
      const { leased_by, due } = rows[0]!;
      if (due === 0) throw new Error("all was sent before the lane passed on");
      if (leased_by !== null) holders.add(leased_by);
      return holders.size === both.size || undefined;
    },
    "both to hold the lane",
    38_000,
  );
  expect(holders).toEqual(both);
}, 60_000);
