import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import sparticuz from "@sparticuz/chromium";
import type { AxeResults } from "axe-core";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";

export interface TestBrowser {
  page: Page;
  /** What the browser complained of so far: errors of scripts, breaches of the policy, bad answers. */
  complaints: string[];
  close(): Promise<void>;
}

/** A real Chromium with one page. */
export async function startBrowser(): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: await sparticuz.executablePath(),
    // not the arguments of its package: made for functions in the cloud, they are slow and switch
    // off what keeps sites apart
    args: ["--no-sandbox"],
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 850 },
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    complaints.push(`${message.location().url}: ${message.text()}`);
  });
  return { page, complaints, close: () => browser.close() };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The rules whose verdict depends on light or dark. */
export const COLOUR_RULES = ["color-contrast", "link-in-text-block"];

/** What axe finds wrong with the page as it is, by all its rules or some; one line each. */
export async function findAccessibilityFaults(page: Page, rules?: string[]): Promise<string[]> {
  const there = await page.evaluate<boolean>("'axe' in globalThis");
  if (!there) await page.evaluate(`${AXE}; undefined`);
  const options = { resultTypes: ["violations"], preload: false, ...(rules && { runOnly: rules }) };
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify(options)})`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}
