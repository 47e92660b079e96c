import { afterEach, expect, test } from "@jest/globals";
import { createTestPool } from "../support/compute.ts";
import { eventually } from "../support/delivery.ts";
import { startApi, type TestApi } from "../http/api.ts";
import type { TestContextOptions } from "../support/context.ts";

interface Wait {
  reason: string;
  detail: string;
  until: string | null;
  ahead?: { count: number; more: boolean };
}

let api: TestApi;
afterEach(async () => await api.stop());

async function start(options: TestContextOptions = {}): Promise<void> {
  const compute = createTestPool({ threads: 1 });
  api = await startApi({ overrides: { compute }, ...options });
}

async function submit(type: string, input: unknown): Promise<string> {
  const answer = await api.ask("POST", "/v1/jobs", { body: { type, input } });
  expect(answer).toMatchObject({ status: 202, body: { waiting_for: null } });
  return String(answer.body["id"]);
}

async function look(id: string): Promise<{ status: string; waiting_for: Wait | null }> {
  return (await api.ask("GET", `/v1/jobs/${id}`)).body as never;
}

async function waitOf(id: string): Promise<Wait> {
  return await eventually(
    async () => (await look(id)).waiting_for ?? undefined,
    `what ${id} waits for`,
  );
}

test("busy threads, and how many are before it, until one is free", async () => {
  await start();
  const first = await submit("demo.sleep", { ms: 60_000 });
  await eventually(
    async () => ((await look(first)).status === "running" ? true : undefined),
    "a run",
  );
  expect((await look(first)).waiting_for).toBeNull();
  const ids = [await submit("demo.sleep", { ms: 1 }), await submit("demo.sleep", { ms: 1 })];
  const busy = { reason: "threads", detail: "1 of 1 threads busy", until: null };
  expect(await waitOf(ids[0]!)).toEqual({ ...busy, ahead: { count: 0, more: false } });
  expect(await waitOf(ids[1]!)).toEqual({ ...busy, ahead: { count: 1, more: false } });
  const { body } = await api.ask("GET", "/v1/jobs?status=pending");
  expect(body["data"]).toMatchObject([
    { id: ids[1], waiting_for: busy },
    { id: ids[0], waiting_for: busy },
  ]);
  // another account is told of the threads, but not of whose jobs are before its own
  const { apiKey } = await api.addAccount("another");
  const sleep = { type: "demo.sleep", input: { ms: 1 } };
  const theirs = await api.ask("POST", "/v1/jobs", { key: apiKey, body: sleep });
  const seen = await api.ask("GET", `/v1/jobs/${String(theirs.body["id"])}`, { key: apiKey });
  expect(seen.body["waiting_for"]).toEqual({ ...busy, ahead: { count: 0, more: false } });
  // a look that knows this state comes back as soon as it is another
  const known = await api.ask("GET", `/v1/jobs/${ids[1]}`);
  const headers = { "if-none-match": known.headers["etag"]! };
  expect((await api.ask("GET", `/v1/jobs/${ids[1]}`, { headers })).status).toBe(304);
  await api.ask("POST", `/v1/jobs/${ids[0]}/cancel`);
  const news = await api.ask("GET", `/v1/jobs/${ids[1]}`, {
    headers: { ...headers, prefer: "wait=10" },
  });
  expect(news.body["waiting_for"]).toMatchObject({ ahead: { count: 0 } });
  await api.ask("POST", `/v1/jobs/${first}/cancel`);
  const done = await api.ask("GET", `/v1/jobs/${ids[1]}`, { headers: { prefer: "wait=20" } });
  expect(done.body).toMatchObject({ status: "completed", waiting_for: null });
});

test("the time of the next run, after one that failed", async () => {
  await start();
  const id = await submit("demo.fail", { retryable: true });
  const wait = await waitOf(id);
  expect(wait).toMatchObject({
    reason: "run_at",
    detail: "run 1 failed; the next one comes later",
  });
  expect(Date.parse(wait.until!)).toBeGreaterThan(Date.now() - 1_000);
});

test("a process that computes, when there is none", async () => {
  await start({ worker: false });
  const id = await submit("demo.echo", 1);
  expect(await waitOf(id)).toEqual({
    reason: "process",
    detail: "no process that computes is running",
    until: null,
    ahead: { count: 0, more: false },
  });
});
