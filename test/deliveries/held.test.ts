import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { parseId } from "../../src/core/ids.ts";
import {
  audit,
  eventually,
  LATER,
  startDeliveryApi,
  type DeliveryApi,
  type DeliveryView,
  type TestEndpoint,
} from "../support/delivery.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";

interface Held {
  reason: string;
  since: string | null;
  until: string | null;
  detail: string;
  waiting?: { count: number; more: boolean };
}
type Shown = DeliveryView & { held: Held | null };

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

const heldOf = async (id: string): Promise<Held | null> =>
  ((await api.delivery(id)) as unknown as Shown).held;

/** The reason, once there is one. */
async function whyHeld(id: string): Promise<Held> {
  return await eventually(async () => (await heldOf(id)) ?? undefined, `a reason for ${id}`);
}

async function send(type: string): Promise<string> {
  return (await api.publish(type)).deliveries[0]!.id;
}

const listed = async (query: string): Promise<Shown[]> =>
  (await api.deliveries(query)) as unknown as Shown[];

const held = async (endpoint: TestEndpoint): Promise<Shown[]> =>
  await listed(`status=held&endpoint_id=${endpoint.id}`);

/** What an endpoint holds back goes as soon as nothing does, and then says so. */
async function expectToGo(endpoint: TestEndpoint, ids: string[]): Promise<void> {
  for (const id of ids) {
    expect(await api.ended(id)).toMatchObject({ status: "delivered", held: null });
  }
  expect(await held(endpoint)).toEqual([]);
  await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
}

test("a paused endpoint: since when, and how many wait, until it is resumed", async () => {
  const endpoint = await api.endpoint(receiver.url, { events: ["held.paused"] });
  const before = Date.now();
  const paused = await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
  expect(paused).toMatchObject({ status: "paused", state: "paused" });
  const published = await api.publish("held.paused");
  const ids = [published.deliveries[0]!.id, await send("held.paused")];
  const why = await whyHeld(ids[0]!);
  expect(why).toEqual({
    reason: "paused",
    since: paused["state_since"],
    until: null,
    detail: "the endpoint is paused",
    waiting: { count: 2, more: false },
  });
  expect(Math.abs(Date.parse(why.since!) - before)).toBeLessThan(5_000);
  // to pause again, or to change something else, is no new pause
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
  await api.must(200, "PATCH", `/v1/endpoints/${endpoint.id}`, { body: { description: "x" } });
  expect((await whyHeld(ids[0]!)).since).toBe(why.since);
  // lists say so as well, without a count
  const { waiting: _, ...rest } = why;
  for (const query of ["status=pending", "event_type=held.paused", "status=held"]) {
    const all = (await listed(query)).filter(({ id }) => ids.includes(id));
    expect(all.map((one) => [one.id, one.held])).toEqual(ids.toReversed().map((id) => [id, rest]));
  }
  const message = await api.must(200, "GET", `/v1/messages/${published.id}`);
  expect(message["deliveries"]).toMatchObject([{ id: ids[0], held: rest }]);
  // so does the timeline of a job
  const job = await api.job([{ endpoint_id: endpoint.id, events: ["job.completed"] }]);
  const timeline = `/v1/jobs/${job}/timeline`;
  const next = await eventually(async () => {
    const { data } = await api.must(200, "GET", timeline);
    return (data as { kind: string }[]).find(({ kind }) => kind === "next_attempt");
  }, "the delivery of a job");
  expect(next).toMatchObject({ outcome: "held", detail: "the endpoint is paused" });
  const ofJob = await api.must(200, "GET", `/v1/jobs/${job}/deliveries`);
  expect(ofJob["data"]).toMatchObject([{ held: rest }]);
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
  await expectToGo(endpoint, ids);
});

test("an open breaker: what failed, how often, and when the next probe comes", async () => {
  receiver.respond(500);
  const settings = { events: ["held.breaker"], max_in_flight: 1, retry: LATER };
  const endpoint = await api.endpoint(receiver.url, settings);
  const ids: string[] = [];
  for (let n = 0; n < 12; n += 1) ids.push(await send("held.breaker"));
  const why = await whyHeld(ids[11]!);
  const shown = await api.must(200, "GET", `/v1/endpoints/${endpoint.id}`);
  expect(shown).toMatchObject({ status: "failing", state: "active" });
  const breaker = shown["breaker"] as { since: string; until: string };
  expect(breaker).toMatchObject({ state: "open", failures: 10, reason: "HTTP 500" });
  const failing = async () => (await api.must(200, "GET", "/v1/lanes?status=failing"))["data"];
  expect(await failing()).toMatchObject([{ endpoint_id: endpoint.id, until: breaker.until }]);
  expect(await api.must(200, "GET", "/v1/overview")).toMatchObject({ lanes: { failing: 1 } });
  expect(why).toMatchObject({
    reason: "breaker_open",
    since: breaker.since,
    until: breaker.until,
    detail: "HTTP 500, 10 failures in a row",
    waiting: { count: 12, more: false },
  });
  // those that were tried wait for their own retry, in an hour
  expect(await heldOf(ids[0]!)).toBeNull();
  expect((await held(endpoint)).map(({ id }) => id)).toEqual([ids[11], ids[10]]);
  receiver.respond(200);
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
  expect(await failing()).toEqual([]);
  await api.ended(ids[11]!);
  await eventually(async () => ((await held(endpoint)).length === 0 ? true : undefined), "none");
  for (const id of ids.slice(0, 10)) await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
  await expectToGo(endpoint, ids);
});

test("an order: the delivery that is before it, until that has ended", async () => {
  receiver.respondNext(500);
  const settings = { events: ["held.order"], ordered: true, retry: LATER };
  const endpoint = await api.endpoint(receiver.url, settings);
  const ids = [await send("held.order"), await send("held.order")];
  const failed = await eventually(async () => {
    const first = await api.delivery(ids[0]!);
    return first.attempt_count === 1 ? first : undefined;
  }, "the first to fail");
  const why = await whyHeld(ids[1]!);
  expect(why).toMatchObject({
    reason: "order",
    until: failed.next_attempt_at,
    detail: `${ids[0]} is before it`,
  });
  expect(await heldOf(ids[0]!)).toBeNull();
  await api.must(202, "POST", `/v1/deliveries/${ids[0]}/replay`);
  await expectToGo(endpoint, ids);
});

test("a rate limit, until it allows to send", async () => {
  const settings = { events: ["held.rate"], rate_limit_per_s: 0.05 };
  const endpoint = await api.endpoint(receiver.url, settings);
  const ids = [await send("held.rate"), await send("held.rate")];
  await api.ended(ids[0]!);
  expect(await whyHeld(ids[1]!)).toMatchObject({
    reason: "rate_limit",
    detail: "the endpoint takes 0.05 per second at most",
  });
  const unlimited = { body: { rate_limit_per_s: null } };
  await api.must(200, "PATCH", `/v1/endpoints/${endpoint.id}`, unlimited);
  await expectToGo(endpoint, ids);
});

test("slow answers: as many as may be are under way, and others wait", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<number>();
  receiver.respond(() => answered);
  const endpoint = await api.endpoint(receiver.url, { events: ["held.slow"], max_in_flight: 2 });
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.push(await send("held.slow"));
  expect(await whyHeld(ids[2]!)).toMatchObject({
    reason: "in_flight",
    detail: "2 deliveries may be under way at once, and others were due before",
  });
  expect([await heldOf(ids[0]!), await heldOf(ids[1]!)]).toEqual([null, null]);
  answer(200);
  await expectToGo(endpoint, ids);
});

test("a disabled endpoint, for what was planned before", async () => {
  receiver.respondNext(500, 410);
  const settings = { events: ["held.gone"], max_in_flight: 1, retry: LATER };
  const endpoint = await api.endpoint(receiver.url, settings);
  const id = await send("held.gone");
  await api.ended(await send("held.gone"));
  expect(await whyHeld(id)).toMatchObject({
    reason: "disabled",
    detail: "the endpoint is disabled: the receiver answered 410 Gone",
  });
  const shown = await api.must(200, "GET", `/v1/endpoints/${endpoint.id}`);
  expect(shown).toMatchObject({ status: "disabled", state: "disabled" });
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/enable`);
  expect(await heldOf(id)).toBeNull();
  await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
  await expectToGo(endpoint, [id]);
});

test("another account sees nothing of what is held", async () => {
  const endpoint = await api.endpoint(receiver.url, { events: ["held.own"] });
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
  const id = await send("held.own");
  expect((await held(endpoint)).map((one) => one.id)).toEqual([id]);
  const { apiKey } = await api.addAccount("another");
  for (const query of ["status=held", `status=held&endpoint_id=${endpoint.id}`]) {
    const page = await api.must(200, "GET", `/v1/deliveries?${query}`, { key: apiKey });
    expect(page).toEqual({ data: [], next_cursor: null });
  }
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
  await expectToGo(endpoint, [id]);
});

test("held ones are found behind many that are not, page by page", async () => {
  const endpoint = await api.endpoint(receiver.url, { events: ["held.far"] });
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
  const ids = [await send("held.far"), await send("held.far"), await send("held.far")];
  // pending in another lane, not due for long; newer than those that are held
  const elsewhere = await api.endpoint(receiver.url, { events: ["held.none"] });
  const { pool } = api.database;
  const newest = parseId("delivery", ids[2]!)!;
  await pool.query(
    `insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
       body_bytes, status, next_attempt_at)
     select (left($1::uuid::text, 19) || 'a000-' || lpad(to_hex(g), 12, '0'))::uuid, $2, $1::uuid, 'held.none', $3, $4,
       'https://a.test/', 2, 'pending', now() + interval '1 day' from generate_series(1, 55000) g`,
    [newest.replace(/^(.{14})..../, "$1ffff"), api.accountId, elsewhere.uuid, elsewhere.laneId],
  );
  try {
    const first = await api.must(200, "GET", "/v1/deliveries?status=held&limit=2");
    expect(first).toMatchObject({ data: [], next_cursor: expect.any(String) });
    const seen: string[] = [];
    for (let cursor = first["next_cursor"] as string | null; cursor !== null;) {
      const path = `/v1/deliveries?status=held&limit=2&cursor=${cursor}`;
      const page = await api.must(200, "GET", path);
      seen.push(...(page["data"] as Shown[]).map(({ id }) => id));
      cursor = page["next_cursor"] as string | null;
    }
    expect(seen).toEqual(ids.toReversed());
    // filters narrow what is walked
    expect((await held(endpoint)).map(({ id }) => id)).toEqual(ids.toReversed());
  } finally {
    await pool.query("delete from deliveries where lane_id = $1", [elsewhere.laneId]);
  }
  await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
  await expectToGo(endpoint, ids);
});
