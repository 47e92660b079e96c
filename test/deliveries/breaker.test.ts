import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { audit, eventually, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi, TestEndpoint } from "../support/delivery.ts";
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
  receiver.requests.length = 0;
});

interface Lane {
  state: string;
  reason: string | null;
  until: string | null;
}

async function laneOf(endpoint: TestEndpoint): Promise<Lane> {
  return (await api.must(200, "GET", `/v1/endpoints/${endpoint.id}`))["breaker"] as Lane;
}

async function inState(endpoint: TestEndpoint, state: string): Promise<Lane> {
  return await eventually(async () => {
    const lane = await laneOf(endpoint);
    return lane.state === state ? lane : undefined;
  }, `the lane to be ${state}`);
}

/** As if the time the breaker stays open had passed. */
async function letTimePass({ laneId }: TestEndpoint): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await api.database.pool.query(
      "update lanes set breaker_until = now() where id = $1 and leased_by is null",
      [laneId],
    );
    return rowCount === 1 ? true : undefined;
  }, "the lane to be free");
  await api.database.pool.query("select graphile_worker.add_job('pump-lane', $1, job_key := $2)", [
    JSON.stringify({ id: laneId }),
    `pump-lane:${laneId}`,
  ]);
}

async function attempts(laneId: string): Promise<number> {
  const { rows } = await api.database.pool.query<{ n: number }>(
    "select coalesce(sum(attempt_count), 0)::int as n from deliveries where lane_id = $1",
    [laneId],
  );
  return rows[0]!.n;
}

describe("the breaker", () => {
  test("opens at ten failures, spares the attempts, probes once, and closes", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["b.a"], max_in_flight: 1 });
    receiver.respond(503);
    expect(await laneOf(endpoint)).toMatchObject({ state: "closed", reason: null, until: null });
    const ids = [];
    for (let n = 0; n < 30; n++) ids.push((await api.publish("b.a", { n })).deliveries[0]!.id);

    const open = await inState(endpoint, "open");
    expect(open.reason).toBe("HTTP 503");
    const leftMs = Date.parse(open.until!) - Date.now();
    expect(leftMs).toBeGreaterThan(5_000);
    expect(leftMs).toBeLessThanOrEqual(10_000);
    expect(receiver.requests).toHaveLength(10);
    // new messages and replays wait as well
    ids.push((await api.publish("b.a", { n: 30 })).deliveries[0]!.id);
    await api.must(202, "POST", `/v1/deliveries/${ids[20]}/replay`);
    await sleep(1_500);
    expect(receiver.requests).toHaveLength(10);
    expect(await attempts(endpoint.laneId)).toBe(10);
    expect((await laneOf(endpoint)).until).toBe(open.until);

    // a failed probe opens it for twice as long, and costs one attempt
    await letTimePass(endpoint);
    await receiver.waitFor(11, 10_000);
    const again = await inState(endpoint, "open");
    await sleep(800);
    expect(receiver.requests).toHaveLength(11);
    const againMs = Date.parse(again.until!) - receiver.requests[10]!.receivedAt.getTime();
    expect(againMs).toBeGreaterThan(19_000);
    expect(againMs).toBeLessThan(21_000);

    // a probe that is answered closes it
    receiver.respond(200);
    await letTimePass(endpoint);
    for (const id of ids) expect(await api.ended(id)).toMatchObject({ status: "delivered" });
    expect(await inState(endpoint, "closed")).toEqual({
      state: "closed",
      failures: 0,
      since: null,
      until: null,
      reason: null,
    });
    expect(receiver.requests).toHaveLength(11 + 31);
  });

  test("one probe at a time, though more may be in flight when it is closed", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["b.b"], max_in_flight: 8 });
    receiver.respond(500);
    for (let n = 0; n < 40; n++) await api.publish("b.b", { n });
    await inState(endpoint, "open");
    // those in flight when it opened come to their end
    await sleep(500);
    const before = receiver.requests.length;
    expect(before).toBeGreaterThanOrEqual(10);
    expect(before).toBeLessThan(18);
    receiver.respond({ status: 500, delayMs: 700 });
    await letTimePass(endpoint);
    await receiver.waitFor(before + 1, 10_000);
    expect(await laneOf(endpoint)).toMatchObject({ state: "half_open" });
    await inState(endpoint, "open");
    await sleep(500);
    expect(receiver.requests).toHaveLength(before + 1);
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("is nobody else's: neither of another endpoint at the same host nor of its callbacks", async () => {
    const broken = await api.endpoint(`${receiver.url}/broken`, { events: ["b.c"] });
    const healthy = await api.endpoint(`${receiver.url}/healthy`, { events: ["b.c"] });
    receiver.respond(({ path }) => (path === "/broken" ? 500 : 200));
    for (let n = 0; n < 15; n++) await api.publish("b.c", { n });
    await inState(broken, "open");
    const { deliveries } = await api.publish("b.c", { n: 15 });
    const ours = deliveries.find((d) => d.endpoint_id === healthy.id)!;
    expect(await api.ended(ours.id)).toMatchObject({ status: "delivered", attempt_count: 1 });
    const job = await api.job([{ url: `${receiver.url}/job` }]);
    await eventually(async () => {
      const [one] = await api.deliveries(`job_id=${job}&status=delivered`);
      return one;
    }, "the callback");
    expect(await laneOf(healthy)).toMatchObject({ state: "closed" });
    await api.must(204, "DELETE", `/v1/endpoints/${broken.id}`);
  });

  test("is closed by an admin who resumes the endpoint", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["b.d"] });
    receiver.respond(500);
    const ids = [];
    for (let n = 0; n < 12; n++) ids.push((await api.publish("b.d", { n })).deliveries[0]!.id);
    await inState(endpoint, "open");
    receiver.respond(200);
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    for (const id of ids) expect(await api.ended(id)).toMatchObject({ status: "delivered" });
    expect(await laneOf(endpoint)).toMatchObject({ state: "closed" });
  });

  test("is closed by an admin though an attempt from before still hangs", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["b.g"], max_in_flight: 4 });
    const answers = [8_000];
    receiver.respond(() => ({ status: 500, delayMs: answers.pop() ?? 0 }));
    const ids = [];
    for (let n = 0; n < 12; n++) ids.push((await api.publish("b.g", { n })).deliveries[0]!.id);
    await inState(endpoint, "open");
    receiver.respond(200);
    const since = Date.now();
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    const soon = (await Promise.all(ids.slice(1).map((id) => api.ended(id)))).every(
      ({ status }) => status === "delivered",
    );
    expect(soon).toBe(true);
    expect(Date.now() - since).toBeLessThan(6_000);
    expect(await api.delivery(ids[0]!)).toMatchObject({ status: "pending" });
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("a success in between keeps it closed", async () => {
    const endpoint = await api.endpoint(receiver.url, {
      events: ["b.e"],
      ordered: true,
      retry: { ...QUICK, max_attempts: 1 },
    });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    let count = 0;
    receiver.respond(() => (++count % 10 === 0 ? 200 : 500));
    const ids = [];
    for (let n = 0; n < 40; n++) ids.push((await api.publish("b.e", { n })).deliveries[0]!.id);
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    for (const id of ids) await api.ended(id);
    expect(receiver.requests).toHaveLength(40);
    expect(await laneOf(endpoint)).toMatchObject({ state: "closed" });
  });

  test("shows while an attempt from before still hangs", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["b.f"], max_in_flight: 12 });
    let hanging = true;
    receiver.respond(() => {
      if (!hanging) return 500;
      hanging = false;
      return { status: 500, delayMs: 9_000 };
    });
    for (let n = 0; n < 12; n++) await api.publish("b.f", { n });
    await receiver.waitFor(11, 15_000);
    const since = Date.now();
    const open = await inState(endpoint, "open");
    expect(open.reason).toBe("HTTP 500");
    expect(Date.now() - since).toBeLessThan(5_000);
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });
});
