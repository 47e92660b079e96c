import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sparticuz from "@sparticuz/chromium";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { newApiKey } from "../src/core/api-key.ts";
import { endProcess, startRingback } from "../test/support/ringback-process.ts";
import { buildConsole } from "./console.ts";

/** Of each page, each by a browser that has nothing in its cache. */
const LOADS = 7;

interface Load {
  /** Compressed, as sent. */
  bytes: number;
  files: number;
  firstPaintMs: number;
  contentMs: number;
}

/** Sizes and times of what the browser does until the page is there. */
const READ = `(() => {
  const paint = (name) => performance.getEntriesByName(name)[0]?.startTime ?? NaN;
  const files = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/console/assets/"));
  const page = performance.getEntriesByType("navigation")[0];
  return {
    bytes: page.encodedBodySize + files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    files: 1 + files.length,
    firstPaintMs: paint("first-paint"),
    contentMs: performance.now(),
  };
})()`;

async function load(
  browser: Browser,
  url: string,
  shown: (page: Page) => Locator,
  options: BrowserContextOptions,
): Promise<Load> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "commit" });
  await shown(page).waitFor();
  const found = await page.evaluate<Load>(READ);
  await context.close();
  return found;
}

const heading = (name: string) => (page: Page) => page.getByRole("heading", { name, exact: true });
const chart = (page: Page): Locator => page.getByRole("img", { name: /^Jobs:/ });

async function measure(name: string, once: () => Promise<Load>): Promise<void> {
  const loads: Load[] = [];
  for (let n = 0; n < LOADS; n++) loads.push(await once());
  const median = (field: keyof Load): number =>
    loads.map((one) => one[field]).toSorted((a, b) => a - b)[LOADS >> 1]!;
  const size = `${(median("bytes") / 1_000).toFixed(0)} kB in ${median("files")} files`;
  const times = `first paint ${median("firstPaintMs").toFixed(0)} ms, ready after ${median("contentMs").toFixed(0)} ms`;
  process.stdout.write(`${name.padEnd(9)} ${size}, ${times}\n`);
}

buildConsole();
const folder = await mkdtemp(path.join(tmpdir(), "ringback-console-"));
const key = newApiKey();
const server = startRingback(["serve"], {
  PORT: "0",
  RINGBACK_DATA_DIR: folder,
  RINGBACK_API_KEY: key,
});
const browser = await chromium.launch({
  executablePath: await sparticuz.executablePath(),
  args: ["--no-sandbox"],
});
try {
  await server.wrote('"message":"ready"', 60_000);
  const url = `${/http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)![0]}/console/`;
  process.stdout.write(`Compressed sizes and medians of ${LOADS} loads with an empty cache:\n`);
  await measure("Sign in", () => load(browser, url, heading("Sign in"), {}));

  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel("API key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const storageState = await context.storageState();
  await measure("Jobs", () => load(browser, `${url}jobs`, heading("Jobs"), { storageState }));
  await measure("Overview", () => load(browser, url, chart, { storageState }));
} finally {
  await browser.close();
  server.kill("SIGTERM");
  await server.ended;
  await endProcess(server);
  await rm(folder, { recursive: true, force: true });
}
