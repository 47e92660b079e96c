import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Locator, Page } from "playwright-core";
import { parseId } from "../../src/core/ids.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { eventually } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startRingback } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";
import { buildConsole } from "../../scripts/console.ts";
import { startBrowser } from "./browser.ts";
import type { TestBrowser } from "./browser.ts";

const KEY = "rk_console_test_0123456789abcdef";

let database: TestDatabase;
let server: RingbackProcess;
let base: string;
let receiver: Receiver;
let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  buildConsole();
  database = await createTestDatabase();
  receiver = await startReceiver();
  server = startRingback(["serve"], {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: "0",
  });
  await server.wrote('"message":"ready"');
  base = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)![0];
  browser = await startBrowser();
  ({ page } = browser);
  await page.goto(`${base}/console/`);
  await page.getByLabel("API key", { exact: true }).fill(KEY);
  await button("Sign in").click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await endProcess(server);
  await receiver?.close();
  await database?.drop();
});

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

function button(name: string | RegExp): Locator {
  return page.getByRole("button", { name });
}

async function open(path: string): Promise<void> {
  await page.goto(`${base}/console${path}`);
  await page.locator("main h1").waitFor();
}

async function endpoint(type: string, fields = {}): Promise<{ id: string }> {
  const body = { url: receiver.url, description: `Partner ${type}`, events: [type], ...fields };
  return await call("POST", "/v1/endpoints", body);
}

test("what a disabled endpoint missed is shown, and sent when it is enabled again", async () => {
  const { id } = await endpoint("ends.a");
  await open(`/endpoints/${id}`);
  await button("More actions").click();
  await page.getByRole("menuitem", { name: "Disable" }).click();
  await page.getByText("Why: somebody disabled it.").waitFor();
  for (let n = 0; n < 3; n++) {
    await call("POST", "/v1/messages", { type: "ends.a", data: { n } });
  }
  await open(`/endpoints/${id}`);
  await page.getByText("3 skipped").waitFor();
  expect(await button(/Send what was missed/).count()).toBe(0);
  await button("Enable").click();
  await button(/Send what was missed/).click();
  await page.getByRole("dialog").getByText("3 deliveries").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: /^Send/ }).click();
  await receiver.waitFor(3, 15_000);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.getByText("3 skipped").waitFor({ state: "detached" });
  expect(receiver.requests).toHaveLength(3);
}, 60_000);

test("a failing endpoint tells since when, and when it will be disabled", async () => {
  const { id } = await endpoint("ends.b");
  await database.pool.query(
    `update lanes set breaker_failures = 14, failed_since = now() - interval '2 days',
       failing_since = now() - interval '47 hours', last_failure_at = now() - interval '1 minute',
       last_failure_status = 503, last_success_at = now() - interval '49 hours'
     where endpoint_id = $1`,
    [parseId("endpoint", id)],
  );
  await open(`/endpoints/${id}`);
  const fact = (name: string): Locator => page.locator("dl > div", { hasText: name });
  await fact("Status").getByText("failing").waitFor();
  await fact("Will be disabled").getByText("in 2 d").waitFor();
  expect(await fact("Last failure").innerText()).toContain("HTTP 503");
}, 60_000);

test("its schedule, final answers and limits are set in the form", async () => {
  const { id } = await endpoint("ends.c");
  await open(`/endpoints/${id}?tab=settings`);
  await page.getByText("A list of waits", { exact: true }).click();
  await page.getByRole("combobox", { name: "Waits, in seconds" }).fill("7");
  await page.keyboard.press("Enter");
  await page.getByRole("combobox", { name: "Final answers" }).fill("404");
  await page.keyboard.press("Enter");
  await page.getByLabel("Give up after, in hours").fill("12");
  await page.getByLabel("Disable after, in hours").fill("");
  await button("Save").click();
  await page.getByText("Saved; it holds from the next attempt on").waitFor();
  const settings = {
    retry: { max_attempts: 5, delays_s: [5, 300, 1_800, 7] },
    final_status: [404],
    give_up_after_s: 43_200,
    disable_after_s: null,
  };
  expect(await call("GET", `/v1/endpoints/${id}`)).toMatchObject(settings);
  // what is shown is taken back as it is
  await open(`/endpoints/${id}?tab=settings`);
  await button("Save").click();
  await page.getByText("Saved; it holds from the next attempt on").waitFor();
  expect(await call("GET", `/v1/endpoints/${id}`)).toMatchObject(settings);
}, 60_000);

test("deleted, its dead letters are discarded or keep its name", async () => {
  const made = [
    await endpoint("ends.d"),
    await endpoint("ends.d", { description: "Partner gone" }),
  ];
  receiver.respond(410);
  await call("POST", "/v1/messages", { type: "ends.d", data: {} });
  const left = async (): Promise<{ endpoint_id: string }[]> =>
    (await call<{ data: { endpoint_id: string }[] }>("GET", "/v1/dead-letters")).data;
  await eventually(async () => ((await left()).length === 2 ? true : undefined), "dead letters");
  for (const [index, { id }] of made.entries()) {
    await open(`/endpoints/${id}`);
    await button("More actions").click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    if (index === 0) await page.getByLabel("Discard its dead letters").check();
    await button("Delete the endpoint").click();
    await page.getByRole("heading", { name: "Endpoints" }).waitFor();
  }
  await eventually(async () => {
    const [one, ...more] = await left();
    return one?.endpoint_id === made[1]!.id && more.length === 0 ? true : undefined;
  }, "the dead letters of the first to be discarded");
  await open("/dead-letters?by=endpoint");
  await page.getByText("Partner gone (deleted)").waitFor();
}, 60_000);
