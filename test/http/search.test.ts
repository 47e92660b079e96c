import { randomUUID } from "node:crypto";
import { newId } from "../../src/core/ids.ts";
import { pairHash } from "../../src/core/search-keys.ts";
import { until } from "../support/jobs.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { startApi, type Ask, type TestApi } from "./api.ts";

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});

interface Found {
  hits: { kind: string; id: string; by: string; label: string; path: string }[];
  looked_at: { what: string; since: string | null; complete: boolean }[];
  summary: string;
}

async function search(q: string, key?: string): Promise<Found> {
  const path = `/v1/search?q=${encodeURIComponent(q)}`;
  const answer = await api.ask("GET", path, key === undefined ? {} : { key });
  expect([q, answer.status]).toEqual([q, 200]);
  return answer.body as unknown as Found;
}

/** Publishes lines; the answer to each. */
async function publishLines(raw: string, more: Record<string, string> = {}): Promise<string[]> {
  const headers = {
    authorization: `Bearer ${api.apiKey}`,
    "content-type": "application/x-ndjson",
    ...more,
  };
  const url = `http://127.0.0.1:${api.port}/v1/messages/batch`;
  const answer = await fetch(url, { method: "POST", headers, body: raw });
  return (await answer.text()).trim().split("\n");
}

async function found(q: string, key?: string): Promise<string[]> {
  return (await search(q, key)).hits.map(({ kind, id, by }) => `${kind} ${id} by ${by}`);
}

async function make(path: string, body: object, more: Ask = {}) {
  const answer = await api.ask("POST", path, { body, ...more });
  expect([path, answer.status < 300]).toEqual([path, true]);
  return { id: String(answer.body["id"]), requestId: answer.headers["x-request-id"]! };
}

const job = { type: "demo.echo", input: 1 };

test("a job and a message are found by metadata, with and without the name", async () => {
  const metadata = { order: "A-10019", n: 1.5, paid: true, tags: ["x-1"], none: null };
  const { id } = await make("/v1/jobs", { ...job, metadata });
  const event = await make("/v1/messages", { type: "order.paid", data: {}, metadata });
  const both = [`message ${event.id} by metadata`, `job ${id} by metadata`];
  for (const q of ["A-10019", "order=A-10019", "n=1.5", "1.5", "paid=true", "  A-10019 "]) {
    expect([q, (await found(q)).toSorted()]).toEqual([q, both.toSorted()]);
  }
  for (const q of ["A-1001", "a-10019", "customer=A-10019", "x-1", "tags=x-1", "null"]) {
    expect([q, await found(q)]).toEqual([q, []]);
  }
});

test("a value that holds = is found as a whole; one under many names, under each", async () => {
  const one = await make("/v1/jobs", { ...job, metadata: { filter: "a=b" } });
  const other = await make("/v1/jobs", { ...job, metadata: { a: "b" } });
  expect((await found("a=b")).toSorted()).toEqual(
    [`job ${one.id} by metadata`, `job ${other.id} by metadata`].toSorted(),
  );
  expect(await found("filter=a=b")).toEqual([`job ${one.id} by metadata`]);
  const many = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`name${n}`, `v-${n}`]));
  const { id } = await make("/v1/jobs", { ...job, metadata: many });
  expect(await found("v-19")).toEqual([`job ${id} by metadata`]);
  expect(await found("v-20")).toEqual([]);
});

test("the newest of many with one value come first", async () => {
  const made: string[] = [];
  for (let n = 0; n < 22; n += 1) {
    made.push((await make("/v1/jobs", { ...job, metadata: { [`m${n % 2}`]: "many" } })).id);
  }
  const hits = (await search("many")).hits.map(({ id }) => id);
  expect(hits).toEqual(made.toReversed().slice(0, 20));
});

/** All pages of a list, by id. */
async function walk(path: string, key?: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const next: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const answer = await api.ask("GET", `${path}${next}`, key === undefined ? {} : { key });
    expect([path, answer.status]).toEqual([path, 200]);
    ids.push(...(answer.body["data"] as { id: string }[]).map(({ id }) => id));
    cursor = answer.body["next_cursor"] as string | null;
  }
  return ids;
}

test("lists of jobs and messages by a pair of metadata have all of them, page by page", async () => {
  const { apiKey } = await api.addAccount("lists by metadata");
  const made: Record<"jobs" | "messages", string[]> = { jobs: [], messages: [] };
  for (let n = 0; n < 7; n += 1) {
    const metadata = { customer: "C-7", n };
    const ask = { key: apiKey };
    made.jobs.unshift((await make("/v1/jobs", { ...job, metadata }, ask)).id);
    const event = { type: `by.meta${n % 2}`, data: {}, metadata };
    made.messages.unshift((await make("/v1/messages", event, ask)).id);
    await make("/v1/messages", { ...event, metadata: { other: "C-7" } }, ask);
  }
  for (const limit of [1, 3, 50]) {
    for (const list of ["jobs", "messages"] as const) {
      const path = `/v1/${list}?limit=${limit}&metadata=customer%3DC-7`;
      expect(await walk(path, apiKey)).toEqual(made[list]);
      expect(await walk(path)).toEqual([]);
    }
  }
  expect(await walk("/v1/jobs?metadata=n%3D3&type=demo.echo", apiKey)).toEqual([made.jobs[3]]);
  expect(await walk("/v1/jobs?metadata=n%3D3&type=demo.sleep", apiKey)).toEqual([]);
  expect(await walk("/v1/messages?metadata=customer%3DC-7&type=by.meta1", apiKey)).toEqual(
    made.messages.filter((_, index) => (6 - index) % 2 === 1),
  );
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  expect(await walk(`/v1/jobs?metadata=customer%3DC-7&until=${hourAgo}`, apiKey)).toEqual([]);
  expect(await walk(`/v1/jobs?metadata=customer%3DC-7&since=${hourAgo}`, apiKey)).toHaveLength(7);
  const both = await api.ask(
    "GET",
    `/v1/messages?metadata=a%3Db&endpoint_id=ep_01h455vb4pex5vsknk084sn02q`,
  );
  expect([both.status, both.body["code"]]).toEqual([400, "query_invalid"]);
  for (const bad of ["customer", "=x", "x="]) {
    const path = `/v1/jobs?metadata=${encodeURIComponent(bad)}`;
    expect([bad, (await api.ask("GET", path)).status]).toEqual([bad, 400]);
  }
});

test("a page by metadata that looks at many of other kinds leads on", async () => {
  const { apiKey, accountId } = await api.addAccount("many of another kind");
  const metadata = { shared: "S-1" };
  const { id } = await make("/v1/jobs", { ...job, metadata }, { key: apiKey });
  const hash = pairHash(accountId, "shared", "S-1");
  const ids = Array.from({ length: 1_200 }, () => newId());
  await api.database.pool.query(
    "insert into search_keys (hash, id) select $1, id from unnest($2::uuid[]) id",
    [hash, ids],
  );
  const first = await api.ask("GET", "/v1/jobs?metadata=shared%3DS-1", { key: apiKey });
  expect([first.body["data"], first.body["next_cursor"]]).toEqual([[], expect.any(String)]);
  expect(await walk("/v1/jobs?metadata=shared%3DS-1", apiKey)).toEqual([id]);
  expect(await walk("/v1/messages?metadata=shared%3DS-1", apiKey)).toEqual([]);
});

test("request ids: ours lead by their time, the caller's by a key, one that looks like ours too", async () => {
  const ours = await make("/v1/jobs", job);
  expect(await found(ours.requestId)).toEqual([`job ${ours.id} by request_id`]);
  const event = await make("/v1/messages", { type: "by.request", data: {} });
  expect(await found(event.requestId)).toEqual([`message ${event.id} by request_id`]);
  for (const given of [`caller:${randomUUID()}`, newId(), newId().replace(/^...../, "01234")]) {
    const headers = { "x-request-id": given };
    const made = await make("/v1/jobs", job, { headers });
    expect(await found(given)).toEqual([`job ${made.id} by request_id`]);
  }
  const lines = `{"type":"by.lines","data":{}}\n{"type":"by.lines","data":{}}\n`;
  await publishLines(lines, { "x-request-id": "lines-1" });
  expect(await found("lines-1")).toHaveLength(2);
});

test("idempotency keys, also of a request with secrets, and of a line", async () => {
  const keyed = (key: string): Ask => ({ headers: { "idempotency-key": `"${key}"` } });
  const one = await make("/v1/jobs", job, keyed("order A/1"));
  expect(await found("order A/1")).toEqual([`job ${one.id} by idempotency_key`]);
  const callbacks = [{ url: `${receiver.url}/sealed`, headers: { "x-a": "secret" } }];
  const sealed = await make("/v1/jobs", { ...job, callbacks }, keyed("sealed-1"));
  expect(await found("sealed-1")).toEqual([`job ${sealed.id} by idempotency_key`]);
  const raw = `{"type":"line.keyed","data":{},"idempotency_key":"line-1"}\n`;
  const [answer] = await publishLines(raw);
  const { id } = JSON.parse(answer!) as { id: string };
  expect(await found("line-1")).toEqual([`message ${id} by idempotency_key`]);
});

test("callback URLs, whole or by origin; endpoints by name and URL; ids of any kind", async () => {
  const url = `${receiver.url}/invoices?x=1`;
  const { id } = await make("/v1/jobs", { ...job, callbacks: [{ url }] });
  const delivery = await until("the delivery", async () => {
    const { body } = await api.ask("GET", `/v1/jobs/${id}/deliveries`);
    return (body["data"] as { id: string; message_id: string }[])[0];
  });
  expect(await found(url)).toEqual([`delivery ${delivery.id} by callback_url`]);
  expect(await found(receiver.url)).toContain(`delivery ${delivery.id} by callback_url`);
  expect(await found(`${receiver.url}/invoices`)).toEqual([]);
  expect(await found("http://127.0.0.1:1/")).toEqual([]);
  const body = { url: `${receiver.url}/crm`, description: "Acme CRM", events: ["crm.none"] };
  const endpoint = (await make("/v1/endpoints", body)).id;
  expect(await found("acme crm")).toEqual([`endpoint ${endpoint} by endpoint`]);
  expect(await found("/crm")).toEqual([`endpoint ${endpoint} by endpoint`]);
  const filter = { status: "dead" };
  const replay = (await make("/v1/replays", { filter, dry_run: true })).id;
  const keys = (await api.ask("GET", "/v1/api-keys")).body["data"] as { id: string }[];
  for (const [kind, one] of [
    ["job", id],
    ["message", delivery.message_id],
    ["delivery", delivery.id],
    ["endpoint", endpoint],
    ["replay", replay],
    ["api_key", keys[0]!.id],
  ]) {
    const { hits } = await search(one!);
    expect(hits.map((hit) => `${hit.kind} ${hit.id} by ${hit.by}`)).toEqual([
      `${kind} ${one} by id`,
    ]);
    expect((await api.ask("GET", hits[0]!.path)).status).toBe(200);
  }
});

test("types that exist, and no other; what `no match` means is said", async () => {
  await make("/v1/messages", { type: "invoice.voided", data: {} });
  expect(await found("invoice.v")).toEqual(["event_type invoice.voided by event_type"]);
  expect(await found("demo.ec")).toEqual(["job_type demo.echo by job_type"]);
  const { hits, looked_at, summary } = await search("A-99999");
  expect(hits).toEqual([]);
  expect(looked_at.map(({ what }) => what)).toEqual([
    "request_id",
    "idempotency_key",
    "metadata",
    "endpoint",
    "event_type",
    "job_type",
  ]);
  expect(looked_at.every(({ complete }) => complete)).toBe(true);
  expect(summary).toMatch(/^No match: looked at request ids since 20\d\d-\d\d-\d\d \(.*; metadata/);
});

describe("nothing crosses", () => {
  test("accounts", async () => {
    const other = await api.addAccount("other");
    const headers = { "x-request-id": "shared-request", "idempotency-key": '"shared-key"' };
    const metadata = { shared: "value-1" };
    const url = `${receiver.url}/shared`;
    const mine = await make("/v1/jobs", { ...job, metadata, callbacks: [{ url }] }, { headers });
    const event = { type: "shared.type", data: {} };
    const { id, requestId } = await make("/v1/messages", event);
    const endpoint = { url, description: "shared name", events: ["shared.none"] };
    const made = await make("/v1/endpoints", endpoint);
    await until("the delivery", async () => (await found(url)).length > 0);
    const asked = ["shared-request", "shared-key", "value-1", "shared=value-1", "shared.type", url];
    for (const q of [...asked, "shared name", mine.id, id, requestId, made.id]) {
      expect([q, (await found(q)).length]).not.toEqual([q, 0]);
      expect([q, await found(q, other.apiKey)]).toEqual([q, []]);
    }
  });

  test("scopes", async () => {
    const metadata = { scoped: "value-2" };
    const { id } = await make("/v1/jobs", { ...job, metadata });
    const event = await make("/v1/messages", { type: "scoped.type", data: {}, metadata });
    const jobsKey = await api.addKey(api.accountId, ["jobs"]);
    const webhooksKey = await api.addKey(api.accountId, ["webhooks"]);
    expect(await found("value-2", jobsKey)).toEqual([`job ${id} by metadata`]);
    expect(await found("value-2", webhooksKey)).toEqual([`message ${event.id} by metadata`]);
    expect(await found(id, webhooksKey)).toEqual([]);
    expect(await found("scoped.type", jobsKey)).toEqual([]);
    expect((await api.ask("GET", "/v1/search?q=x", { key: null })).status).toBe(401);
  });
});

test.each(["", "q=", "q=%20", `q=${"x".repeat(301)}`, "q=a&q=b", "q=a&x=1"])(
  "refuses %p",
  async (query) => {
    const answer = await api.ask("GET", `/v1/search?${query}`);
    expect([answer.status, answer.body["code"]]).toEqual([400, "query_invalid"]);
  },
);

test("texts that are no ids are searched for as they are", async () => {
  for (const q of ["job_", "msg_x", "%", "'; drop table jobs; --", "🙂", "\\", "=", "=x", "x="]) {
    expect([q, await found(q)]).toEqual([q, []]);
  }
});
