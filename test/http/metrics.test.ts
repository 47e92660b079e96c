import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { Secret } from "../../src/core/secret.ts";
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
