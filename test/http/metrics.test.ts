import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { parseId } from "../../src/core/ids.ts";
import { Secret } from "../../src/core/secret.ts";
import { findOldestDue, readGauges } from "../../src/db/statistics/gauges.ts";
import { addGauges } from "../../src/server/gauges.ts";
import { fillTables } from "../support/big-tables.ts";
import { startApi, type TestApi } from "./api.ts";

const TOKEN = "a-token-for-prometheus";

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ worker: false });
  addGauges(api.context);
});
afterEach(async () => {
  await api.stop();
});

async function page(): Promise<string> {
  const { status, text } = await api.ask("GET", "/metrics", { key: null });
  expect(status).toBe(200);
  return text;
}

function valueOf(text: string, series: string): number | null {
  const line = text.split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

test("M6: forty who read metrics are one look at the database, on one connection", async () => {
  await fillTables(api, 20_000);
  const connect = jest.spyOn(api.context.pool, "connect");
  const flood = Array.from({ length: 40 }, async () => {
    const texts = [await page(), await page(), await page()];
    return texts.at(-1)!;
  });
  const job = { type: "demo.echo", input: 1 };
  const submitted = await api.ask("POST", "/v1/jobs", { body: job });
  expect(submitted.status).toBe(202);
  const [text = ""] = await Promise.all(flood);
  // the pool's own `query` connects as well, with a callback
  const readings = connect.mock.calls.filter(([callback]) => callback === undefined);
  expect(readings).toHaveLength(1);
  expect(valueOf(text, 'ringback_deliveries_pending{which="all"}')).toBe(400);
  // every other one is for an endpoint that is paused; each twentieth lane fails
  const paused = valueOf(text, 'ringback_deliveries_held{reason="paused"}')!;
  expect(paused).toBeGreaterThanOrEqual(200);
  expect(valueOf(text, 'ringback_deliveries_held{reason="breaker_open"}')).toBe(20);
  expect(valueOf(text, 'ringback_deliveries_pending{which="due"}')).toBe(400 - 20 - paused);
  expect(valueOf(text, 'ringback_jobs{status="running"}')).toBe(200);
  expect(valueOf(text, 'ringback_dead_letters{reason="exhausted"}')).toBeGreaterThan(100);
  expect(valueOf(text, 'ringback_lanes{status="failing"}')).toBe(5);
  expect(valueOf(text, 'ringback_lanes{status="paused"}')).toBe(4);
  expect(valueOf(text, 'ringback_oldest_due_seconds{what="job"}')).toBeGreaterThan(60);
  expect(valueOf(text, 'ringback_oldest_due_seconds{what="delivery"}')).toBeGreaterThan(60);
  expect(valueOf(text, "ringback_workers_alive")).toBe(0);
});

test("what is held back is counted as held, and is not late: metric, alert, overview and doctor", async () => {
  const ask = async (method: string, path: string, body?: object) => {
    const answer = await api.ask(method, path, body === undefined ? {} : { body });
    expect(answer.status).toBeLessThan(300);
    return answer.body;
  };
  const ids: string[] = [];
  for (const type of ["late.paused", "late.failing", "late.both"]) {
    const body = { url: "http://127.0.0.1:9/", events: [type] };
    ids.push(String((await ask("POST", "/v1/endpoints", body))["id"]));
    await ask("POST", "/v1/messages", { type, data: {} });
    await ask("POST", "/v1/messages", { type, data: {} });
  }
  const [, failing, both] = ids.map((id) => parseId("endpoint", id)!);
  for (const id of [ids[0], ids[2]]) await ask("POST", `/v1/endpoints/${id}/pause`);
  const { pool } = api.database;
  await pool.query("update deliveries set next_attempt_at = now() - interval '10 minutes'");
  await pool.query(
    `update lanes set breaker_until = now() + interval '5 minutes', breaker_since = now(),
       breaker_failures = 10, breaker_reason = 'HTTP 500' where endpoint_id = any($1)`,
    [[failing, both]],
  );
  const text = await page();
  expect(valueOf(text, 'ringback_deliveries_held{reason="paused"}')).toBe(4);
  expect(valueOf(text, 'ringback_deliveries_held{reason="breaker_open"}')).toBe(2);
  expect(valueOf(text, 'ringback_deliveries_pending{which="due"}')).toBe(0);
  expect(valueOf(text, 'ringback_deliveries_pending{which="all"}')).toBe(6);
  expect(valueOf(text, 'ringback_lanes{status="failing"}')).toBe(2);
  // the documented alerts name series that there are, and that of late work stays quiet
  const guide = readFileSync("docs/guides/operations.md", "utf8");
  const [, series, limit] = /RingbackWorkIsLate\s+expr: max by \(what\) \((\w+)\) > (\d+)/.exec(
    guide,
  )!;
  expect(valueOf(text, `${series}{what="delivery"}`)).toBeLessThan(Number(limit));
  for (const [one] of guide.matchAll(/ringback_(lanes|deliveries_held)\{\w+="\w+"\}/g)) {
    expect([one, valueOf(text, one)]).toEqual([one, expect.any(Number)]);
  }
  const overview = await ask("GET", "/v1/overview");
  expect(overview["deliveries"]).toMatchObject({ pending: { count: 6 }, oldest_due_at: null });
  expect(await findOldestDue(pool)).toMatchObject({ oldest_delivery_s: null });
  // let go, and taken up by nobody, they are late to all of them
  for (const id of [ids[0], ids[1]]) await ask("POST", `/v1/endpoints/${id}/resume`);
  const { oldest_delivery_s: late, ...gauges } = await readGauges(pool);
  expect(late).toBeGreaterThan(Number(limit));
  expect(gauges).toMatchObject({
    deliveries_due: 4,
    deliveries_held: { paused: 2, breaker_open: 0 },
  });
  expect((await findOldestDue(pool)).oldest_delivery_s).toBeGreaterThan(Number(limit));
  const after = (await ask("GET", "/v1/overview"))["deliveries"] as { oldest_due_at: string };
  expect(Date.now() - Date.parse(after.oldest_due_at)).toBeGreaterThan(1_000 * Number(limit));
});

test("M6: a database that does not tell holds up neither metrics nor the API", async () => {
  api.context.telemetry.log.silent = true;
  const other = new pg.Client({ connectionString: api.database.url });
  await other.connect();
  await other.query("begin; lock table dead_letters in access exclusive mode");
  const pages = await Promise.all(Array.from({ length: 40 }, page));
  for (const text of pages) {
    expect(text).toContain("ringback_pool_connections");
    expect(valueOf(text, "ringback_workers_alive")).toBeNull();
    expect(valueOf(text, 'ringback_deliveries_pending{which="all"}')).toBeNull();
  }
  expect(api.context.pool.totalCount).toBeLessThanOrEqual(1);
  await other.end();
});

test("with a token, only who shows it reads them", async () => {
  api.context.config.metricsToken = new Secret(TOKEN);
  const ask = async (authorization?: string) =>
    await api.ask("GET", "/metrics", {
      key: null,
      headers: authorization === undefined ? {} : { authorization },
    });
  for (const wrong of [undefined, "Bearer x", `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, "Bearer "]) {
    const answer = await ask(wrong);
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect(answer.text).not.toContain(TOKEN);
  }
  expect((await ask(`Bearer ${TOKEN}`)).text).toContain("ringback_http_request_duration_seconds");
});
