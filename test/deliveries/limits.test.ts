import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { audit, dataOf, eventually, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startHostileReceiver } from "../support/hostile-receiver.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
/** A second process on the same database, so that no cap is kept by luck within one. */
let second: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  second = await createTestContext({ database: api.database });
  receiver = await startReceiver();
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await receiver.close();
    await second.stop();
    await api.stop();
  }
});
beforeEach(() => {
  receiver.requests.length = 0;
});

/** Counts what is in hand of the receiver at once. */
function holdEach(ms: (n: number) => number): { most: () => number } {
  let now = 0;
  let most = 0;
  let count = 0;
  receiver.respond(async () => {
    most = Math.max(most, ++now);
    await sleep(ms(count++));
    now -= 1;
    return 200;
  });
  return { most: () => most };
}

async function delivered(type: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await api.database.pool.query<{ n: number }>(
        "select count(*)::int as n from deliveries where event_type = $1 and status = 'delivered'",
        [type],
      );
      return rows[0]!.n >= count ? true : undefined;
    },
    `${count} deliveries of ${type}`,
    20_000,
  );
}

describe("in flight at once", () => {
  test.each([1, 3, 25])("at most and at best max_in_flight: %i", async (max_in_flight) => {
    const type = `flight.${max_in_flight}`;
    const { id } = await api.endpoint(receiver.url, { events: [type], max_in_flight });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    const count = max_in_flight + 12;
    for (let n = 0; n < count; n++) await api.publish(type, { n });
    // long enough for the last to be sent on a slow machine
    const { most } = holdEach((n) => 60 + 40 * max_in_flight + (n % 3) * 30);
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    await delivered(type, count);
    expect(most()).toBe(max_in_flight);
    expect(receiver.requests).toHaveLength(count);
  });

  test("callback URLs of one origin: at most ten, whatever their paths", async () => {
    const { most } = holdEach(() => 80);
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => api.job([{ url: `${receiver.url}/${n % 4}` }])),
    );
    await delivered("job.completed", 40);
    expect(most()).toBeLessThanOrEqual(10);
    expect(most()).toBeGreaterThan(1);
  });

  test("a smaller cap takes effect while the lane is busy", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["flight.less"], max_in_flight: 20 });
    const before = holdEach(() => 100);
    for (let n = 0; n < 100; n++) await api.publish("flight.less", { n });
    await receiver.waitFor(10, 10_000);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { max_in_flight: 2 } });
    await sleep(1_200);
    const { most } = holdEach(() => 30);
    for (let n = 0; n < 20; n++) await api.publish("flight.less", { n });
    await delivered("flight.less", 120);
    expect(before.most()).toBeLessThanOrEqual(20);
    expect(most()).toBeLessThanOrEqual(2);
  });
});

describe("the rate limit", () => {
  /** The closest that `rate + 1` arrivals came together: a second, were there no noise. */
  function closest(times: number[], rate: number): number {
    const spans = times.slice(rate).map((time, i) => time - times[i]!);
    return Math.min(...spans);
  }

  test("holds over leases, retries and two processes, and is used to the full", async () => {
    const rate = 10;
    const { id } = await api.endpoint(receiver.url, {
      events: ["rate.a"],
      rate_limit_per_s: rate,
      max_in_flight: 50,
    });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    for (let n = 0; n < 45; n++) await api.publish("rate.a", { n });
    const refused = new Set<unknown>();
    receiver.respond((request) => {
      const { n } = dataOf(request);
      if (Number(n) % 9 !== 0 || refused.has(n)) return 200;
      refused.add(n);
      return 500;
    });
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    await delivered("rate.a", 45);
    const times = receiver.requests.map(({ receivedAt }) => receivedAt.getTime());
    expect(times).toHaveLength(50);
    expect(closest(times, rate)).toBeGreaterThan(850);
    const seconds = (times.at(-1)! - times[0]!) / 1000;
    expect(seconds).toBeGreaterThan(49 / rate - 0.15);
    expect(seconds).toBeLessThan((49 / rate) * 2);
    const { rows } = await api.database.pool.query<{ epoch: number }>(
      "select l.epoch::int as epoch from lanes l join endpoints e on e.lane_id = l.id where e.events = '{rate.a}'",
    );
    expect(rows[0]!.epoch).toBeGreaterThan(2);
  });

  test("time without traffic is not saved up for a burst", async () => {
    await api.endpoint(receiver.url, { events: ["rate.b"], rate_limit_per_s: 4 });
    receiver.respond(200);
    await api.publish("rate.b");
    await delivered("rate.b", 1);
    await sleep(1_500);
    await Promise.all(Array.from({ length: 8 }, () => api.publish("rate.b")));
    await delivered("rate.b", 9);
    // as they were sent: a busy machine may take several in at once
    const { rows } = await api.database.pool.query<{ ms: number }>(
      `select extract(epoch from started_at)::float8 * 1000 as ms from attempts a
       join deliveries d on d.id = a.delivery_id where d.event_type = 'rate.b' order by 1`,
    );
    const times = rows.map(({ ms }) => ms).slice(1);
    expect(times).toHaveLength(8);
    expect(closest(times, 4)).toBeGreaterThan(850);
  });
});

test("30 receivers that hang do not delay a healthy one", async () => {
  const hanging = await Promise.all(
    Array.from({ length: 30 }, () => startHostileReceiver("hang-before-headers")),
  );
  try {
    for (const { url } of hanging) {
      await api.endpoint(url, { events: ["mixed"], timeout_s: 10, max_in_flight: 5 });
    }
    await api.endpoint(receiver.url, { events: ["mixed"] });
    receiver.respond(200);
    for (let n = 0; n < 5; n++) await api.publish("mixed", { n });
    await eventually(
      () => (hanging.every(({ requests }) => requests.length === 5) ? true : undefined),
      "every hanging receiver to hold five requests",
    );
    const published = new Map<string, number>();
    for (let n = 0; n < 20; n++) {
      const at = Date.now();
      const { id } = await api.publish("mixed", { n });
      published.set(id, at);
    }
    await receiver.waitFor(25, 8_000);
    expect(hanging.every(({ open }) => open() === 5)).toBe(true);
    const latencies = receiver.requests.slice(5).map(({ headers, receivedAt }) => {
      return receivedAt.getTime() - published.get(headers["webhook-id"]!)!;
    });
    expect(Math.max(...latencies)).toBeLessThan(3_000);
    const { data } = await api.must(200, "GET", "/v1/endpoints?limit=200");
    await Promise.all(
      (data as { id: string; events: string[] }[])
        .filter(({ events }) => events.includes("mixed"))
        .map(({ id }) => api.must(204, "DELETE", `/v1/endpoints/${id}`)),
    );
  } finally {
    await Promise.all(hanging.map((one) => one.close()));
  }
});
