import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { audit, eventually, LATER, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi, TestEndpoint } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

const HOUR_S = 3_600;

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

interface Shown {
  state: string;
  disabled_reason: string | null;
  status: string;
  breaker: { state: string };
  health: {
    since: string | null;
    failures_in_row: number;
    last_success_at: string | null;
    last_failure: { at: string; status_code: number | null; error_code: string | null } | null;
    disable_at: string | null;
  };
  skipped: { count: number; since: string | null };
}

async function show({ id }: Pick<TestEndpoint, "id">): Promise<Shown> {
  return (await api.must(200, "GET", `/v1/endpoints/${id}`)) as unknown as Shown;
}

async function becomes(endpoint: TestEndpoint, fits: (shown: Shown) => boolean): Promise<Shown> {
  return await eventually(async () => {
    const shown = await show(endpoint);
    return fits(shown) ? shown : undefined;
  }, "the endpoint to change");
}

/** As if this time had passed for a lane that nobody holds; its breaker is over then. */
async function letTimePass({ laneId }: TestEndpoint, seconds: number): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await api.database.pool.query(
      `update lanes set failed_since = failed_since - $2 * interval '1 second',
         failing_since = failing_since - $2 * interval '1 second', breaker_until = now()
       where id = $1 and leased_by is null`,
      [laneId, seconds],
    );
    return rowCount === 1 ? true : undefined;
  }, "the lane to be free");
  await api.database.pool.query("select graphile_worker.add_job('pump-lane', $1, job_key := $2)", [
    JSON.stringify({ id: laneId }),
    `pump-lane:${laneId}`,
  ]);
}

async function publishMany(type: string, count: number): Promise<string[]> {
  const ids = [];
  for (let n = 0; n < count; n++) ids.push((await api.publish(type, { n })).deliveries[0]!.id);
  return ids;
}

/** Requests with messages of a type; those of another test may still come. */
function arrived(type: string): ReceivedRequest[] {
  return receiver.requests.filter(({ body }) => body.includes(`"${type}"`));
}

/** An endpoint that has failed ten times, whose breaker is open. */
async function broken(type: string, fields: object = {}): Promise<TestEndpoint> {
  const settings = { events: [type], max_in_flight: 1, retry: LATER, ...fields };
  const endpoint = await api.endpoint(receiver.url, settings);
  receiver.respond(503);
  await publishMany(type, 20);
  await becomes(endpoint, ({ breaker }) => breaker.state === "open");
  return endpoint;
}

describe("the ladder of an endpoint", () => {
  test("healthy, failing after ten failures and five minutes, and healthy by a success", async () => {
    const endpoint = await broken("ladder.a");
    expect((await show(endpoint)).health).toMatchObject({
      failures_in_row: 10,
      last_success_at: null,
      last_failure: { status_code: 503, error_code: null },
      disable_at: null,
    });
    await letTimePass(endpoint, 200);
    await receiver.waitFor(11, 15_000);
    await becomes(endpoint, ({ health }) => health.failures_in_row === 11);
    expect((await show(endpoint)).health.disable_at).toBeNull();
    await letTimePass(endpoint, 101);
    const { health } = await becomes(endpoint, (shown) => shown.health.disable_at !== null);
    expect(health.failures_in_row).toBe(12);
    expect(Date.now() - Date.parse(health.since!)).toBeLessThan(5_000);
    const inDays = (Date.parse(health.disable_at!) - Date.now()) / 86_400_000;
    expect(inDays).toBeGreaterThan(4.9);
    expect(inDays).toBeLessThan(5);
    // nothing has become of it yet
    expect(await show(endpoint)).toMatchObject({ state: "active" });

    receiver.respond(200);
    await letTimePass(endpoint, 0);
    const well = await becomes(endpoint, (shown) => shown.status === "healthy");
    expect(well.health).toMatchObject({ since: null, failures_in_row: 0, disable_at: null });
    expect(well.health.last_failure).toMatchObject({ status_code: 503 });
    const success = await becomes(endpoint, (shown) => shown.health.last_success_at !== null);
    expect(Date.now() - Date.parse(success.health.last_success_at!)).toBeLessThan(15_000);
  });

  test("disabled when nothing succeeded for the time set: what waits is given up", async () => {
    const endpoint = await broken("ladder.b", { disable_after_s: 12 * HOUR_S });
    await letTimePass(endpoint, 301);
    await becomes(endpoint, ({ health }) => health.disable_at !== null);
    // one failure before the time is up changes nothing
    await letTimePass(endpoint, 12 * HOUR_S - 400);
    await becomes(endpoint, ({ health }) => health.failures_in_row === 12);
    expect(await show(endpoint)).toMatchObject({ state: "active" });
    await letTimePass(endpoint, 120);
    const shown = await becomes(endpoint, ({ state }) => state === "disabled");
    expect(shown).toMatchObject({
      disabled_reason: "failing",
      status: "disabled",
      health: { failures_in_row: 13, disable_at: null },
    });
    expect(shown.health.since).not.toBeNull();
    // those with a time for their next attempt are given up then
    const dead = await eventually(async () => {
      const found = await api.deliveries(`endpoint_id=${endpoint.id}&status=dead`);
      return found.length === 7 ? found : undefined;
    }, "what is due to be given up");
    expect(new Set(dead.map((d) => d.dead_reason))).toEqual(new Set(["endpoint_disabled"]));
    expect(arrived("ladder.b")).toHaveLength(13);

    // enabled, it begins anew
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/enable`);
    expect(await show(endpoint)).toMatchObject({
      state: "active",
      disabled_reason: null,
      status: "healthy",
      health: { since: null, failures_in_row: 0 },
    });
  });

  test("never disabled by itself when that is switched off", async () => {
    const endpoint = await broken("ladder.c", { disable_after_s: null });
    await letTimePass(endpoint, 301);
    await becomes(endpoint, (shown) => shown.health.failures_in_row === 11);
    await letTimePass(endpoint, 400 * 24 * HOUR_S);
    const { health } = await becomes(endpoint, (shown) => shown.health.failures_in_row === 12);
    expect(health.disable_at).toBeNull();
    expect(await show(endpoint)).toMatchObject({ state: "active", status: "failing" });
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("not disabled by an attempt from before an admin let it begin anew", async () => {
    const endpoint = await broken("ladder.d", { disable_after_s: 12 * HOUR_S });
    await letTimePass(endpoint, 301);
    await becomes(endpoint, ({ health }) => health.disable_at !== null);
    receiver.respond({ status: 503, delayMs: 1_500 });
    const sent = receiver.requests.length;
    await letTimePass(endpoint, 13 * HOUR_S);
    await receiver.waitFor(sent + 1, 15_000);
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    receiver.respond(200);
    const pending = async () =>
      (await api.deliveries(`endpoint_id=${endpoint.id}&status=pending`)).length;
    await eventually(async () => ((await pending()) <= 13 ? true : undefined), "it to go on");
    expect(await show(endpoint)).toMatchObject({ state: "active", disabled_reason: null });
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("disabled by an admin, at once, and by nobody twice", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["ladder.e"] });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    const ids = await publishMany("ladder.e", 3);
    const disabled = await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/disable`);
    expect(disabled).toMatchObject({ state: "disabled", disabled_reason: "admin" });
    const again = await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/disable`);
    expect(again["health"]).toEqual(disabled["health"]);
    for (const id of ids) {
      expect(await api.ended(id)).toMatchObject({ dead_reason: "endpoint_disabled", attempts: [] });
    }
    expect(arrived("ladder.e")).toEqual([]);
  });
});

describe("answers and schedules of a receiver's own", () => {
  test("a final answer ends a delivery at once, of an endpoint and of a callback", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["final.a"],
      retry: QUICK,
      final_status: [404],
    });
    receiver.respond(404);
    const [one] = await publishMany("final.a", 1);
    expect(await api.ended(one!)).toMatchObject({
      status: "dead",
      dead_reason: "final_status",
      dead_detail: "the receiver answered 404, which final_status names",
      attempt_count: 1,
    });
    expect(await api.must(200, "GET", `/v1/endpoints/${id}`)).toMatchObject({
      final_status: [404],
    });
    const job = await api.job([{ url: receiver.url, retry: QUICK, final_status: [400, 404] }]);
    const delivery = await eventually(async () => {
      const [found] = await api.deliveries(`job_id=${job}&status=dead`);
      return found;
    }, "the callback to end");
    expect(delivery).toMatchObject({ dead_reason: "final_status", attempt_count: 1 });
    expect(await api.must(200, "GET", `/v1/jobs/${job}`)).toMatchObject({
      callbacks: [{ final_status: [400, 404] }],
    });
  });

  test("a list of waits is the schedule", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["delays.a"],
      retry: { delays_s: [0.1, 0.2, 0.1] },
    });
    receiver.respond(500);
    const [one] = await publishMany("delays.a", 1);
    expect(await api.ended(one!)).toMatchObject({ dead_reason: "exhausted", attempt_count: 4 });
    const change = async (retry: object) =>
      (await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { retry } }))["retry"];
    expect(await change({ max_attempts: 2 })).toEqual({
      max_attempts: 2,
      base_s: 5,
      factor: 3,
      cap_s: 86_400,
    });
    expect(await change({ delays_s: [60] })).toMatchObject({ max_attempts: 2, delays_s: [60] });
  });
});
