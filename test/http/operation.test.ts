import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { flushStats } from "../../src/flow/maintenance/flush-stats.ts";
import {
  audit,
  eventually,
  LATER,
  ONCE,
  readBooks,
  startDeliveryApi,
  type DeliveryApi,
} from "../support/delivery.ts";
import { until } from "../support/jobs.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await audit(api.database.pool);
  await receiver.close();
  await api.stop();
});

type View = Record<string, unknown>;
const get = (path: string): Promise<View> => api.must(200, "GET", path);
const list = async (path: string): Promise<View[]> => (await get(path))["data"] as View[];

/** An endpoint at which one event ends in this answer. */
async function endAt(event: string, answer: number, fields: object = {}): Promise<string> {
  const { id } = await api.endpoint(`${receiver.url}/${event}`, { events: [event], ...fields });
  receiver.respond(answer);
  const { deliveries } = await api.publish(event);
  await eventually(async () => {
    const { attempt_count } = await api.delivery(deliveries[0]!.id);
    return attempt_count > 0 ? true : undefined;
  }, `an attempt of ${event}`);
  return id;
}

describe("charts", () => {
  test("count what happened, in every process, and don't count it twice", async () => {
    const endpoint = await endAt("charted.ok", 200);
    await endAt("charted.bad", 404, { retry: ONCE });
    receiver.respond(200);
    const job = await api.job([]);
    await until("the job", async () => (await get(`/v1/jobs/${job}`))["status"] === "completed");
    const source = newId();
    await flushStats(api.context, source);
    await flushStats(api.context, source);
    await api.job([]);
    await flushStats(api.context, source);
    // another process, at the same time
    await api.database.pool.query(
      "insert into stats select account_id, step_s, at, endpoint_id, gen_random_uuid(), counts from stats",
    );
    const { totals, series } = await get("/v1/stats");
    expect(totals).toMatchObject({
      jobs: { accepted: 4, failed: 0, canceled: 0 },
      deliveries: { delivered: 2, dead: 2 },
      attempts: { "2xx": 2, "3xx": 0, "4xx": 2, "5xx": 0, error: 0 },
      latency_ms: { p50: expect.any(Number) },
      success_rate: 0.5,
    });
    expect((series as unknown[]).length).toBeGreaterThanOrEqual(60);
    const own = (await get(`/v1/stats?endpoint_id=${endpoint}&step_s=86400`))["totals"];
    expect(own).toMatchObject({
      jobs: { accepted: 0 },
      deliveries: { delivered: 2, dead: 0 },
      success_rate: 1,
    });
  });

  test.each([
    ["since=2020-01-01T00:00:00Z", "since"],
    ["since=2030-01-01T00:00:00Z&until=2029-01-01T00:00:00Z", "since"],
    ["step_s=61", "step_s"],
    ["endpoint_id=x", "endpoint_id"],
  ])("refuse %s", async (query, parameter) => {
    const answer = await api.ask("GET", `/v1/stats?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ parameter }] } });
  });
});

test("the overview and the lanes tell what fails, is paused and disabled, and what waits", async () => {
  const paused = await endAt("seen.paused", 200);
  await api.must(200, "POST", `/v1/endpoints/${paused}/pause`);
  // whoever has the lane may take half a second to hear of it
  await until("the lane to be left", async () => {
    const { rows } = await api.database.pool.query("select from lanes where leased_by is not null");
    return rows.length === 0;
  });
  await api.publish("seen.paused");
  const disabled = await endAt("seen.gone", 410);
  receiver.respond(200);
  const lanes = await list("/v1/lanes");
  const of = (id: string) => lanes.find(({ endpoint_id }) => endpoint_id === id);
  expect(of(paused)).toMatchObject({ status: "paused", pending: { count: 1, more: false } });
  expect(of(paused)?.["oldest_due_at"]).toEqual(expect.any(String));
  expect(of(disabled)).toMatchObject({ status: "disabled", reason: "gone" });
  expect((await list("/v1/lanes?status=paused")).map((lane) => lane["endpoint_id"])).toEqual([
    paused,
  ]);
  const ids: unknown[] = [];
  for (let cursor = ""; cursor !== "null";) {
    const page = await get(`/v1/lanes?limit=2${cursor && `&cursor=${cursor}`}`);
    ids.push(...(page["data"] as View[]).map(({ id }) => id));
    cursor = String(page["next_cursor"]);
  }
  expect(ids).toEqual(lanes.map(({ id }) => id));
  expect(await get("/v1/overview")).toMatchObject({
    // what an admin holds back is not late
    deliveries: { pending: { count: 1 }, oldest_due_at: null },
    lanes: { total: lanes.length, paused: 1, disabled: 1, failing: 0 },
    workers: { alive: 1, silent: 0, compute: 1, deliver: 1 },
  });
  const { rows } = await api.database.pool.query<{ n: number }>(
    // those of endpoints that are disabled wait for nobody
    `select count(*)::int as n from dead_letters l left join endpoints e on e.id = l.endpoint_id
     where e.state is distinct from 'disabled'`,
  );
  expect(await get("/v1/overview")).toMatchObject({ dead_letters: { count: rows[0]?.n } });
  const [worker] = await list("/v1/workers");
  expect(worker).toMatchObject({ pid: process.pid, state: "alive", roles: ["compute", "deliver"] });
  const [retention, settings] = [expect.any(Object), await get("/v1/settings")];
  expect(settings).toMatchObject({ retention, idempotency_hours: 24, development: false });
});

test("L6: an account's admin sees no workers, no settings, and makes no operator", async () => {
  const { accountId, apiKey: key } = await api.addAccount("tenant");
  for (const path of ["/v1/workers", "/v1/settings"]) {
    const refused = await api.ask("GET", path, { key });
    expect(refused).toMatchObject({ status: 403, body: { code: "scope_missing" } });
    expect(refused.body["detail"]).toBe("This needs an API key with scope operator.");
  }
  const overview = await api.ask("GET", "/v1/overview", { key });
  expect(overview.body["workers"]).toEqual({ alive: 1, silent: 0, compute: 1, deliver: 1 });
  for (const asker of [key, api.apiKey]) {
    const body = { name: "more", scopes: ["operator"] };
    const made = await api.ask("POST", "/v1/api-keys", { key: asker, body });
    expect(made).toMatchObject({ status: 422, body: { code: "validation_failed" } });
  }
  const operator = await api.addKey(accountId, ["operator"]);
  expect((await api.ask("GET", "/v1/workers", { key: operator })).status).toBe(200);
  expect((await api.ask("GET", "/v1/jobs", { key: operator })).status).toBe(403);
});

test("filters of deliveries combine", async () => {
  const slow = await endAt("combined.a", 503, { retry: LATER });
  const dead = await endAt("combined.b", 404, { retry: ONCE });
  const { id: refused } = await api.endpoint("http://127.0.0.1:1/", {
    events: ["combined.c"],
    retry: LATER,
  });
  const fine = await endAt("combined.d", 200);
  await api.publish("combined.c");
  await until(
    "the refused one",
    async () => (await list("/v1/deliveries?error_code=connect")).length > 0,
  );
  const found = async (query: string) =>
    (await list(`/v1/deliveries?${query}`)).map((one) => one["endpoint_id"]);
  expect(await found("status_class=5xx")).toEqual([slow]);
  expect(await found("status_class=error")).toEqual([refused]);
  expect(await found("status_class=4xx&event_type=combined.b")).toEqual([dead]);
  expect(await found("status_class=4xx&event_type=combined.b&status=pending")).toEqual([]);
  expect(await found(`status_class=2xx&endpoint_id=${fine}&min_attempts=1`)).toEqual([fine]);
  expect(await found(`endpoint_id=${fine}&min_attempts=2`)).toEqual([]);
  expect(await found("status_class=4xx&error_code=connect")).toEqual([]);
  const [row] = await list(`/v1/deliveries?endpoint_id=${refused}`);
  expect(row).toMatchObject({ last_status_code: null, last_error_code: "connect" });
});

test("the timeline tells a job's story in order", async () => {
  receiver.respond(200);
  receiver.respondNext(500);
  const retry = { max_attempts: 3, base_s: 0.1, factor: 1, cap_s: 1 };
  const job = await api.job([{ url: `${receiver.url}/story`, retry }]);
  await until("both attempts", async () => {
    const [delivery] = await list(`/v1/jobs/${job}/deliveries`);
    return delivery?.["status"] === "delivered";
  });
  const entries = await list(`/v1/jobs/${job}/timeline`);
  expect(entries.map(({ kind }) => kind)).toEqual([
    "accepted",
    "started",
    "finished",
    "message",
    "delivery",
    "attempt",
    "attempt",
  ]);
  expect(entries.slice(-2)).toMatchObject([
    { attempt_number: 1, status_code: 500 },
    { attempt_number: 2, status_code: 200 },
  ]);
  const times = entries.map(({ at }) => Date.parse(String(at)));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

describe("discarding dead letters", () => {
  const done = async (id: unknown): Promise<View> =>
    await eventually(async () => {
      const replay = await get(`/v1/replays/${String(id)}`);
      return replay["status"] === "running" ? undefined : replay;
    }, "the end of the replay");

  test("empties the inbox, keeps the books, and is undone by a replay by id", async () => {
    const endpoint = await endAt("unwanted", 404, { retry: ONCE });
    receiver.respond(200);
    const filter = { endpoint_id: endpoint };
    const inbox = `/v1/dead-letters?endpoint_id=${endpoint}`;
    const [letter] = await list(inbox);
    const groups = async (by: string) =>
      (await list(`/v1/dead-letters/groups?by=${by}&endpoint_id=${endpoint}`)).map(
        ({ reason, endpoint_id, count, more }) => ({ reason, endpoint_id, count, more }),
      );
    expect(await groups("reason")).toEqual([
      { reason: "exhausted", endpoint_id: null, count: 1, more: false },
    ]);
    expect(await groups("endpoint")).toEqual([
      { reason: null, endpoint_id: endpoint, count: 1, more: false },
    ]);
    const order = { filter, action: "discard", note: "  the shop has closed " };
    const dry = await api.must(202, "POST", "/v1/replays", { body: { ...order, dry_run: true } });
    expect(dry).toMatchObject({ matched: 1, replayed: 0, status: "completed", action: "discard" });
    expect(await list(inbox)).toHaveLength(1);

    const { id } = await api.must(202, "POST", "/v1/replays", { body: order });
    expect(await done(id)).toMatchObject({ matched: 1, replayed: 1, note: "the shop has closed" });
    expect(await list(inbox)).toEqual([]);
    expect(await groups("reason")).toEqual([]);
    const [discarded] = await list(`${inbox}&discarded=true`);
    expect(discarded).toMatchObject({
      id: letter?.["id"],
      status: "dead",
      discarded: { note: "the shop has closed", by: expect.stringMatching(/^key_/) },
    });
    expect((await readBooks(api.database.pool)).unbalanced).toBe(0);

    // by filter it is left alone, by id it is sent after all
    const again = await api.must(202, "POST", "/v1/replays", { body: { filter } });
    expect(again).toMatchObject({ matched: 0 });
    const ids = { ids: [letter?.["id"]] };
    const byId = await api.must(202, "POST", "/v1/replays", { body: { filter: ids } });
    expect(await done(byId["id"])).toMatchObject({ matched: 1, replayed: 1 });
    expect(await api.ended(String(letter?.["id"]))).toMatchObject({
      status: "delivered",
      discarded: null,
    });
  });

  test.each([
    ["no note", { action: "discard" }, "/note"],
    ["a blank note", { action: "discard", note: "  " }, "/note"],
    ["a note for a replay", { note: "x" }, "/note"],
    [
      "delivered ones",
      { action: "discard", note: "x", filter: { status: "delivered" } },
      "/filter/status",
    ],
  ])("is refused with %s", async (_what, fields, pointer) => {
    const answer = await api.ask("POST", "/v1/replays", { body: { filter: {}, ...fields } });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });
});
