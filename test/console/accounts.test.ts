import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { buildConsole } from "../../scripts/console.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";
import { endProcess, startRingback, type RingbackProcess } from "../support/ringback-process.ts";
import { findAccessibilityFaults, startBrowser, type TestBrowser } from "./browser.ts";

const KEY = "rk_console_accounts_0123456789abc";

let database: TestDatabase;
let server: RingbackProcess;
let base: string;
let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  buildConsole();
  database = await createTestDatabase();
  server = startRingback(["serve"], {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    PORT: "0",
  });
  await server.wrote('"message":"ready"');
  base = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)![0];
  browser = await startBrowser();
  ({ page } = browser);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await endProcess(server);
  await database?.drop();
});

async function signIn(key: string): Promise<void> {
  await page.goto(`${base}/console/settings?tab=accounts`);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("main h1").waitFor();
}

const row = (name: string) => page.getByRole("row", { name: new RegExp(`^${name} `) });

async function choose(account: string, item: string): Promise<void> {
  await page.getByRole("button", { name: `Change ${account}` }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

test("an operator makes, suspends and deletes an account, and the audit log tells of it", async () => {
  await signIn(KEY);
  await page.getByRole("button", { name: "New account" }).click();
  await page.getByLabel("Name").fill("acme");
  await page.getByRole("button", { name: "Make the account" }).click();
  await row("acme").waitFor();
  await choose("acme", "Make an admin key…");
  await page.getByLabel("What it is for").fill("first");
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByText(/^rk_/).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await choose("acme", "Suspend…");
  await page.getByLabel("Reason").fill("unpaid");
  await page.getByRole("button", { name: "Suspend", exact: true }).click();
  await row("acme").getByText("unpaid").waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await choose("acme", "Delete…");
  const sure = page.getByRole("button", { name: "Delete the account" });
  expect(await sure.isDisabled()).toBe(true);
  await page.getByLabel("Write acme to confirm").fill("acme");
  await sure.click();
  await row("acme").getByText("deleting").waitFor();
  await page.getByRole("tab", { name: "Audit log" }).click();
  const log = page.getByRole("table", { name: "Audit log" });
  for (const action of ["deletion_started", "suspended", "created"]) {
    await log.getByText(`account.${action}`).waitFor();
  }
  expect(await findAccessibilityFaults(page)).toEqual([]);
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export CSV" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("audit-log.csv");
  await until(
    "the end of the deletion",
    async () => {
      const { rows } = await database.pool.query("select from accounts where state = 'deleted'");
      return rows.length === 1;
    },
    40_000,
  );
  expect(browser.complaints).toEqual([]);
}, 120_000);

test("a key that only reads sees keys and the audit log, and no secret or button to make a key", async () => {
  const answer = await fetch(`${base}/v1/api-keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "auditor", scopes: ["admin:read"] }),
  });
  const { key } = (await answer.json()) as { key: string };
  await page.context().clearCookies();
  await page.evaluate("localStorage.clear()");
  await signIn(key);
  await page.getByRole("tab", { name: "API keys" }).click();
  await page.getByRole("table", { name: "API keys" }).waitFor();
  expect(await page.getByRole("button", { name: "New key" }).count()).toBe(0);
  expect(await page.getByRole("button", { name: /^Revoke/ }).count()).toBe(0);
  expect(await page.getByRole("tab", { name: "Accounts" }).count()).toBe(0);
  await page.getByRole("tab", { name: "Signing" }).click();
  await page.getByText("Ed25519").first().waitFor();
  expect(await page.getByText("Secrets of callback URLs").count()).toBe(0);
});
