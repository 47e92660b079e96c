import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { eventually, findGaps, QUICK, readBooks, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const ENDPOINTS = 6;
const MESSAGES = 100;

let api: DeliveryApi;
let second: TestContext;
const receivers: Receiver[] = [];
beforeAll(async () => {
  api = await startDeliveryApi();
  second = await createTestContext({ database: api.database });
  for (let n = 0; n < ENDPOINTS; n++) receivers.push(await startReceiver());
});
afterAll(async () => {
  await Promise.all(receivers.map((one) => one.close()));
  await second?.stop();
  await api?.stop();
});

test("two processes share the work: nothing twice, one at a time in each lane", async () => {
  const inFlight = receivers.map(() => ({ now: 0, most: 0 }));
  let refusals = 0;
  for (const [index, receiver] of receivers.entries()) {
    const count = inFlight[index]!;
    receiver.respond(async (request) => {
      count.most = Math.max(count.most, ++count.now);
      await new Promise((resolve) => setTimeout(resolve, 3));
      count.now -= 1;
      const often = index === 5 ? 0.04 : 0.1;
      const refuse = request.headers["ringback-attempt"] === "1" && Math.random() < often;
      if (refuse) refusals += 1;
      return refuse ? 503 : 200;
    });
    await api.endpoint(receiver.url, {
      events: ["shared"],
      max_in_flight: index + 1,
      ordered: index === 5,
      retry: QUICK,
    });
  }
  const lane = new Map<string, Set<string>>();
  let sampling = true;
  const sampler = (async () => {
    while (sampling) {
      const { rows } = await api.database.pool.query<{ id: string; leased_by: string }>(
        "select id, leased_by from lanes where leased_by is not null",
      );
      for (const { id, leased_by } of rows) {
        if (!lane.has(id)) lane.set(id, new Set());
        lane.get(id)!.add(leased_by);
      }
      expect(await readBooks(api.database.pool)).toMatchObject({ unbalanced: 0 });
    }
  })();

  for (let n = 0; n < MESSAGES; n += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => api.publish("shared", { n: n + i })));
  }
  const total = MESSAGES * ENDPOINTS;
  await eventually(
    async () => ((await readBooks(api.database.pool)).delivered === total ? true : undefined),
    "all deliveries",
    20_000,
  );
  sampling = false;
  await sampler;

  for (const [index, receiver] of receivers.entries()) {
    // each attempt arrived once, and after a 2xx none followed
    const attempts = receiver.requests.map(
      ({ headers }) => `${headers["webhook-id"]} ${headers["ringback-attempt"]}`,
    );
    expect(new Set(attempts).size).toBe(attempts.length);
    expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(
      MESSAGES,
    );
    expect(inFlight[index]!.most).toBeLessThanOrEqual(index === 5 ? 1 : index + 1);
  }
  const arrived = receivers.reduce((sum, { requests }) => sum + requests.length, 0);
  expect(arrived).toBe(total + refusals);
  const { rows } = await api.database.pool.query<{ n: number }>(
    "select count(*)::int as n from attempts",
  );
  expect(rows[0]!.n).toBe(arrived);
  expect(await findGaps(api.database.pool)).toEqual([]);

  // both did take part
  const holders = new Set([...lane.values()].flatMap((ids) => [...ids]));
  expect(holders).toEqual(new Set([api.context.worker.id, second.context.worker.id]));
  for (const { telemetry } of [api.context, second.context]) {
    const { values } = await telemetry.metrics.fenced.get();
    expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(0);
  }
});
