import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { publishMessage } from "../../src/flow/deliveries/publish-message.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { audit, dataOf, eventually, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
/** A second process on the same database. */
let second: TestContext;
let receiver: Receiver;
let inFlight = 0;
let mostInFlight = 0;
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
  mostInFlight = 0;
});

/** Answers by the request, and keeps count of how many are answered at once. */
function answer(statusOf: (request: ReceivedRequest) => number): void {
  receiver.respond(async (request) => {
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 2));
    inFlight -= 1;
    return statusOf(request);
  });
}

const firstTry = (request: ReceivedRequest): boolean => request.headers["ringback-attempt"] === "1";

/** Message ids in the order in which the lane placed them: the order of commit. */
async function placed(laneId: string): Promise<string[]> {
  const { rows } = await api.database.pool.query<{ message_id: string }>(
    "select message_id from deliveries where lane_id = $1 order by lane_position, id",
    [laneId],
  );
  return rows.map(({ message_id }) => formatId("message", message_id));
}

async function allDelivered(laneId: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await api.database.pool.query<{ n: number }>(
        "select count(*)::int as n from deliveries where lane_id = $1 and status = 'delivered'",
        [laneId],
      );
      return rows[0]!.n === count ? true : undefined;
    },
    `${count} deliveries`,
    20_000,
  );
}

/** What the receiver said 2xx to, in order of arrival. */
function accepted(refused: (request: ReceivedRequest) => boolean): string[] {
  return receiver.requests.filter((r) => !refused(r)).map(({ headers }) => headers["webhook-id"]!);
}

describe("an ordered endpoint", () => {
  test("keeps the order of commit for what two processes publish at once, with failures", async () => {
    const { laneId } = await api.endpoint(receiver.url, { events: ["o.a"], ordered: true });
    let refusals = 0;
    const refused = new Set<ReceivedRequest>();
    answer((request) => {
      const refuse = firstTry(request) && Number(dataOf(request)["n"]) % 10 === 3;
      if (refuse) refused.add(request);
      if (refuse) refusals += 1;
      return refuse ? 500 : 200;
    });
    const contexts = [api.context, second.context];
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        publishMessage(contexts[n % 2]!, {
          accountId: api.accountId,
          type: "o.a",
          data: JSON.stringify({ n }),
          requestId: "r",
          traceId: "0".repeat(31) + "1",
          idempotency: null,
        }),
      ),
    );
    await allDelivered(laneId, 50);
    const order = await placed(laneId);
    expect(order).toHaveLength(50);
    expect(accepted((r) => refused.has(r))).toEqual(order);
    expect(refusals).toBe(5);
    expect(mostInFlight).toBe(1);
    expect(receiver.requests).toHaveLength(55);
  });

  test("what waits behind a failed one is not tried meanwhile", async () => {
    const retry = { ...QUICK, max_attempts: 4 };
    const { laneId } = await api.endpoint(receiver.url, { events: ["o.b"], ordered: true, retry });
    answer((request) => (dataOf(request)["n"] === 1 ? 500 : 200));
    const ids = [];
    for (let n = 0; n < 5; n++) ids.push((await api.publish("o.b", { n })).deliveries[0]!.id);
    const ended = await Promise.all(ids.map((id) => api.ended(id)));
    expect(ended.map((d) => [d.status, d.attempt_count])).toEqual([
      ["delivered", 1],
      ["dead", 4],
      ["delivered", 1],
      ["delivered", 1],
      ["delivered", 1],
    ]);
    const seen = receiver.requests.map((r) => dataOf(r)["n"]);
    expect(seen).toEqual([0, 1, 1, 1, 1, 2, 3, 4]);
    expect(await placed(laneId)).toHaveLength(5);
  });

  test("a dead one that is replayed goes ahead of what was published later", async () => {
    const retry = { ...QUICK, max_attempts: 1 };
    const { id } = await api.endpoint(receiver.url, { events: ["o.c"], ordered: true, retry });
    answer(() => 500);
    const dead = (await api.publish("o.c", { n: 0 })).deliveries[0]!.id;
    await api.ended(dead);
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    const later = (await api.publish("o.c", { n: 1 })).deliveries[0]!.id;
    await api.must(202, "POST", `/v1/deliveries/${dead}/replay`);
    answer(() => 200);
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    expect(await api.ended(later)).toMatchObject({ status: "delivered" });
    expect(receiver.requests.map((r) => dataOf(r)["n"])).toEqual([0, 0, 1]);
  });

  test("a body larger than a lane may hold in memory is sent all the same, in its place", async () => {
    const { laneId } = await api.endpoint(receiver.url, { events: ["o.d"], ordered: true });
    answer(() => 200);
    const big = "x".repeat(700_000);
    for (let n = 0; n < 6; n++) await api.publish("o.d", { n, big: n % 2 ? big : "" });
    await allDelivered(laneId, 6);
    expect(receiver.requests.map((r) => dataOf(r)["n"])).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("order turned on and off", () => {
  test("with a backlog: from then on it goes in order, one at a time", async () => {
    const { id, laneId } = await api.endpoint(receiver.url, { events: ["t.a"] });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    for (let n = 0; n < 15; n++) await api.publish("t.a", { n });
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { ordered: true } });
    for (let n = 15; n < 30; n++) await api.publish("t.a", { n });
    const refused = (r: ReceivedRequest): boolean =>
      firstTry(r) && [0, 14, 15].includes(Number(dataOf(r)["n"]));
    answer((r) => (refused(r) ? 500 : 200));
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    await allDelivered(laneId, 30);
    const good = receiver.requests.filter((r) => !refused(r)).map((r) => dataOf(r)["n"]);
    expect(good).toEqual(Array.from({ length: 30 }, (_, n) => n));
    expect(mostInFlight).toBe(1);
  });

  test("while the lane is being pumped: nothing overtakes the one that failed", async () => {
    const { id, laneId } = await api.endpoint(receiver.url, { events: ["t.b"], max_in_flight: 2 });
    let broken = true;
    receiver.respond((r) => {
      if (dataOf(r)["n"] === 0 && broken) return 500;
      return { status: 200, delayMs: 60 };
    });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    for (let n = 0; n < 60; n++) await api.publish("t.b", { n });
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    await receiver.waitFor(6, 10_000);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { ordered: true } });
    // the holder of the lane learns of it within half a second; then what is first must go first
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const before = receiver.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const others = receiver.requests.slice(before).filter((r) => dataOf(r)["n"] !== 0);
    expect(others).toEqual([]);
    broken = false;
    await allDelivered(laneId, 60);
    const after = receiver.requests.slice(before).map((r) => Number(dataOf(r)["n"]));
    expect(after.filter((n) => n > 0)).toEqual(
      after.filter((n) => n > 0).toSorted((a, b) => a - b),
    );
  });

  test("off: what waited behind a failed one goes at once", async () => {
    const { id, laneId } = await api.endpoint(receiver.url, {
      events: ["t.c"],
      ordered: true,
      retry: { ...QUICK, base_s: 3_600, cap_s: 3_600 },
    });
    receiver.respond((r) => (dataOf(r)["n"] === 0 ? 500 : 200));
    for (let n = 0; n < 20; n++) await api.publish("t.c", { n });
    await receiver.waitFor(1, 10_000);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { ordered: false } });
    await allDelivered(laneId, 19);
    expect(receiver.requests).toHaveLength(20);
  });

  test("a delivery that died before there was an order can be replayed after", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["t.d"],
      retry: { ...QUICK, max_attempts: 1 },
    });
    answer(() => 500);
    const dead = [];
    for (let n = 0; n < 3; n++) dead.push((await api.publish("t.d", { n })).deliveries[0]!.id);
    for (const one of dead) expect(await api.ended(one)).toMatchObject({ status: "dead" });
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { ordered: true } });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    const last = (await api.publish("t.d", { n: 3 })).deliveries[0]!.id;
    for (const one of dead.toReversed()) {
      await api.must(202, "POST", `/v1/deliveries/${one}/replay`);
    }
    answer(() => 200);
    receiver.requests.length = 0;
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    for (const one of [...dead, last]) {
      expect(await api.ended(one)).toMatchObject({ status: "delivered" });
    }
    expect(receiver.requests.map((r) => dataOf(r)["n"])).toEqual([0, 1, 2, 3]);
  });
});

test("an ordered callback: the events of a job arrive in order, through failures", async () => {
  const refused = (r: ReceivedRequest): boolean =>
    firstTry(r) && JSON.parse(r.body.toString()).type !== "job.progress";
  answer((r) => (refused(r) ? 503 : 200));
  const events = ["job.started", "job.progress", "job.completed"];
  const body = {
    type: "demo.sleep",
    input: { ms: 900 },
    callbacks: [{ url: `${receiver.url}/o`, events, ordered: true, retry: QUICK }],
  };
  const job = String((await api.must(202, "POST", "/v1/jobs", { body }))["id"]);
  await eventually(async () => {
    const found = await api.deliveries(`job_id=${job}`);
    const over = found.some((d) => d.event_type === "job.completed");
    return over && found.every((d) => d.status === "delivered") ? found : undefined;
  }, "all events");
  const good = receiver.requests.filter((r) => !refused(r));
  const bodies = good.map(
    (r) =>
      JSON.parse(r.body.toString()) as { type: string; data: { progress?: { fraction: number } } },
  );
  const types = bodies.map(({ type }) => type);
  expect(types[0]).toBe("job.started");
  expect(types.at(-1)).toBe("job.completed");
  expect(types.slice(1, -1).every((type) => type === "job.progress")).toBe(true);
  const fractions = bodies.flatMap(({ data }) => data.progress?.fraction ?? []);
  expect(fractions.length).toBeGreaterThan(0);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(mostInFlight).toBe(1);
});
