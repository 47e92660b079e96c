import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { audit, dataOf, eventually, ONCE, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await receiver.close();
    await api.stop();
  }
});
beforeEach(() => {
  receiver.respond(200);
  receiver.requests.length = 0;
});

const n = (request: ReceivedRequest): unknown => dataOf(request)["n"];

async function publishMany(type: string, count: number, from = 0): Promise<string[]> {
  const messages = [];
  for (let i = from; i < from + count; i++) messages.push(await api.publish(type, { n: i }));
  return messages.map((m) => m.deliveries[0]!.id);
}

async function stateOf(id: string): Promise<Record<string, unknown>> {
  return await api.must(200, "GET", `/v1/endpoints/${id}`);
}

describe("an endpoint that answers 410", () => {
  test("is disabled; what waits for it dies without an attempt, and is replayed later", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["gone.a"], max_in_flight: 1 });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    const ids = await publishMany("gone.a", 30);
    receiver.respond(410);
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);

    const all = await Promise.all(ids.map((one) => api.ended(one)));
    expect(all.filter((d) => d.dead_reason === "gone")).toMatchObject([
      { attempt_count: 1, dead_detail: "the receiver answered 410 Gone" },
    ]);
    const others = all.filter((d) => d.dead_reason !== "gone");
    expect(others).toHaveLength(29);
    for (const other of others) {
      expect(other).toMatchObject({
        status: "dead",
        dead_reason: "endpoint_disabled",
        dead_detail: expect.stringContaining("enable"),
        attempt_count: 0,
        attempts: [],
      });
    }
    expect(receiver.requests).toHaveLength(1);
    expect(await stateOf(id)).toMatchObject({
      state: "disabled",
      disabled_reason: "gone",
      status: "disabled",
    });

    // what comes while it is disabled is counted
    const { deliveries } = await api.publish("gone.a", { n: 30 });
    expect(deliveries).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ skipped: { count: 1 } });
    const late = others[0]!.id;
    for (const [method, path] of [
      ["POST", `/v1/deliveries/${late}/replay`],
      ["POST", `/v1/endpoints/${id}/resume`],
    ] as const) {
      expect(await api.must(409, method, path)).toMatchObject({ code: "endpoint_state" });
    }
    const none = await api.must(202, "POST", "/v1/replays", {
      body: { filter: { endpoint_id: id } },
    });
    expect(none).toMatchObject({ matched: 0, status: "completed" });

    receiver.respond(200);
    const enabled = await api.must(200, "POST", `/v1/endpoints/${id}/enable`);
    expect(enabled).toMatchObject({ state: "active", disabled_reason: null });
    const replay = await api.must(202, "POST", "/v1/replays", {
      body: { filter: { endpoint_id: id } },
    });
    expect(replay).toMatchObject({ matched: 30 });
    await eventually(async () => {
      const { status } = await api.must(200, "GET", `/v1/replays/${String(replay["id"])}`);
      return status === "completed" ? status : undefined;
    }, "the replay");
    for (const one of ids) {
      expect(await api.ended(one)).toMatchObject({ status: "delivered", dead_reason: null });
    }
    expect(receiver.requests).toHaveLength(31);
    expect(new Set(receiver.requests.slice(1).map(n)).size).toBe(30);
  });

  test("is enabled and replayed at once, though an older attempt still hangs", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["gone.b"], max_in_flight: 2 });
    receiver.respond((request) => (n(request) === 0 ? { status: 200, delayMs: 6_000 } : 410));
    const [slow, gone] = await publishMany("gone.b", 2);
    expect(await api.ended(gone!)).toMatchObject({ dead_reason: "gone" });
    receiver.respond(200);
    await api.must(200, "POST", `/v1/endpoints/${id}/enable`);
    await api.must(202, "POST", `/v1/deliveries/${gone}/replay`);
    expect(await api.ended(gone!)).toMatchObject({ status: "delivered", attempt_count: 2 });
    expect(await api.delivery(slow!)).toMatchObject({ status: "pending" });
    const [next] = await publishMany("gone.b", 1, 2);
    expect(await api.ended(next!)).toMatchObject({ status: "delivered" });
    await api.ended(slow!);
  });
});

describe("a paused endpoint", () => {
  test("gets nothing, loses nothing, and goes on when it is resumed", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["paused.a"] });
    expect(await api.must(200, "POST", `/v1/endpoints/${id}/pause`)).toMatchObject({
      state: "paused",
      status: "paused",
    });
    const ids = await publishMany("paused.a", 20);
    await sleep(1_500);
    expect(receiver.requests).toEqual([]);
    for (const one of await api.deliveries(`endpoint_id=${id}`)) {
      expect(one).toMatchObject({ status: "pending", attempt_count: 0 });
    }
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    for (const one of ids) expect(await api.ended(one)).toMatchObject({ status: "delivered" });
    expect(receiver.requests).toHaveLength(20);
  });

  test("stops a stream within a second, and keeps what failed for later", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["paused.b"], max_in_flight: 1 });
    receiver.respond({ status: 500, delayMs: 50 });
    const ids = await publishMany("paused.b", 8);
    await receiver.waitFor(2, 10_000);
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    await sleep(1_000);
    const sent = receiver.requests.length;
    await sleep(1_500);
    expect(receiver.requests).toHaveLength(sent);
    expect(await api.deliveries(`endpoint_id=${id}&status=pending`)).toHaveLength(8);
    receiver.respond(200);
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    for (const one of ids) expect(await api.ended(one)).toMatchObject({ status: "delivered" });
  });

  test("is resumed though an attempt from before the pause still hangs", async () => {
    // Whoever holds the lane may have seen the pause and not yet the resumption when it leaves.
    const { id } = await api.endpoint(receiver.url, { events: ["paused.c"], max_in_flight: 1 });

    for (const pauseMs of [550, 600, 700, 800]) {
      receiver.respond({ status: 200, delayMs: 900 });
      const first = receiver.requests.length + 1;
      const ids = await publishMany("paused.c", 2);
      await receiver.waitFor(first, 10_000);
      await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
      await sleep(pauseMs);
      receiver.respond(200);
      await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
      for (const one of ids) {
        expect(await api.ended(one)).toMatchObject({ status: "delivered" });
      }
    }
  });
});

describe("a change of settings", () => {
  test("of the URL: what waits goes to the new one, the log says where each attempt went", async () => {
    const other = await startReceiver();
    try {
      const { id } = await api.endpoint(receiver.url, { events: ["moved"] });
      receiver.respond(500);
      const [one] = await publishMany("moved", 1);
      await receiver.waitFor(1, 10_000);
      await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { url: `${other.url}/new` } });
      const delivery = await api.ended(one!);
      expect(delivery).toMatchObject({ status: "delivered", url: `${other.url}/new` });
      expect(delivery.attempts[0]).toMatchObject({ url: receiver.url, status_code: 500 });
      expect(delivery.attempts.at(-1)).toMatchObject({
        url: `${other.url}/new`,
        number: delivery.attempt_count,
      });
    } finally {
      await other.close();
    }
  });

  test("of a rate limit that held everything back lets it through", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["limited"],
      rate_limit_per_s: 0.02,
    });
    const ids = await publishMany("limited", 5);
    await receiver.waitFor(1, 10_000);
    await sleep(300);
    expect(receiver.requests).toHaveLength(1);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { rate_limit_per_s: null } });
    for (const one of ids) expect(await api.ended(one)).toMatchObject({ status: "delivered" });
  });

  test("of the retry policy counts for what is pending", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["fewer"], retry: QUICK });
    receiver.respond(500);
    const [one] = await publishMany("fewer", 1);
    await receiver.waitFor(2, 10_000);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { retry: { max_attempts: 1 } } });
    expect(await api.ended(one!)).toMatchObject({ dead_reason: "exhausted" });
  });
});

describe("a deleted endpoint", () => {
  test("cancels what waits; an attempt in flight at that moment is logged", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["deleted.a"], max_in_flight: 2 });
    receiver.respond({ status: 200, delayMs: 1_000 });
    const ids = await publishMany("deleted.a", 10);
    await receiver.waitFor(2, 10_000);
    await api.must(204, "DELETE", `/v1/endpoints/${id}`);
    const canceled = await Promise.all(ids.map((one) => api.delivery(one)));
    expect(new Set(canceled.map((d) => d.status))).toEqual(new Set(["canceled"]));
    const flown = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
    await eventually(async () => {
      const now = await Promise.all(ids.map((one) => api.delivery(one)));
      const logged = now.filter((d) => d.attempt_count === 1);
      expect(now.every((d) => d.status === "canceled" && d.finished_at !== null)).toBe(true);
      if (logged.length < flown.size) return undefined;
      expect(new Set(logged.map((d) => d.message_id))).toEqual(flown);
      for (const d of logged) expect(d.attempts).toMatchObject([{ number: 1, status_code: 200 }]);
      return true;
    }, "the attempts in flight to be logged");
    expect(flown.size).toBeLessThan(10);
    expect(await api.must(409, "POST", `/v1/deliveries/${ids[9]}/replay`)).toMatchObject({
      code: "delivery_state",
    });
    const message = await api.publish("deleted.a", {});
    expect(message.deliveries).toEqual([]);
  });

  test("410 and failures in flight change nothing about the cancellation", async () => {
    for (const status of [410, 500]) {
      const type = `deleted.${status}`;
      const { id } = await api.endpoint(receiver.url, { events: [type], retry: ONCE });
      receiver.respond({ status, delayMs: 600 });
      receiver.requests.length = 0;
      const [one] = await publishMany(type, 1);
      await receiver.waitFor(1, 10_000);
      await api.must(204, "DELETE", `/v1/endpoints/${id}`);
      const delivery = await eventually(async () => {
        const found = await api.delivery(one!);
        return found.attempt_count === 1 ? found : undefined;
      }, "the attempt in flight to be logged");
      expect(delivery).toMatchObject({
        status: "canceled",
        dead_reason: null,
        next_attempt_at: null,
      });
      expect(delivery.attempts).toMatchObject([{ status_code: status }]);
    }
  });
});
