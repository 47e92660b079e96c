import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { insertPast } from "../support/dead-letters.ts";
import type { PastDelivery } from "../support/dead-letters.ts";
import { endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { startApi } from "./api.ts";
import type { TestApi } from "./api.ts";

let api: TestApi;
let receiver: Receiver;
let first: PastDelivery;
let second: PastDelivery;
beforeAll(async () => {
  api = await startApi();
  receiver = await startReceiver();
  const [one, two] = [await endpointAt(api, receiver.url), await endpointAt(api, receiver.url)];
  first = { laneId: one.laneId, endpointId: one.id, url: receiver.url };
  second = { laneId: two.laneId, endpointId: two.id, url: receiver.url };
  await insertPast(api, [
    { ...first, status: "delivered" },
    { ...first, statusCode: 401, answer: "invalid_token" },
    { ...first, statusCode: 401, answer: "invalid_token" },
    { ...first, statusCode: 503 },
    { ...first, errorCode: "timeout" },
    { ...second, errorCode: "timeout" },
    { ...second, reason: "endpoint_disabled", statusCode: 500 },
    { laneId: one.laneId, url: receiver.url, statusCode: 500 },
  ]);
  const other = await api.addAccount("other");
  const theirs = await endpointAt(
    { context: api.context, accountId: other.accountId },
    receiver.url,
  );
  await insertPast({ ...api, accountId: other.accountId }, [
    { laneId: theirs.laneId, endpointId: theirs.id, url: receiver.url, statusCode: 401 },
  ]);
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});

const idOf = (past: PastDelivery): string => formatId("endpoint", past.endpointId!);

async function counted(body: object): Promise<Record<string, unknown>> {
  const answer = await api.ask("POST", "/v1/replays", { body: { dry_run: true, ...body } });
  expect(answer).toMatchObject({ status: 202 });
  return answer.body;
}

describe("a replay is chosen", () => {
  test.each<[object, number]>([
    [{}, 7],
    [{ status_class: ["4xx"] }, 2],
    [{ status_class: ["4xx", "error"] }, 4],
    [{ status_code: [503, 500] }, 3],
    [{ status_code: [503], status_class: ["4xx"] }, 0],
    [{ error_code: ["timeout", "dns"] }, 2],
    [{ endpoint_id: null }, 1],
    [{ status: "delivered", status_class: ["5xx"] }, 1],
  ])("by how the last attempt ended: %j", async (filter, matched) => {
    expect(await counted({ filter })).toMatchObject({ matched, left_out: [] });
  });

  test("what is left out is told with its endpoint and why", async () => {
    const set = async (state: string, reason: string | null) =>
      await api.database.pool.query(
        "update endpoints set state = $2, disabled_reason = $3 where id = $1",
        [second.endpointId, state, reason],
      );
    await set("disabled", "x");
    expect(await counted({ filter: {} })).toMatchObject({
      matched: 5,
      left_out: [{ reason: "endpoint_disabled", endpoint_id: idOf(second), count: 2 }],
    });
    // only what would be sent is left out so
    const discard = { action: "discard", note: "x", filter: {} };
    expect(await counted(discard)).toMatchObject({ matched: 7, left_out: [] });
    expect(await counted({ filter: { status_code: [401] } })).toMatchObject({ left_out: [] });
    await set("active", null);
  });

  test.each<[string, object, string]>([
    ["a status code that is none", { filter: { status_code: [42] } }, "/filter/status_code/0"],
    ["an error nobody has", { filter: { error_code: ["boom"] } }, "/filter/error_code"],
    ["no values", { filter: { status_class: [] } }, "/filter/status_class"],
    ["a pace of nothing", { filter: {}, pace: { per_s: 0 } }, "/pace/per_s"],
    [
      "a canary of nothing",
      { filter: {}, canary: { count: 0, max_failed_percent: 1 } },
      "/canary/count",
    ],
    [
      "all may fail",
      { filter: {}, canary: { count: 1, max_failed_percent: 100 } },
      "/canary/max_failed_percent",
    ],
    ["a paced discard", { filter: {}, action: "discard", note: "x", pace: { per_s: 1 } }, "/pace"],
    ["a type of deliveries", { filter: { type: "demo.echo" } }, "/filter/type"],
    ["failed deliveries", { filter: { status: "failed" } }, "/filter/status"],
    ["jobs by endpoint", { target: "jobs", filter: { endpoint_id: null } }, "/filter/endpoint_id"],
    ["a destination that is two", { filter: {}, destination: {} }, "/destination"],
    [
      "a destination that may not be called",
      { filter: {}, destination: { url: "http://10.0.0.1/" } },
      "/destination/url",
    ],
    ["dead jobs", { target: "jobs", filter: { status: "dead" } }, "/filter/status"],
    ["jobs to discard", { target: "jobs", filter: {}, action: "discard", note: "x" }, "/action"],
    ["jobs by ids of deliveries", { target: "jobs", filter: { ids: ["dlv_01"] } }, "/filter/ids/0"],
  ])("not by %s", async (_what, body, pointer) => {
    const answer = await api.ask("POST", "/v1/replays", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });

  test("failed jobs need the scope jobs too", async () => {
    const key = await api.addKey(api.accountId, ["webhooks"]);
    const body = { target: "jobs", filter: {}, dry_run: true };
    const answer = await api.ask("POST", "/v1/replays", { body, key });
    expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });
});

describe("the inbox by cause", () => {
  test("tells endpoint, answer, since when and the last success; the replay of a group is that group", async () => {
    const { body } = await api.ask("GET", "/v1/dead-letters/groups?by=cause");
    const groups = body["data"] as Record<string, unknown>[];
    expect(groups).toHaveLength(6);
    const told = groups.find((group) => group["status_code"] === 401);
    expect(told).toMatchObject({
      endpoint_id: idOf(first),
      reason: "exhausted",
      error_code: null,
      sample: "invalid_token",
      count: 2,
      more: false,
      last_success_at: expect.any(String),
    });
    expect(groups.filter((group) => group["endpoint_id"] === idOf(second))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ error_code: "timeout", count: 1, last_success_at: null }),
        expect.objectContaining({ reason: "endpoint_disabled", status_code: null, sample: null }),
      ]),
    );
    for (const { endpoint_id, reason, status_code, error_code, count } of groups) {
      const filter = {
        endpoint_id,
        reason,
        ...(status_code === null ? {} : { status_code: [status_code] }),
        ...(error_code === null ? {} : { error_code: [error_code] }),
      };
      expect(await counted({ filter })).toMatchObject({ matched: count });
      if (endpoint_id === null) continue;
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries({
        endpoint_id,
        reason,
        status_code,
        error_code,
      })) {
        if (value !== null) query.set(name, value as string);
      }
      const list = await api.ask("GET", `/v1/dead-letters?${query.toString()}`);
      expect(list.body["data"]).toHaveLength(Number(count));
    }
  });

  test("of one endpoint; other filters are refused", async () => {
    const path = "/v1/dead-letters/groups?by=cause";
    const own = await api.ask("GET", `${path}&endpoint_id=${idOf(second)}`);
    expect(own.body["data"]).toHaveLength(2);
    const refused = await api.ask("GET", `${path}&reason=gone`);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ parameter: "reason" }] } });
  });
});

test("a replay is paused, resumed and reported on, also as CSV", async () => {
  const filter = { endpoint_id: idOf(first), status_code: [401] };
  const order = { filter, pace: { per_s: 0.5 }, start_at: "2999-01-01T00:00:00Z" };
  const { body } = await api.ask("POST", "/v1/replays", { body: order });
  const path = `/v1/replays/${String(body["id"])}`;
  expect(body).toMatchObject({
    status: "running",
    pace: { per_s: 0.5, ramp_s: 0 },
    canary: null,
    order: "oldest_first",
    start_at: "2999-01-01T00:00:00.000Z",
  });
  expect((await api.ask("POST", `${path}/pause`)).body).toMatchObject({ status: "paused" });
  expect((await api.ask("POST", `${path}/resume`)).body).toMatchObject({ status: "running" });
  expect((await api.ask("POST", `${path}/cancel`)).body).toMatchObject({ status: "canceled" });
  expect(await api.ask("POST", `${path}/resume`)).toMatchObject({
    status: 409,
    body: { code: "replay_finished" },
  });

  const now = await api.ask("POST", "/v1/replays", { body: { filter } });
  const report = `/v1/replays/${String(now.body["id"])}/report`;
  await until("both to arrive", async () => {
    const { body: seen } = await api.ask("GET", report);
    return (
      (seen["states"] as object[]).length === 1 &&
      (seen["states"] as Record<string, unknown>[])[0]!["status"] === "delivered"
    );
  });
  expect((await api.ask("GET", report)).body).toMatchObject({
    replayed: 2,
    counted: 2,
    states: [{ status: "delivered", reason: null, status_code: null, error_code: null, count: 2 }],
  });
  const headers = { authorization: `Bearer ${api.apiKey}` };
  const url = `http://127.0.0.1:${api.port}${report}`;
  for (const csv of [
    await fetch(url, { headers: { ...headers, accept: "text/csv" } }),
    await fetch(`${url}?format=csv`, { headers }),
  ]) {
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    const [head, ...lines] = (await csv.text()).trim().split("\r\n");
    expect(head).toMatch(/^id,made_from,status,/);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^dlv_\w{26},,delivered,,,,ep_\w{26},http:/);
  }
  const other = await api.addAccount("stranger");
  for (const [method, strange] of [
    ["GET", report],
    ["POST", `${path}/pause`],
    ["POST", `${path}/resume`],
  ] as const) {
    expect((await api.ask(method, strange, { key: other.apiKey })).status).toBe(404);
  }
});

test("a failed job is retried once", async () => {
  const { body } = await api.ask("POST", "/v1/jobs", { body: { type: "demo.fail", input: {} } });
  const path = `/v1/jobs/${String(body["id"])}`;
  await api.ask("GET", path, { headers: { prefer: "wait=10" } });
  const groups = await api.ask("GET", "/v1/failed-jobs/groups");
  expect(groups.body).toMatchObject({
    data: [{ type: "demo.fail", error_code: "demo_failed", count: 1, last_job_id: body["id"] }],
    more: false,
  });
  const again = await api.ask("POST", `${path}/retry`);
  expect(again).toMatchObject({ status: 202, body: { retry_of: body["id"], status: "pending" } });
  expect(again.headers["location"]).toMatch(new RegExp(`/v1/jobs/${String(again.body["id"])}$`));
  expect(await api.ask("POST", `${path}/retry`)).toMatchObject({
    status: 409,
    body: { code: "job_retried" },
  });
});
