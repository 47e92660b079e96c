import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { flushStats } from "../../src/flow/maintenance/flush-stats.ts";
import { verifyWebhook } from "../../src/index.ts";
import { audit, eventually, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startHostileReceiver } from "../support/hostile-receiver.ts";
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
beforeEach(() => {
  receiver.respond(200);
  receiver.requests.length = 0;
});

type Body = Record<string, unknown>;

async function tested(id: string): Promise<Body & { attempts: Body[] }> {
  return (await api.must(200, "POST", `/v1/endpoints/${id}/test`)) as Body & { attempts: Body[] };
}

const endpointOf = async (id: string) => await api.must(200, "GET", `/v1/endpoints/${id}`);

/** How many attempts are counted for the charts of an endpoint. */
async function charted(id: string): Promise<number> {
  await flushStats(api.context, newId());
  const { totals } = await api.must(200, "GET", `/v1/stats?endpoint_id=${id}`);
  const { attempts } = totals as { attempts: Record<string, number> };
  return Object.values(attempts).reduce((a, b) => a + b, 0);
}

describe("a test of an endpoint", () => {
  test("is one signed attempt, whose answer is the answer", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["never"],
      headers: { "x-token": "s3cr3t" },
    });
    receiver.respond({ status: 201, body: "welcome" });
    const delivery = await tested(id);
    expect(delivery).toMatchObject({
      event_type: "endpoint.test",
      endpoint_id: id,
      status: "delivered",
      attempt_count: 1,
      last_status_code: 201,
      next_attempt_at: null,
      attempts: [{ number: 1, status_code: 201, response_body: "welcome", manual: false }],
    });
    expect(delivery.attempts[0]!["request_headers"]).toMatchObject({ "x-token": "[redacted]" });

    const [request] = receiver.requests;
    expect(request!.headers["x-token"]).toBe("s3cr3t");
    const { secret } = (await api.must(200, "GET", `/v1/endpoints/${id}/secret`)) as {
      secret: string;
    };
    const webhook = await verifyWebhook(request!.body, request!.headers, secret);
    expect(webhook).toMatchObject({ id: delivery["message_id"], type: "endpoint.test" });

    const shown = await api.must(200, "GET", `/v1/deliveries/${String(delivery["id"])}`);
    expect(shown).toEqual(delivery);
    const list = await api.must(200, "GET", `/v1/deliveries?endpoint_id=${id}`);
    expect(list["data"]).toMatchObject([{ id: delivery["id"] }]);
  });

  test("that fails is dead at once, but no dead letter of the inbox, and changes no state", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["never"] });
    for (const status of [410, 500, 302]) {
      receiver.respond(status);
      expect(await tested(id)).toMatchObject({
        status: "dead",
        last_status_code: status,
        dead_reason: status === 410 ? "gone" : "exhausted",
        discarded: { note: "a test is not sent again" },
      });
    }
    expect(receiver.requests).toHaveLength(3);
    expect(await endpointOf(id)).toMatchObject({ state: "active", breaker: { state: "closed" } });
    const inbox = await api.must(200, "GET", `/v1/dead-letters?endpoint_id=${id}`);
    expect(inbox["data"]).toEqual([]);
    const replay = await api.must(202, "POST", "/v1/replays", {
      body: { filter: { endpoint_id: id } },
    });
    expect(replay).toMatchObject({ matched: 0 });
    // the chart of the endpoint has a real attempt, and no test
    receiver.respond(200);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { events: ["real"] } });
    const [real] = (await api.publish("real")).deliveries;
    await api.ended(real!.id);
    expect(await charted(id)).toBe(1);
  });

  test("goes past the breaker, and leaves it open", async () => {
    const { id, laneId } = await api.endpoint(receiver.url, {
      events: ["broken.a"],
      retry: { ...QUICK, max_attempts: 5 },
    });
    receiver.respond(500);
    for (let n = 0; n < 12; n++) await api.publish("broken.a", { n });
    await eventually(async () => {
      const lane = (await endpointOf(id))["breaker"] as Body;
      return lane["state"] === "open" ? lane : undefined;
    }, "the breaker to open");
    const before = receiver.requests.length;
    receiver.respond(200);
    expect(await tested(id)).toMatchObject({ status: "delivered" });
    expect(receiver.requests).toHaveLength(before + 1);
    expect((await endpointOf(id))["breaker"]).toMatchObject({ state: "open" });
    const { rows } = await api.database.pool.query<{ n: number }>(
      "select count(*)::int as n from deliveries where lane_id = $1 and status = 'pending'",
      [laneId],
    );
    expect(rows[0]!.n).toBe(12);
    await api.must(204, "DELETE", `/v1/endpoints/${id}`);
  });

  test("goes past a pause and a disabled state, and order has no place for it", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["held.a"], ordered: true });
    await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
    await api.publish("held.a", { n: 1 });
    expect(await tested(id)).toMatchObject({ status: "delivered" });
    await api.publish("held.a", { n: 2 });
    expect(receiver.requests).toHaveLength(1);
    expect(await endpointOf(id)).toMatchObject({ state: "paused" });
    await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
    await receiver.waitFor(3, 10_000);
    const types = receiver.requests.map(({ body }) => JSON.parse(body.toString()) as Body);
    expect(types.map(({ type }) => type)).toEqual(["endpoint.test", "held.a", "held.a"]);
    expect(types.slice(1).map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }]);

    receiver.respond(410);
    await api.publish("held.a", { n: 3 });
    await eventually(async () => {
      const { state } = await endpointOf(id);
      return state === "disabled" ? state : undefined;
    }, "the endpoint to be disabled");
    receiver.respond(200);
    expect(await tested(id)).toMatchObject({ status: "delivered" });
    expect(await endpointOf(id)).toMatchObject({ state: "disabled" });
  });

  test("takes no longer than the endpoint's timeout", async () => {
    const hanging = await startHostileReceiver("hang-before-headers");
    try {
      const { id } = await api.endpoint(hanging.url, { events: ["never"], timeout_s: 1 });
      const begin = performance.now();
      expect(await tested(id)).toMatchObject({
        status: "dead",
        last_status_code: null,
        last_error_code: "timeout",
        attempts: [{ error_code: "timeout" }],
      });
      expect(performance.now() - begin).toBeLessThan(5_000);
    } finally {
      await hanging.close();
    }
  });

  test("is for the account's own endpoints, and calls no forbidden address", async () => {
    const { id, uuid } = await api.endpoint(receiver.url, { events: ["never"] });
    const other = await api.addAccount("stranger");
    const stolen = await api.ask("POST", `/v1/endpoints/${id}/test`, { key: other.apiKey });
    expect([stolen.status, stolen.body["code"]]).toEqual([404, "not_found"]);
    await api.database.pool.query("update endpoints set url = $2 where id = $1", [
      uuid,
      "http://10.0.0.1/",
    ]);
    expect(await tested(id)).toMatchObject({ status: "dead", dead_reason: "target_blocked" });
    await api.must(204, "DELETE", `/v1/endpoints/${id}`);
    await api.must(404, "POST", `/v1/endpoints/${id}/test`);
    expect(receiver.requests).toHaveLength(0);
  });

  test("can be replayed by hand like any delivery", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["never"], ordered: true });
    receiver.respond(500);
    const first = String((await tested(id))["id"]);
    receiver.respond(200);
    await api.must(202, "POST", `/v1/deliveries/${first}/replay`);
    expect(await api.ended(first)).toMatchObject({ status: "delivered", attempt_count: 2 });
  });
});
