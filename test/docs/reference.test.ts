import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import chromium from "@sparticuz/chromium";
import { chromium as playwright, type Browser, type Locator, type Page } from "playwright-core";
import { createApp } from "../../src/http/app.ts";
import { docsRouter } from "../../src/http/docs.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { description } from "../http/api.ts";

let parts: TestContext;
let server: Server;
let base: string;
let browser: Browser;
let page: Page;
/** What went wrong in the page, and whom it asked. */
const complaints: string[] = [];
const hosts = new Set<string>();

beforeAll(async () => {
  parts = await createTestContext({ worker: false });
  server = createServer(createApp(parts.context, docsRouter()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    // one process would end with its first page; and what a page may do is what is tested here
    args: chromium.args.filter((arg) => !/single-process|disable-web-security/.test(arg)),
  });
  page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:") hosts.add(url.host);
  });
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  await parts?.stop();
});

describe("/docs", () => {
  test("shows every operation and event, without a complaint or a request to anyone else", async () => {
    const answer = await page.goto(`${base}/docs#/Jobs/submitJob`);
    expect(new URL(page.url()).pathname).toBe("/docs/");
    expect(answer!.headers()["content-security-policy"]).toContain("script-src 'self';");
    await page.waitForSelector("body.ready .opblock");
    const { paths = {}, webhooks = {} } = description();
    const operations = Object.values(paths).flatMap((item) => Object.keys(item ?? {}));
    const shown = await page.locator(".opblock").count();
    expect(shown).toBe(operations.length + Object.keys(webhooks).length);
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([new URL(base).host]);
  });

  test("a link leads to an operation; a try-out with a key asks this server", async () => {
    // a click by mouse would wait for every animation of this large page
    const press = async (locator: Locator) => await locator.dispatchEvent("click");
    const operation = page.locator("#operations-Jobs-submitJob");
    await operation.locator(".opblock-body").waitFor();
    const headers = operation.locator(".parameters input");
    const filledIn = await headers.evaluateAll((all) =>
      all.map((one) => "value" in one && one.value),
    );
    expect(filledIn).toEqual(["", "", "", ""]);
    await press(operation.getByText("Callbacks", { exact: true }));
    expect(await operation.locator(".callbacks-container").textContent()).toContain("callback_url");

    await press(page.locator(".auth-wrapper .authorize"));
    await page.locator(".auth-container input").fill(parts.apiKey);
    await press(page.locator(".auth-btn-wrapper .authorize"));
    await press(page.locator(".auth-btn-wrapper .btn-done"));
    await press(operation.getByText("Parameters", { exact: true }));
    await press(operation.locator(".execute"));
    const answer = operation.locator(".live-responses-table");
    await answer.waitFor();
    // the example names a public receiver, and no worker runs that would call it
    expect(await answer.textContent()).toMatch(/^.*202.*"status": "pending"/s);
    expect(await page.evaluate("JSON.stringify(localStorage)")).not.toContain(parts.apiKey);
    expect(complaints).toEqual([]);
    // its public URL is another host
    expect([...hosts]).toEqual([new URL(base).host]);
  });
});
