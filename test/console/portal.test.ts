import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { buildConsole } from "../../scripts/console.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { endProcess, startRingback, type RingbackProcess } from "../support/ringback-process.ts";
import {
  COLOUR_RULES,
  findAccessibilityFaults,
  startBrowser,
  type TestBrowser,
} from "./browser.ts";

const KEY = "rk_console_portal_0123456789abcde";
const LOGO = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20"><rect width="60" height="20" rx="4" fill="#e8590c"/></svg>',
).toString("base64")}`;
const THEME = { title: "Acme webhooks", accent: "#ffd43b", logo_url: LOGO };
const CAN = ["read", "test", "replay", "secret", "events"];

let database: TestDatabase;
let server: RingbackProcess;
let base: string;
let receiver: Receiver;
/** The origin of a site whose pages may frame the partner view. */
let framer: string;
let browser: TestBrowser;
let page: Page;
let own: string;
let second: string;
let failed: string;
let foreign: string;

beforeAll(async () => {
  buildConsole();
  database = await createTestDatabase();
  receiver = await startReceiver();
  framer = `http://localhost:${receiver.port}`;
  server = startRingback(["serve"], {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    RINGBACK_PORTAL_FRAME_ANCESTORS: framer,
    PORT: "0",
  });
  await server.wrote('"message":"ready"');
  base = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)![0];
  own = await register("Acme", ["invoice.paid"]);
  second = await register("Acme test", ["invoice.test"]);
  await register("Other partner", ["order.secret"]);
  receiver.respond({ status: 500, body: '{"error":"out of order"}' });
  failed = await publish("invoice.paid");
  receiver.respond(200);
  foreign = await publish("order.secret");
  browser = await startBrowser();
  ({ page } = browser);
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
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function register(description: string, events: string[]): Promise<string> {
  const url = `${receiver.url}/${events[0]}`;
  const body = { url, description, events, retry: { max_attempts: 1 } };
  return (await call<{ id: string }>("POST", "/v1/endpoints", body)).id;
}

/** The id of its delivery, when that has ended. */
async function publish(type: string): Promise<string> {
  const body = { type, data: { amount: 125 } };
  const { deliveries } = await call<{ deliveries: { id: string }[] }>("POST", "/v1/messages", body);
  const { id } = deliveries[0]!;
  for (;;) {
    const { status } = await call<{ status: string }>("GET", `/v1/deliveries/${id}`);
    if (status !== "pending") return id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function link(fields: object = {}): Promise<{ id: string; url: string }> {
  const body = {
    endpoint_ids: [own],
    can: CAN,
    event_types: ["invoice.paid", "invoice.sent"],
    theme: THEME,
    ...fields,
  };
  return await call("POST", "/v1/portal-sessions", body);
}

const button = (name: string) => page.getByRole("button", { name });

test("a partner sees its own deliveries, and sends what failed again", async () => {
  const { url } = await link();
  await page.goto(url);
  await page.getByRole("heading", { name: "Acme", exact: true }).waitFor();
  await page.getByRole("cell", { name: "invoice.paid" }).waitFor();
  expect(new URL(page.url()).hash).toBe("");
  expect(await page.title()).toBe("Acme · Acme webhooks");
  const text = await page.locator("body").innerText();
  expect(text).not.toContain("order.secret");
  expect(text).not.toContain("Other partner");
  const links = await page.evaluate<string[]>(
    "[...document.querySelectorAll('a[href]')].map((one) => one.getAttribute('href'))",
  );
  expect(links.filter((href) => !/^(#main|\/portal\/)/.test(href))).toEqual([]);
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.getByRole("cell", { name: "invoice.paid" }).click();
  await page.getByText("out of order").first().waitFor();
  await page.getByText("Given up: exhausted").waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await button("Replay").click();
  await button("Send again").click();
  await page.getByText("The delivery is on its way again").waitFor();
  await receiver.waitFor(({ path }) => path === "/invoice.paid");
  const { status } = await call<{ status: string }>("GET", `/v1/deliveries/${failed}`);
  expect(["pending", "delivered"]).toContain(status);
});

test("what is of others is not there, also after a reload", async () => {
  await page.goto(`${base}/portal/deliveries/${foreign}`);
  await page.getByText("There is no such delivery.").waitFor();
  await page.reload();
  await page.getByText("There is no such delivery.").waitFor();
});

test("a partner tests, recovers, reads its secret and chooses its events", async () => {
  await page.goto(`${base}/portal/`);
  await button("Send a test event").click();
  await page.getByText(/^Answered after/).waitFor();
  receiver.respond(500);
  await publish("invoice.paid");
  receiver.respond(200);
  await button("Send again what failed…").click();
  await button("Send 1").click();
  await page.getByText("1 of 1 sent again").waitFor();
  await button("Close").last().click();
  await page.getByRole("tab", { name: "Secret" }).click();
  await button("Reveal").click();
  const { secret } = await call<{ secret: string }>("GET", `/v1/endpoints/${own}/secret`);
  await page.getByText(secret).waitFor();
  await page.getByRole("tab", { name: "Events" }).click();
  expect(await page.getByLabel("invoice.paid").isChecked()).toBe(true);
  await page.getByLabel("invoice.sent").click();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await button("Save").click();
  await page.getByText("Saved; it holds from the next event on").waitFor();
  const changed = await call<{ events: string[] }>("GET", `/v1/endpoints/${own}`);
  expect(changed.events).toEqual(["invoice.paid", "invoice.sent"]);
});

test("a link of several endpoints shows one at a time, and no more than it can", async () => {
  const { url } = await link({ endpoint_ids: [own, second], can: ["read"], event_types: [] });
  await page.goto(url);
  await page.getByRole("combobox", { name: "Endpoint" }).click();
  await page.getByRole("option", { name: "Acme", exact: true }).click();
  await page.getByRole("heading", { name: "Acme", exact: true }).waitFor();
  await page.getByRole("cell", { name: "invoice.paid" }).first().waitFor();
  for (const name of ["Send a test event", "Send again what failed…"]) {
    expect(await button(name).count()).toBe(0);
  }
  expect(await page.getByRole("tab").count()).toBe(0);
});

test.each(["light", "dark"] as const)("can be read on a phone in %s", async (colorScheme) => {
  const { url } = await link();
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width: 390, height: 800 });
  for (const accent of ["#ffd43b", "#000000", "#ffffff", "#e8590c"]) {
    const one = await link({ theme: { ...THEME, accent } });
    await page.goto(one.url);
    await page.getByRole("heading", { name: "Acme", exact: true }).waitFor();
    await page.getByText("invoice.paid").first().waitFor();
    expect([accent, await findAccessibilityFaults(page, COLOUR_RULES)]).toEqual([accent, []]);
  }
  await page.goto(url);
  await page.getByText("invoice.paid").first().waitFor();
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");
  expect(width).toBeLessThanOrEqual(390);
  await page.setViewportSize({ width: 1280, height: 850 });
  await page.emulateMedia({ colorScheme: "light" });
});

test("a link that has ended says so, and so does a page without a link", async () => {
  const { id, url } = await link();
  await page.goto(url);
  await page.getByRole("heading", { name: "Acme", exact: true }).waitFor();
  expect(browser.complaints.filter((one) => !one.includes("404"))).toEqual([]);
  await call("DELETE", `/v1/portal-sessions/${id}`);
  // the next look at the server ends it, without a reload
  await page.getByRole("heading", { name: "This link has ended" }).waitFor({ timeout: 15_000 });
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.reload();
  await page.getByRole("heading", { name: "Open your link again" }).waitFor();
  await page.goto(url);
  await page.getByText("Ask whoever gave it to you for a new one.").waitFor();
});

test("the console makes a link, copies it, and ends it", async () => {
  await page.goto(`${base}/console/endpoints/${second}`);
  await page.getByLabel("API key").fill(KEY);
  await button("Sign in").click();
  await button("More actions").click();
  await page.getByRole("menuitem", { name: "Partner link…" }).click();
  await page.getByLabel("Choose event types").click();
  await page.getByLabel("Title").fill("Made here");
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await button("Make and copy the link").click();
  await page.getByText("Copied. It is shown this once.").waitFor();
  const copied = await page.evaluate<string>("navigator.clipboard.readText()");
  expect(copied).toBe(await page.getByTestId("secret").innerText());
  expect(copied).toMatch(/\/portal\/#rp_/);
  const { data } = await call<{ data: object[] }>("GET", "/v1/portal-sessions");
  expect(data[0]).toMatchObject({
    endpoint_ids: [second],
    can: ["read", "test", "replay", "events"],
    event_types: ["invoice.test"],
  });
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await button("End the link Made here").click();
  await button("End the link Made here").waitFor({ state: "detached" });
  await page.goto(copied);
  await page.getByRole("heading", { name: "This link has ended" }).waitFor();
});

test("shows itself in a frame of a site that the operator allows, and of no other", async () => {
  const { url } = await link();
  const html = `<!doctype html><title>site</title><iframe src="${url}" width="900" height="700"></iframe>`;
  receiver.respond({ status: 200, headers: { "content-type": "text/html" }, body: html });
  const frame = page.frameLocator("iframe");
  await page.goto(framer);
  await frame.getByRole("heading", { name: "Acme", exact: true }).waitFor();
  await frame.getByText("invoice.paid").first().waitFor();
  const before = browser.complaints.length;
  await page.goto(receiver.url);
  await expect(frame.getByRole("heading").first().waitFor({ timeout: 2_000 })).rejects.toThrow(
    "Timeout",
  );
  expect(browser.complaints.slice(before).join(" ")).toContain("frame-ancestors");
  receiver.respond(200);
});

test("frames are for the origins that the operator allows, and for the partner view only", async () => {
  const portal = await fetch(`${base}/portal/`);
  expect(portal.headers.get("content-security-policy")).toContain(`frame-ancestors ${framer}`);
  expect(portal.headers.get("x-frame-options")).toBeNull();
  expect(portal.headers.get("referrer-policy")).toBe("no-referrer");
  const console = await fetch(`${base}/console/`);
  expect(console.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  expect(console.headers.get("x-frame-options")).not.toBeNull();
});
