import { availableParallelism } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Locator, Page } from "playwright-core";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { parseId } from "../../src/core/ids.ts";
import { verifyWebhook } from "../../src/client/webhooks.ts";
import { layOutJson, memberTexts } from "../../src/core/json-text.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startRingback } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";
import { COLOUR_RULES, findAccessibilityFaults, startBrowser } from "./browser.ts";
import type { TestBrowser } from "./browser.ts";
import { buildConsole } from "../../scripts/console.ts";

const KEY = "rk_console_test_0123456789abcdef";
const ONE_ATTEMPT = { max_attempts: 1 };

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
  await startServer("0");
  base = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)![0];
  browser = await startBrowser();
  ({ page } = browser);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await endProcess(server);
  await receiver?.close();
  await database?.drop();
});

beforeEach(() => {
  receiver.respond(200);
});

async function startServer(port: string): Promise<void> {
  server = startRingback(["serve"], {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: port,
  });
  await server.wrote('"message":"ready"');
}

async function call<T>(method: string, path: string, body?: unknown, key = KEY): Promise<T> {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function submit(callbackPath: string): Promise<{ id: string }> {
  const callbacks = [{ url: receiver.url + callbackPath, retry: ONE_ATTEMPT }];
  return await call("POST", "/v1/jobs", { type: "demo.echo", input: { a: 1 }, callbacks });
}

async function open(path: string): Promise<void> {
  await page.goto(`${base}/console${path}`);
  await page.locator("main h1").waitFor();
}

/** As a link in the console does it, without loading it anew. */
async function followLink(path: string): Promise<void> {
  await page.evaluate(`{
    const target = new URL(${JSON.stringify(`${base}/console${path}`)});
    if (target.pathname !== location.pathname) document.querySelector("main h1").dataset.left = "";
    history.pushState(null, "", target);
    dispatchEvent(new PopStateEvent("popstate"));
  }`);
  await page.locator("main h1:not([data-left])").waitFor();
}

function button(name: string | RegExp): Locator {
  return page.getByRole("button", { name });
}

function dialog(): Locator {
  return page.getByRole("dialog");
}

/** Rows of the table with this name, without its head. */
function rows(table: string): Locator {
  return page.getByRole("table", { name: table, exact: true }).locator("tbody").getByRole("row");
}

async function choose(label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

/** In a filter that takes several values. */
async function pick(label: string, value: string): Promise<void> {
  await page.getByRole("button", { name: label, exact: true }).click();
  await dialog().getByLabel(value, { exact: true }).click();
  await page.keyboard.press("Escape");
  await until(async () => (await dialog().count()) === 0);
}

async function until(what: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
    if (await what()) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`time was up before ${what.toString()}`);
}

test("a wrong key is refused with the reason, the right one leads to the overview", async () => {
  await page.goto(`${base}/console/`);
  await page.getByLabel("API key", { exact: true }).fill("rk_wrong_key_0123456789abcdef");
  await button("Sign in").click();
  await page.getByRole("alert").getByText("The API key is unknown or revoked.").waitFor();
  expect(browser.complaints.splice(0).join()).toContain("401");

  await page.getByLabel("API key", { exact: true }).fill(KEY);
  await button("Sign in").click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(await page.evaluate("document.cookie")).toBe("");
  const stored = await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })");
  expect(stored).not.toContain(KEY);
}, 60_000);

test("a job submitted by the form is followed to its delivered callback; its signature checks out", async () => {
  await open("/jobs/new");
  await choose("Job type", "demo.sleep");
  await page.getByRole("textbox", { name: "ms" }).fill("400");
  await button("Add a callback").click();
  await page.getByLabel("Callback URL").fill(`${receiver.url}/by-form`);
  await button("Submit the job").click();
  await page.getByRole("heading", { name: "demo.sleep" }).waitFor();

  // no reload from here on: what happens comes by the stream of events
  const attempt = page.locator('[data-kind="attempt"]');
  await attempt.getByText("200").waitFor();
  await page.getByText("slept_ms").waitFor();
  const sent = await receiver.waitFor(({ path }) => path === "/by-form");

  await attempt
    .getByRole("link")
    .or(rows("Deliveries of this job").getByRole("link"))
    .first()
    .click();
  await page.getByRole("heading", { name: "job.completed" }).waitFor();
  await page.getByText(sent.headers["webhook-signature"]!.split(" ")[0]!).first().waitFor();
  await button("Check with today's keys").click();
  await until(async () => (await page.getByText("valid", { exact: true }).count()) === 2);

  await button("Copy as curl").click();
  const command = String(await page.evaluate("navigator.clipboard.readText()"));
  expect(command).toContain(`curl -i -X POST '${receiver.url}/by-form'`);
  expect(command).toContain(`-H 'webhook-signature: ${sent.headers["webhook-signature"]}'`);
  expect(command).toContain(`--data-raw '${sent.body.toString()}'`);
}, 60_000);

test("a job is submitted again with all it was made of", async () => {
  const { data } = await call<{ data: { id: string }[] }>("GET", "/v1/jobs?type=demo.sleep");
  await open(`/jobs/${data[0]!.id}`);
  await page.getByRole("link", { name: "Submit again" }).click();
  await until(async () => (await page.getByRole("textbox", { name: "ms" }).inputValue()) === "400");
  expect(await page.getByLabel("Callback URL").inputValue()).toBe(`${receiver.url}/by-form`);
  await button("Submit the job").click();
  await page.getByRole("heading", { name: "demo.sleep" }).waitFor();
  expect(page.url()).not.toContain(data[0]!.id);
});

test("a callback whose secret is typed into the form is signed with it", async () => {
  await open("/jobs/new");
  await choose("Job type", "demo.sleep");
  await page.getByRole("textbox", { name: "ms" }).fill("1");
  await button("Add a callback").click();
  const secret = `whsec_${Buffer.alloc(32, 6).toString("base64")}`;
  await page.getByLabel("Callback URL").fill(`${receiver.url}/typed-secret`);
  await page.getByLabel("Secret", { exact: true }).fill(secret);
  await button("Submit the job").click();
  const sent = await receiver.waitFor(({ path }) => path === "/typed-secret");
  await expect(verifyWebhook(sent.body, sent.headers, secret)).resolves.toMatchObject({
    type: "job.completed",
  });
}, 60_000);

test("a job's callbacks lead to the secrets that verify them; one of its own is shown nowhere", async () => {
  const own = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
  const url = `${receiver.url}/verified`;
  const callbacks = [{ url }, { url: `${url}/own`, secret: own }];
  const job = { type: "demo.sleep", input: { ms: 1 }, callbacks };
  const { id } = await call<{ id: string }>("POST", "/v1/jobs", job);
  await open(`/jobs/${id}`);
  await rows("Callbacks").nth(1).getByText("its own").waitFor();
  await page.getByRole("link", { name: "Submit again" }).click();
  await page.getByText("Without the secret of its own of the first time").waitFor();
  await button("Submit the job").click();
  await page.getByRole("heading", { name: "demo.sleep" }).waitFor();
  await rows("Callbacks").first().getByRole("link", { name: "the origin's" }).click();
  await until(async () => (await page.getByLabel("Origin").inputValue()) === receiver.url);
  // beside the public key and the address of the key set
  const revealed = async (): Promise<boolean> => (await page.getByTestId("secret").count()) === 3;
  await button("Reveal").click();
  await until(revealed);
  const secret = await page.getByTestId("secret").last().innerText();
  const path = `/v1/signing-secret?origin=${receiver.url}`;
  expect(secret).toBe((await call<{ secret: string }>("GET", path)).secret);

  await button("Rotate…").click();
  await button("Rotate the secret").click();
  await page.getByText(/The previous secret signs beside this one/).waitFor();
  expect(await page.getByText(secret).count()).toBe(0);
  await button("Reveal").click();
  await until(revealed);
  expect(await page.getByTestId("secret").last().innerText()).not.toBe(secret);
}, 60_000);

test("M7: numbers are shown, and submitted again, digit by digit", async () => {
  const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
  async function again(type: string, text: string, shown: () => Promise<boolean>) {
    const raw = `{"type":"${type}","input":${text},"metadata":{"n":1.50}}`;
    const posted = await fetch(`${base}/v1/jobs`, { method: "POST", headers, body: raw });
    const { id } = (await posted.json()) as { id: string };
    await open(`/jobs/${id}`);
    await page
      .getByText('"n": 1.50')
      .or(page.getByText("1.50", { exact: true }))
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Submit again" }).click();
    await until(shown);
    await button("Submit the job").click();
    await page.getByRole("heading", { name: type }).waitFor();
    await until(async () => /job_\w+$/.test(page.url()) && !page.url().includes(id));
    const copy = await fetch(`${base}/v1/jobs/${page.url().split("/").at(-1)}`, { headers });
    const members = memberTexts(await copy.text());
    expect(members.get("input")).toBe(text);
    expect(members.get("metadata")).toBe('{"n":1.50}');
  }
  const odd = '{"2":1.0,"1":12345678901234567890}';
  await again("demo.echo", odd, async () => {
    const shown = await page.getByRole("textbox", { name: "Input" }).inputValue();
    return shown === layOutJson(odd);
  });
  // by the form
  await again("demo.sleep", '{"ms":40.0}', async () => {
    return (await page.getByRole("textbox", { name: "ms" }).inputValue()) === "40";
  });
}, 60_000);

test("L2: of many attempts the last are shown, and the older ones when asked", async () => {
  const { id } = await submit("/many");
  await receiver.waitFor(({ path }) => path === "/many");
  const { data } = await call<{ data: { id: string }[] }>("GET", `/v1/jobs/${id}/deliveries`);
  const delivery = data[0]!.id;
  await until(async () => {
    const found = await call<{ status: string }>("GET", `/v1/deliveries/${delivery}`);
    return found.status === "delivered";
  });
  await database.pool.query(
    `with more as (
       insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
         request_headers, response_headers, response_body, response_truncated, manual)
       select $1, n, gen_random_uuid(), now(), 1, 200, '{}', '{}', 'old', false, true
       from generate_series(2, 120) n)
     update deliveries set attempt_count = 120 where id = $1`,
    [parseId("delivery", delivery)],
  );
  await open(`/deliveries/${delivery}`);
  await page.getByText("Attempts (120)").waitFor();
  const chips = page.getByRole("group", { name: "Attempts shown" }).getByRole("checkbox");
  expect(await chips.count()).toBe(50);
  await button("Older attempts").click();
  await until(async () => (await chips.count()) === 100);
  await button("Older attempts").click();
  await until(async () => (await chips.count()) === 120);
  await until(async () => (await button("Older attempts").count()) === 0);
}, 60_000);

test("a delivery that waits counts down, and is attempted now when asked", async () => {
  receiver.respond(503);
  const retry = { base_s: 3_600 };
  const callbacks = [{ url: `${receiver.url}/waits`, retry }];
  const { id } = await call<{ id: string }>("POST", "/v1/jobs", {
    type: "demo.echo",
    input: {},
    callbacks,
  });
  await open(`/jobs/${id}`);
  await page.locator('[data-kind="attempt"]').getByText("503").waitFor();
  await rows("Deliveries of this job").getByRole("link").first().click();
  await page
    .getByText(/^in (\d+ h|\d+ min)/)
    .first()
    .waitFor();
  receiver.respond(200);
  await button("Attempt now").click();
  await button("Send again").click();
  await page.getByRole("article", { name: "Attempt 2" }).getByText("manual").waitFor();
  await page.getByRole("article", { name: "Attempt 1" }).getByText("503").first().waitFor();
  await page.locator("h1 + *").getByText("delivered").waitFor();
});

test("a delivery that is held says why and since when, in lists and on its page, until it goes", async () => {
  type Made = { id: string };
  const body = { url: `${receiver.url}/held`, events: ["held.seen"], description: "Held system" };
  const { id: endpoint } = await call<Made>("POST", "/v1/endpoints", body);
  await call("POST", `/v1/endpoints/${endpoint}/pause`, {});
  for (const n of [1, 2]) await call("POST", "/v1/messages", { type: "held.seen", data: { n } });
  await open("/deliveries?event_type=held.seen");
  await pick("Status", "held");
  await until(async () => (await rows("Deliveries").count()) === 2);
  const row = rows("Deliveries").first();
  await row.getByText("held", { exact: true }).hover();
  await page.getByRole("tooltip").getByText("the endpoint is paused").waitFor();
  await row.getByText("endpoint paused").waitFor();
  await row.getByRole("link").first().click();
  await page.locator("h1 + *").getByText("held").waitFor();
  const notice = page.getByRole("alert");
  await notice.getByText("Held back: endpoint paused").waitFor();
  await notice.getByText("2 wait.").waitFor();
  expect(await page.getByText("due now").count()).toBe(0);
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await notice.getByRole("link", { name: "Look at the endpoint" }).click();
  await page.locator("h1 + *").getByText("paused").waitFor();
  await page.getByRole("link", { name: "What waits" }).click();
  await until(async () => (await rows("Deliveries").count()) === 2);
  await rows("Deliveries").first().getByRole("link").first().click();
  await notice.waitFor();
  await call("POST", `/v1/endpoints/${endpoint}/resume`, {});
  await page.locator("h1 + *").getByText("delivered").waitFor();
  await until(async () => (await notice.count()) === 0);
});

test("a job that is pending says what it waits for", async () => {
  const ids: string[] = [];
  const sleep = { type: "demo.sleep", input: { ms: 60_000 } };
  // more than there are threads
  for (let n = 0; n <= availableParallelism(); n += 1) {
    ids.push((await call<{ id: string }>("POST", "/v1/jobs", sleep)).id);
  }
  await open(`/jobs/${ids.at(-1)}`);
  const notice = page.getByRole("alert");
  await notice.getByText(/^\d+ of \d+ threads busy/).waitFor();
  await notice.getByText("It is the next of yours.").waitFor();
  for (const id of ids) await call("POST", `/v1/jobs/${id}/cancel`, {});
  await page.locator("h1 + *").getByText("canceled").waitFor();
  await until(async () => (await notice.getByText("threads busy").count()) === 0);
});

test("the input is checked: a refusal says where it is wrong and shows the request id", async () => {
  await open("/jobs/new");
  await choose("Job type", "csv.summary");
  await button("Submit the job").click();
  const alert = page.getByRole("alert");
  await alert.getByText("give exactly one of csv and url").first().waitFor();
  await alert.getByText("Request id").waitFor();
  expect(browser.complaints.splice(0).join()).toContain("422");
});

test("a running job is canceled after a question", async () => {
  const { id } = await call<{ id: string }>("POST", "/v1/jobs", {
    type: "demo.sleep",
    input: { ms: 60_000 },
  });
  await open(`/jobs/${id}`);
  await button("Cancel").click();
  await dialog().getByText("1 job ends without a result").waitFor();
  await button("Cancel the job").click();
  await page.locator("h1 + *").getByText("canceled").waitFor();
  await page.getByText(/job.canceled had no receiver/).waitFor();
});

describe("dead letters", () => {
  test("come in by themselves, are selected by filter and sent again", async () => {
    await open("/dead-letters");
    await page.getByText("The inbox is empty").waitFor();
    receiver.respond(500);
    for (let n = 0; n < 3; n++) await submit("/broken");
    await until(async () => (await rows("Dead letters").count()) === 3);

    await button(/^3 × 500/).click();
    await until(async () => page.url().includes("reason=exhausted"));
    await button("Select all that match the filter").click();
    receiver.respond(200);
    await button("Replay…").click();
    await dialog().getByText("3 deliveries").waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await button("Send 3").click();
    await dialog().getByText("3 of 3 sent again").waitFor();
    await button("Close").last().click();
    await page.getByText("No dead letter matches").waitFor();
    await rows("Replays, discards and cancels").first().getByText("3 of 3").waitFor();
    await until(async () => {
      const { data } = await call<{ data: unknown[] }>("GET", "/v1/deliveries?status=delivered");
      return data.length >= 4;
    });
  }, 60_000);

  test("are grouped by reason or by endpoint: each group is one card, however often one changes", async () => {
    receiver.respond(500);
    const made: string[] = [];
    for (const name of ["First partner", "Second partner"]) {
      const { id } = await call<{ id: string }>("POST", "/v1/endpoints", {
        url: `${receiver.url}/${name.replace(" ", "-")}`,
        description: name,
        events: ["group.test"],
        retry: ONE_ATTEMPT,
      });
      made.push(id);
    }
    await call("POST", "/v1/messages", { type: "group.test", data: {} });
    await submit("/grouped");
    await until(async () => {
      const dead = await call<{ data: unknown[] }>("GET", "/v1/dead-letters");
      return dead.data.length === 3;
    });
    await open("/dead-letters");
    const groups = page.getByRole("region", { name: "Groups" });
    const cards = groups.locator("button[aria-pressed]");
    const names = async (): Promise<string> =>
      (await cards.allInnerTexts())
        .map((text) => text.split("\n")[0]!)
        .toSorted()
        .join(",");
    const chosen = (by: string): Promise<void> => groups.getByText(by, { exact: true }).click();
    for (let turn = 0; turn < 2; turn++) {
      await chosen("By endpoint");
      await until(async () => (await names()) === "Callback URLs,First partner,Second partner");
      await groups.getByText("3 groups").waitFor();
      await chosen("By reason");
      await until(async () => (await names()) === "exhausted");
      await groups.getByText("1 group", { exact: true }).waitFor();
    }
    await call("POST", "/v1/replays", { action: "discard", note: "seen", filter: {} });
    for (const id of made)
      await fetch(`${base}/v1/endpoints/${id}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${KEY}` },
      });
    await page.getByText("The inbox is empty").waitFor();
    await until(async () => {
      const { data } = await call<{ data: { status: string }[] }>("GET", "/v1/replays");
      return data.every(({ status }) => status === "completed");
    });
  }, 60_000);

  test("are discarded with a note, and found again", async () => {
    receiver.respond(500);
    await submit("/not-wanted");
    await open("/dead-letters");
    await until(async () => (await rows("Dead letters").count()) === 1);

    // by keys alone: the row, a replay of it that is not carried out, its page, and back
    await page.keyboard.press("j");
    const link = rows("Dead letters").getByRole("link").first();
    expect(await link.evaluate((one) => one.matches(":focus"))).toBe(true);
    await page.keyboard.press("r");
    await dialog().getByText("1 delivery").waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await dialog().count()) === 0);
    await page.getByText("1 selected").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.getByText("0 selected").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Dead letter: exhausted").waitFor();
    await page.keyboard.press("r");
    await dialog().getByText("Send 1 delivery again?").waitFor();
    await page.keyboard.press("Escape");
    await page.goBack();

    await page.getByLabel("Select all on this page").check();
    await button("Discard…").click();
    await dialog().getByText("1 delivery").waitFor();
    await dialog().getByLabel("Why").fill("the partner has left");
    await button("Discard 1").click();
    await dialog().getByText("1 of 1 discarded").waitFor();
    await button("Close").last().click();
    await page.getByText("The inbox is empty").waitFor();
    await page.getByLabel("Discarded ones").click();
    await rows("Dead letters").getByRole("link").first().click();
    await page.getByText("the partner has left").waitFor();
  }, 60_000);
});

describe("recovery", () => {
  test("by cause: what is left out is named, a canary stops it, and the report says why", async () => {
    const made: { id: string }[] = [];
    for (const name of ["Billing", "Retired"]) {
      made.push(
        await call("POST", "/v1/endpoints", {
          url: `${receiver.url}/${name}`,
          description: name,
          retry: ONE_ATTEMPT,
          events: ["order.made"],
        }),
      );
    }
    receiver.respond({ status: 401, body: "invalid_token" });
    for (let n = 0; n < 4; n++) {
      await call("POST", "/v1/messages", { type: "order.made", data: { n } });
    }
    await open("/dead-letters");
    await button(/^Replay these: 4 × 401, Billing/).waitFor();
    await button(/^Replay these: 4 × 401, Retired/).waitFor();
    expect(await page.getByText("invalid_token").count()).toBe(2);
    await database.pool.query(
      "update endpoints set state = 'disabled', disabled_reason = 'gone' where description = 'Retired'",
    );

    // twice: nothing of the first choice is left over
    await page.getByText("By endpoint").click();
    await until(
      async () =>
        (await page.locator("section[aria-label=Groups] button[aria-pressed]").count()) >= 2,
    );
    await page.getByText("By cause").click();
    await button("Select all dead letters").click();
    await button("Replay…").click();
    await dialog().getByText("4 deliveries").waitFor();
    await dialog().getByText("4 left out").waitFor();
    await dialog().getByRole("link", { name: "Retired" }).waitFor();
    await button("Pace, canary and start…").click();
    await dialog().getByLabel("At most per second").fill("50");
    await dialog().getByLabel("Send a few first").check();
    await dialog().getByLabel("How many first").fill("2");
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await button("Send 4").click();
    // its outcomes are looked at once a second, and the machine may be busy
    const stopped = dialog().getByText("2 of 2 failed again: 2 × HTTP 401");
    await stopped.waitFor({ timeout: 30_000 });
    await dialog().getByRole("link", { name: "Report" }).click();
    await page.getByRole("heading", { name: "What became of them" }).waitFor();
    await rows("What became of them").first().getByText("401").waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const csv = await page.evaluate<string>(
      "fetch(document.querySelector('a[download]').href).then((answer) => answer.text())",
    );
    expect(csv.trim().split("\r\n")).toHaveLength(3);

    receiver.respond(200);
    await open("/dead-letters");
    await button(/^Replay these: 4 × 401, Billing/).click();
    await button("Send 4").click();
    await dialog().getByText("4 of 4 sent again").waitFor();
    await button("Close").last().click();
    await until(async () => (await button(/^Replay these/).count()) === 1);
    await call("POST", "/v1/replays", {
      action: "discard",
      note: "test",
      filter: { endpoint_id: made[1]!.id },
    });
  }, 90_000);

  test("failed jobs are retried by type and error, and singly", async () => {
    for (let n = 0; n < 2; n++) {
      await call("POST", "/v1/jobs", { type: "demo.fail", input: { message: "no luck" } });
    }
    await open("/jobs/failed");
    await until(async () => (await rows("Failed jobs").getByText("no luck").count()) === 1);
    await rows("Failed jobs").getByText("2", { exact: true }).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await button("Retry demo.fail, demo_failed").click();
    await dialog().getByText("2 jobs").waitFor();
    await button("Retry 2").click();
    await dialog().getByText("2 of 2 retried").waitFor();
    await button("Close").last().click();
    await page.getByText("no luck").click();
    await page.getByRole("heading", { name: "demo.fail" }).waitFor();
    await button("Retry").click();
    await dialog().getByText("Its callbacks are told anew").waitFor();
    const before = page.url();
    await button("Retry").last().click();
    await until(async () => page.url() !== before);
    await page.getByText("Retry of").waitFor();
  }, 60_000);
});

test("an endpoint is registered, tested, paused, resumed and given a new secret", async () => {
  await open("/endpoints/new");
  await page.getByLabel("URL").fill(`${receiver.url}/endpoint`);
  await page.getByLabel("Description").fill("Order system");
  await button("Create the endpoint").click();
  const first = await page.getByTestId("secret").innerText();
  expect(first).toMatch(/^whsec_/);
  await page.getByRole("link", { name: "Go to the endpoint" }).click();

  await button("Send a test event").click();
  await page.getByText(/Answered after/).waitFor();
  await button("Pause").click();
  await page.getByText("Deliveries are made and wait").waitFor();
  await button("Resume").click();
  await button("Pause").waitFor();

  await page.getByRole("tab", { name: "Secret" }).click();
  await button("Reveal").click();
  await until(async () => (await page.getByTestId("secret").innerText()) === first);
  await button("Rotate…").click();
  await button("Rotate the secret").click();
  await page.getByText(/ends in 23 h|ends in 24 h|ends in 1 d/).waitFor();
  expect(await page.getByTestId("secret").innerText()).not.toBe(first);
  await page.reload();
  await button("Reveal").click();
  await page.getByText(/The previous secret signs beside this one/).waitFor();

  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("Rate limit per second").fill("5");
  await button("Save").click();
  await page.getByText("5 per second").waitFor();
}, 60_000);

test("an endpoint is signed for by v1 alone, and its deliveries say so", async () => {
  const [endpoint] = (await call<{ data: { id: string }[] }>("GET", "/v1/endpoints")).data;
  await open(`/endpoints/${endpoint!.id}?tab=settings`);
  await page.getByLabel("v1a: Ed25519").uncheck();
  await page.getByLabel("v1: HMAC-SHA256").uncheck();
  await button("Save").click();
  await page.getByText("must name at least one").first().waitFor();
  expect(browser.complaints.splice(0).join()).toContain("422");
  await page.getByLabel("v1: HMAC-SHA256").check();
  await button("Save").click();
  // the form shows "Signatures" as well
  await page.getByRole("tab", { name: "Health", selected: true }).waitFor();

  await button("Send a test event").click();
  await page.getByText("Answered after").waitFor();
  await page.getByRole("link", { name: "Look at the exchange" }).click();
  await page.getByText("; not sent with this attempt").waitFor();
  await button("Check with today's keys").click();
  await page.getByText("valid", { exact: true }).first().waitFor();
  const tried = receiver.requests.findLast(({ body }) => body.includes('"endpoint.test"'))!;
  const sent = tried.headers["webhook-signature"]!;
  expect(sent.split(" ").every((one) => one.startsWith("v1,"))).toBe(true);
}, 60_000);

test("what an endpoint failed to take is recovered", async () => {
  const { data } = await call<{ data: { id: string }[] }>("GET", "/v1/endpoints");
  const { id } = data[0]!;
  await call("PATCH", `/v1/endpoints/${id}`, { retry: ONE_ATTEMPT });
  receiver.respond(500);
  await call("POST", "/v1/messages", { type: "invoice.paid", data: {} });
  await until(async () => {
    const dead = await call<{ data: unknown[] }>("GET", `/v1/dead-letters?endpoint_id=${id}`);
    return dead.data.length === 1;
  });
  receiver.respond(200);
  await open(`/endpoints/${id}`);
  await button("Recover…").click();
  await button("1 hour ago").click();
  await button("Count them").click();
  await button("Send 1").click();
  await dialog().getByText("1 of 1 sent again").waitFor();
  await button("Close").last().click();
});

test("an API key is shown once, works, and is revoked", async () => {
  await open("/settings");
  await button("New key").click();
  await dialog().getByLabel("Name").fill("order system");
  await button("Create the key").click();
  const key = await page.getByTestId("secret").innerText();
  await button("I have it").click();
  await until(async () => (await page.getByText(key).count()) === 0);
  expect(await call("GET", "/v1/jobs?limit=1", undefined, key)).toHaveProperty("data");

  await button("Revoke order system").click();
  await button("Revoke the key").click();
  await rows("API keys").filter({ hasText: "order system" }).getByText("revoked").waitFor();
});

test("a key that may not do everything sees what it may", async () => {
  const input = { name: "webhooks only", scopes: ["webhooks"] };
  const { key } = await call<{ key: string }>("POST", "/v1/api-keys", input);
  const own = await page.context().browser()!.newContext();
  const other = await own.newPage();
  await other.goto(`${base}/console/jobs`);
  await other.getByLabel("API key", { exact: true }).fill(key);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.getByRole("heading", { name: "Not allowed" }).waitFor();
  const areas = other.getByRole("navigation").getByRole("link");
  expect(await areas.allInnerTexts()).not.toContain("Jobs");
  await areas.getByText("Endpoints").click();
  await other.getByRole("table", { name: "Endpoints" }).waitFor();
  await own.close();
});

test("the URL carries the view: filters and the page survive a reload, back leads back", async () => {
  await open("/deliveries");
  await pick("Status", "delivered");
  await pick("Event type", "job.completed");
  await until(async () => page.url().endsWith("?status=delivered&event_type=job.completed"));
  await rows("Deliveries").first().waitFor();
  await page.reload();
  await rows("Deliveries").first().waitFor();
  await button("Event type: job.completed").waitFor();
  expect(await rows("Deliveries").getByText("job.completed").count()).toBe(
    await rows("Deliveries").count(),
  );
  await page.goBack();
  await until(async () => page.url().endsWith("?status=delivered"));

  // several, and none of some
  await pick("Status: delivered", "dead");
  await button("Status: delivered +1 (dead)").waitFor();
  await button("Event type").click();
  await dialog().getByText("is none of").click();
  await dialog().getByLabel("job.completed").click();
  await button("Event type: not job.completed").waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await until(async () => page.url().includes("not_event_type=job.completed"));
  await until(async () => (await rows("Deliveries").getByText("job.completed").count()) === 0);
  await rows("Deliveries").first().waitFor();
});

test("a list is paged by the server's cursors, older and newer", async () => {
  const many = Array.from({ length: 55 }, () =>
    call("POST", "/v1/jobs", { type: "demo.echo", input: {} }),
  );
  await Promise.all(many);
  await open("/jobs?type=demo.echo");
  await rows("Jobs").nth(49).waitFor();
  const first = await rows("Jobs").first().getByRole("link").innerText();
  await button("Older").click();
  await until(async () => (await rows("Jobs").count()) < 50);
  await page.reload();
  await rows("Jobs").first().waitFor();
  await button("Newer").click();
  await until(async () => (await rows("Jobs").first().getByRole("link").innerText()) === first);
});

test("a list follows the server without a reload; after a restart of the server too", async () => {
  const fail = async (): Promise<Locator> => {
    const job = { type: "demo.fail", input: {} };
    const { id } = await call<{ id: string }>("POST", "/v1/jobs", job);
    return rows("Jobs").filter({ has: page.locator(`a[href$="${id}"]`) });
  };
  await open("/jobs");
  await (await fail()).getByText("failed").first().waitFor();

  await endProcess(server);
  await page.getByText("Reconnecting", { exact: true }).waitFor();
  await startServer(new URL(base).port);
  const missed = await fail();
  await page.getByText("Live", { exact: true }).waitFor();
  await missed.getByText("failed").first().waitFor();
  // of the time without a server
  browser.complaints.splice(0);
}, 60_000);

test("keys lead everywhere", async () => {
  await open("/");
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  await page.getByRole("heading", { name: "Deliveries", exact: true }).waitFor();
  await page.keyboard.press("/");
  const { data } = await call<{ data: { id: string }[] }>("GET", "/v1/jobs?limit=1");
  await page.keyboard.type(data[0]!.id);
  await page.keyboard.press("Enter");
  await until(async () => page.url().endsWith(data[0]!.id));

  // the field is empty for the next search
  const field = page.getByRole("combobox", { name: "Search" });
  expect(await field.inputValue()).toBe("");
  await page.keyboard.press("/");
  await page.keyboard.type("overview");
  await page.getByRole("option", { name: "Overview", exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await until(async () => (await field.inputValue()) === "");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("new end");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "New endpoint" }).waitFor();
  expect(await field.inputValue()).toBe("");
  await page.keyboard.press("Control+k");
  await page.getByRole("option", { name: "API reference" }).waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("?");
  await dialog().getByText("This list").waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await until(async () => (await dialog().count()) === 0);
}, 60_000);

test("a bar of a chart leads to the list of its time and outcome", async () => {
  await open("/?range=1h");
  const chart = page.getByRole("img", { name: /^Deliveries: / });
  const bars = chart.locator('.recharts-bar-rectangle path[fill="var(--rb-ok)"]');
  await bars.last().scrollIntoViewIfNeeded();
  const box = (await bars.last().boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.up();
  await page.getByRole("heading", { name: "Deliveries", exact: true }).waitFor();
  const query = new URL(page.url()).searchParams;
  expect(query.get("status")).toBe("delivered");
  expect(Date.parse(query.get("until")!) - Date.parse(query.get("since")!)).toBe(60_000);
  await rows("Deliveries").first().getByText("delivered").waitFor();
});

async function typeToSearch(text: string): Promise<void> {
  const field = page.getByRole("combobox", { name: "Search" });
  await field.click();
  await field.fill(text);
}

test("what one has in hand leads to the job, the event and who got it", async () => {
  const metadata = { order: "A-10019" };
  const job = { type: "demo.echo", input: {}, metadata };
  const { id } = await call<{ id: string }>("POST", "/v1/jobs", job);
  await open("/");
  await typeToSearch("order=A-10019");
  await page.getByRole("option", { name: /demo.echo.*by metadata/ }).click();
  await until(async () => page.url().endsWith(id));
  await rows("Events of this job").first().getByText("job.completed").waitFor();

  const deaf = { url: `${receiver.url}/deaf`, description: "Deaf", events: ["never.sent"] };
  await call("POST", "/v1/endpoints", deaf);
  const event = { type: "shop.opened", data: { street: "Needle Lane 7" }, metadata };
  const message = await call<{ id: string }>("POST", "/v1/messages", event);
  await typeToSearch("shop.op");
  await page.getByRole("option", { name: "Events of type shop.opened" }).click();
  await rows("Events").first().getByText("delivered").waitFor();
  await rows("Events").first().getByRole("link").first().click();
  await until(async () => page.url().endsWith(message.id));
  await rows("Receivers").getByText("Order system").waitFor();
  const left = rows("Endpoints without a delivery").filter({ hasText: "Deaf" });
  await left.getByText("Its events, as they are set now, lack shop.opened.").waitFor();
  await rows("Receivers").first().getByRole("link").first().click();
  await page.getByRole("heading", { name: "shop.opened" }).waitFor();
  await page.getByRole("definition").getByRole("link", { name: /^msg_/ }).click();
  await until(async () => page.url().endsWith(message.id));
}, 60_000);

test("no match says what was looked at, and leads to the search in bodies", async () => {
  await open("/");
  await typeToSearch("no.such.thing");
  await page.getByRole("option", { name: /^No match: looked at request ids/ }).waitFor();
  expect(await page.getByRole("option", { name: /^(Events|Deliveries) of/ }).count()).toBe(0);
  await typeToSearch("Needle Lane");
  await page.getByRole("option", { name: "Search in bodies for “Needle Lane”…" }).click();
  await page
    .getByText("1 with “Needle Lane” in the body so far; this is all of the range")
    .waitFor();
  await rows("Events").getByText("Needle Lane 7").waitFor();
  await page.getByLabel("Text in the body").fill("needle lane");
  await page.getByText("No event has this text in its body").waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
}, 30_000);

test("a search in bodies is stopped and goes on", async () => {
  // answers held back by the test, each of which leads on
  const held: (() => void)[] = [];
  let asked = 0;
  await page.route(/\/v1\/messages\?.*text=/, async (route) => {
    asked += 1;
    await new Promise<void>((resolve) => held.push(resolve));
    const at = new Date(Date.now() - asked * 60_000).toISOString();
    const body = { data: [], next_cursor: `cursor-${asked}`, looked_until: at };
    await route.fulfill({ json: body }).catch(() => undefined);
  });
  await open("/events?text=endless");
  await until(async () => asked === 1);
  held[0]!();
  await page.getByText("looked back to").waitFor();
  await until(async () => asked === 2);
  await button("Stop").click();
  await button("Look further back").waitFor();
  held[1]!();
  await page.waitForTimeout(300);
  expect(asked).toBe(2);
  await button("Look further back").click();
  await until(async () => asked === 3);
  await button("Stop").click();
  held[2]!();
  await page.unroute(/\/v1\/messages\?.*text=/);
}, 30_000);

test("axe finds nothing on any page, light or dark, and a phone shows all of its width", async () => {
  const first = async (path: string): Promise<string> =>
    (await call<{ data: { id: string }[] }>("GET", path)).data[0]!.id;
  const endpoint = await first("/v1/endpoints");
  const paths = [
    "/",
    "/jobs?type=demo.sleep",
    "/jobs/new",
    `/jobs/${await first("/v1/jobs?type=demo.sleep&status=completed")}`,
    "/events",
    "/events?text=Needle",
    `/events/${await first("/v1/messages?type=shop.opened")}`,
    "/deliveries?event_type=invoice.paid",
    `/deliveries/${await first("/v1/deliveries?status=delivered")}`,
    "/dead-letters?discarded=true",
    "/endpoints",
    "/endpoints/new",
    `/endpoints/${endpoint}`,
    `/endpoints/${endpoint}?tab=settings`,
    `/endpoints/${endpoint}?tab=secret`,
    "/settings",
    "/settings?tab=signing",
    "/settings?tab=system",
    "/settings?tab=workers",
    "/nowhere",
  ];
  const faults: string[] = [];
  await open("/");
  for (const path of paths) {
    await followLink(path);
    await until(async () => (await page.locator('main [aria-label="Loading"]').count()) === 0);
    await page.emulateMedia({ colorScheme: "light" });
    faults.push(...(await findAccessibilityFaults(page)).map((fault) => `${path}: ${fault}`));
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await findAccessibilityFaults(page, COLOUR_RULES);
    faults.push(...dark.map((fault) => `${path} dark: ${fault}`));
    await page.setViewportSize({ width: 390, height: 844 });
    const fits = until(() => page.evaluate("document.documentElement.scrollWidth <= 390"));
    await fits.catch(() => faults.push(`${path}: too wide for a phone`));
    await page.setViewportSize({ width: 1280, height: 850 });
  }
  expect(faults).toEqual([]);
}, 90_000);

test("the public key is shown with its id and rotated with an overlap", async () => {
  await open("/settings?tab=signing");
  const keys = page.getByTestId("signing-key");
  await keys.first().waitFor();
  expect(await keys.count()).toBe(1);
  const current = await keys.innerText();
  expect(current).toMatch(/Public key\s+whpk_\S+/);
  expect(current).toMatch(/KEY ID\s+[\w-]{43}/i);
  await button("Rotate the key…").click();
  await button("Rotate the key").last().click();
  await until(async () => (await keys.count()) === 2);
  expect(await keys.first().innerText()).toMatch(/^Next key\s+whpk_\S+[^]*in (9|10) min/);
  const kid = /[\w-]{43}/.exec(current.replaceAll(/whpk_\S+/g, ""))![0];
  expect(await keys.last().innerText()).toContain(kid);
}, 30_000);

test("signing out ends the session on the server's side too", async () => {
  await open("/");
  await button("Account and appearance").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await page.evaluate('fetch("/v1/jobs").then((answer) => answer.status)')).toBe(401);
  expect(browser.complaints.splice(0).join()).toContain("401");
});

test("until then the browser had nothing to complain of", () => {
  expect(browser.complaints).toEqual([]);
});
