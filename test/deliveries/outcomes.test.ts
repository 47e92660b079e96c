import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { readVersion } from "../../src/config.ts";
import { audit, eventually, LATER, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

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
beforeEach(() => receiver.respond(200));

let types = 0;
const newType = (): string => `own.${++types}`;

/** One endpoint, one message, one delivery. */
async function deliver(fields: object = {}): Promise<{ deliveryId: string; endpointId: string }> {
  const type = newType();
  const { id } = await api.endpoint(`${receiver.url}/${type}?q=1`, { events: [type], ...fields });
  const message = await api.publish(type, { a: 1 });
  expect(message.deliveries).toHaveLength(1);
  return { deliveryId: message.deliveries[0]!.id, endpointId: id };
}

describe("what came back, and what became of the delivery", () => {
  test("2xx: delivered, with every field of the attempt", async () => {
    receiver.respondNext({ status: 202, headers: { "x-answer": "yes" }, body: "thanks" });
    const before = Date.now();
    const { deliveryId, endpointId } = await deliver({ headers: { "x-tenant": "blue" } });
    const delivery = await api.ended(deliveryId);
    expect(delivery).toMatchObject({
      status: "delivered",
      endpoint_id: endpointId,
      attempt_count: 1,
      next_attempt_at: null,
      dead_reason: null,
      dead_detail: null,
    });
    const [attempt] = delivery.attempts;
    const request = receiver.requests.at(-1)!;
    expect(attempt).toMatchObject({
      number: 1,
      url: delivery.url,
      remote_address: "127.0.0.1",
      status_code: 202,
      error_code: null,
      error_message: null,
      response_headers: { "x-answer": "yes" },
      response_body: "thanks",
      response_truncated: false,
      manual: false,
    });
    expect(Date.parse(attempt!.started_at)).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(attempt!.started_at)).toBeLessThanOrEqual(Date.now());
    expect(attempt!.duration_ms).toBeGreaterThanOrEqual(0);
    expect(request).toMatchObject({ method: "POST", path: `/${delivery.event_type}?q=1` });
    const { traceparent, ...headers } = attempt!.request_headers;
    expect(headers).toEqual({
      "content-type": "application/json",
      "user-agent": `Ringback/${readVersion()}`,
      "webhook-id": delivery.message_id,
      "webhook-key-id": expect.any(String),
      "webhook-timestamp": request.headers["webhook-timestamp"],
      "webhook-signature": request.headers["webhook-signature"],
      "x-request-id": expect.any(String),
      "ringback-attempt": "1",
      "x-tenant": "[redacted]",
    });
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(request.headers["x-tenant"]).toBe("blue");
    for (const [name, value] of Object.entries({ ...headers, "x-tenant": "blue" })) {
      expect([name, request.headers[name]]).toEqual([name, value]);
    }
  });

  test.each([301, 302, 307, 308, 400, 401, 404, 409, 422, 429, 500, 502, 503, 504])(
    "%i: tried again, then delivered",
    async (status) => {
      const location = `${receiver.url}/elsewhere`;
      receiver.respondNext({ status, headers: { location }, body: `no: ${status}` });
      const { deliveryId } = await deliver();
      const delivery = await api.ended(deliveryId);
      expect(delivery).toMatchObject({ status: "delivered", attempt_count: 2 });
      expect(delivery.attempts).toMatchObject([
        { number: 1, status_code: status, error_code: null, response_body: `no: ${status}` },
        { number: 2, status_code: 200, error_code: null },
      ]);
      expect(receiver.requests.map(({ path }) => path)).not.toContain("/elsewhere");
    },
  );

  test("a retry waits for its time, and says when that is", async () => {
    receiver.respondNext(500);
    const { deliveryId } = await deliver({ retry: LATER });
    const delivery = await eventually(async () => {
      const found = await api.delivery(deliveryId);
      return found.attempt_count === 1 ? found : undefined;
    }, "the first attempt");
    expect(delivery).toMatchObject({ status: "pending", finished_at: null });
    const waitS = (Date.parse(delivery.next_attempt_at!) - Date.now()) / 1000;
    expect(waitS).toBeGreaterThan(3_600 * 0.8 - 30);
    expect(waitS).toBeLessThan(3_600 * 1.2 + 1);
  });

  test.each([
    [429, "7200", 7_200],
    [503, "7200", 7_200],
    [503, "999999999", 86_400],
    [503, new Date(Date.now() + 7_200_000).toUTCString(), 7_200],
    [429, "in 2099", null],
    [500, "7200", null],
  ])("%i with Retry-After %j", async (status, value, seconds) => {
    receiver.respondNext({ status, headers: { "retry-after": value } });
    const { deliveryId } = await deliver();
    if (seconds === null) {
      expect(await api.ended(deliveryId)).toMatchObject({ status: "delivered", attempt_count: 2 });
      return;
    }
    const delivery = await eventually(async () => {
      const found = await api.delivery(deliveryId);
      return found.attempt_count === 1 ? found : undefined;
    }, "the first attempt");
    const waitS = (Date.parse(delivery.next_attempt_at!) - Date.now()) / 1000;
    expect(waitS).toBeGreaterThan(seconds - 60);
    expect(waitS).toBeLessThan(seconds + 5);
  });

  test("attempts used up: dead, exhausted, with the last failure", async () => {
    receiver.respondNext(500, 502, { status: 418, body: "a teapot" });
    const { deliveryId } = await deliver({ retry: { ...QUICK, max_attempts: 3 } });
    expect(await api.ended(deliveryId)).toMatchObject({
      status: "dead",
      attempt_count: 3,
      next_attempt_at: null,
      finished_at: expect.any(String),
      dead_reason: "exhausted",
      dead_detail: "3 attempts failed; the last: HTTP 418",
    });
    const letters = await api.must(200, "GET", "/v1/dead-letters?reason=exhausted");
    expect((letters["data"] as { id: string }[]).map(({ id }) => id)).toContain(deliveryId);
  });

  test("nobody listens: connect, then dead", async () => {
    const gone = await startReceiver();
    await gone.close();
    const type = newType();
    await api.endpoint(gone.url, { events: [type], retry: { ...QUICK, max_attempts: 2 } });
    const { deliveries } = await api.publish(type);
    const delivery = await api.ended(deliveries[0]!.id);
    expect(delivery).toMatchObject({ status: "dead", dead_reason: "exhausted" });
    expect(delivery.dead_detail).toMatch(/^2 attempts failed; the last: connect: .*ECONNREFUSED/);
    for (const attempt of delivery.attempts) {
      expect(attempt).toMatchObject({
        remote_address: "127.0.0.1",
        status_code: null,
        error_code: "connect",
        response_headers: null,
        response_body: null,
        response_truncated: false,
      });
    }
  });

  test("410 from a callback URL: dead, and its neighbours at the origin go on", async () => {
    receiver.respond(({ path }) => (path === "/gone" ? 410 : 200));
    const job = await api.job([
      { url: `${receiver.url}/gone` },
      { url: `${receiver.url}/here`, events: [] },
    ]);
    const deliveries = await eventually(async () => {
      const found = await api.deliveries(`job_id=${job}`);
      return found.length === 3 && found.every((d) => d.status !== "pending") ? found : undefined;
    }, "all deliveries");
    const outcomes = deliveries.map(
      (d) => `${new URL(d.url).pathname} ${d.status} ${d.dead_reason}`,
    );
    expect(outcomes.sort()).toEqual([
      "/gone dead gone",
      "/here delivered null",
      "/here delivered null",
    ]);
  });
});

describe("replay", () => {
  test("starts a fresh budget with numbers going on, as a manual attempt", async () => {
    receiver.respond(500);
    const { deliveryId } = await deliver({ retry: { ...QUICK, max_attempts: 2 } });
    expect(await api.ended(deliveryId)).toMatchObject({ status: "dead", attempt_count: 2 });
    await api.must(202, "POST", `/v1/deliveries/${deliveryId}/replay`);
    const dead = await api.ended(deliveryId);
    expect(dead).toMatchObject({ status: "dead", attempt_count: 4, dead_reason: "exhausted" });
    expect(dead.attempts.map((a) => [a.number, a.manual])).toEqual([
      [1, false],
      [2, false],
      [3, true],
      [4, false],
    ]);
    receiver.respond(200);
    for (const attempt_count of [5, 6]) {
      // a dead one, then a delivered one
      await api.must(202, "POST", `/v1/deliveries/${deliveryId}/replay`);
      expect(await api.ended(deliveryId)).toMatchObject({ status: "delivered", attempt_count });
    }
    const ids = receiver.requests
      .filter(({ path }) => path === new URL(dead.url).pathname + "?q=1")
      .map(({ headers }) => [headers["webhook-id"], headers["ringback-attempt"]]);
    expect(ids).toEqual([1, 2, 3, 4, 5, 6].map((n) => [dead.message_id, String(n)]));
  });

  test("of one that is still pending leaves its schedule and its budget as they were", async () => {
    receiver.respond(500);
    const { deliveryId } = await deliver({ retry: { ...LATER, max_attempts: 3 } });
    const reached = (count: number) =>
      eventually(async () => {
        const found = await api.delivery(deliveryId);
        return found.attempt_count === count ? found : undefined;
      }, `attempt ${count}`);
    const { next_attempt_at } = await reached(1);
    for (const count of [2, 3, 4, 5]) {
      await api.must(202, "POST", `/v1/deliveries/${deliveryId}/replay`);
      const after = await reached(count);
      expect(after).toMatchObject({ status: "pending", next_attempt_at });
      expect(after.attempts.at(-1)).toMatchObject({ number: count, manual: true });
    }
    // a receiver that asks for more time gets it
    const asked = Date.parse(next_attempt_at!) - Date.now() + 7_200_000;
    const headers = { "retry-after": String(Math.ceil(asked / 1000)) };
    receiver.respond({ status: 503, headers });
    await api.must(202, "POST", `/v1/deliveries/${deliveryId}/replay`);
    const put = await reached(6);
    const later = Date.parse(put.next_attempt_at!) - Date.parse(next_attempt_at!);
    expect(later).toBeGreaterThan(7_000_000);
    receiver.respond(200);
    await api.must(202, "POST", `/v1/deliveries/${deliveryId}/replay`);
    expect(await api.ended(deliveryId)).toMatchObject({ status: "delivered", attempt_count: 7 });
  });
});
