import { startReceiver, type Receiver } from "../support/receiver.ts";
import { until } from "../support/jobs.ts";
import { startApi, type TestApi } from "./api.ts";

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

type Row = Record<string, unknown> & {
  id: string;
  type: string;
  deliveries: Record<string, number>;
};
interface Listed {
  data: Row[];
  next_cursor: string | null;
  looked_until: string | null;
  without_receiver?: string[];
}

async function list(query: string, key?: string): Promise<Listed> {
  const answer = await api.ask("GET", `/v1/messages?${query}`, key === undefined ? {} : { key });
  expect([query, answer.status]).toEqual([query, 200]);
  return answer.body as unknown as Listed;
}

async function publish(type: string, body: object = {}, key?: string): Promise<string> {
  const answer = await api.ask("POST", "/v1/messages", {
    body: { type, data: {}, ...body },
    ...(key === undefined ? {} : { key }),
  });
  expect(answer.status).toBe(202);
  return String(answer.body["id"]);
}

async function endpoint(fields: object): Promise<string> {
  const body = { url: `${receiver.url}/hook`, ...fields };
  return String((await api.ask("POST", "/v1/endpoints", { body })).body["id"]);
}

const idsOf = ({ data }: Listed): string[] => data.map(({ id }) => id);

/** All pages, and how many there were. */
async function walk(query: string): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let cursor: string | null = "";
  let pages = 0;
  for (; cursor !== null; pages += 1) {
    const page: Listed = await list(`${query}${cursor === "" ? "" : `&cursor=${cursor}`}`);
    ids.push(...idsOf(page));
    cursor = page.next_cursor;
  }
  return { ids, pages };
}

describe("the list of messages", () => {
  test("by type, several of them, and all but some, page by page", async () => {
    const a = await publish("kind.a");
    const b = await publish("kind.b");
    const c = await publish("kind.c");
    expect(idsOf(await list("type=kind.a"))).toEqual([a]);
    expect(idsOf(await list("type=kind.a,kind.c"))).toEqual([c, a]);
    expect(idsOf(await list("type=!kind.a,kind.c"))).toEqual([b]);
    expect(await walk("type=kind.a,kind.b,kind.c&limit=1")).toEqual({ ids: [c, b, a], pages: 3 });
    expect(await walk("type=!kind.b&limit=1")).toEqual({ ids: [c, a], pages: 2 });
    expect(idsOf(await list("type=kind.none"))).toEqual([]);
  });

  test("has its deliveries counted by status, and those of one endpoint alone", async () => {
    const wants = await endpoint({ events: ["count.it"] });
    const other = await endpoint({ events: ["count.other"] });
    const id = await publish("count.it");
    const counts = await until("the delivery", async () => {
      const { data } = await list("type=count.it");
      return data[0]!.deliveries["delivered"] === 1 && data[0]!.deliveries;
    });
    expect(counts).toEqual({ pending: 0, delivered: 1, dead: 0, canceled: 0 });
    expect(await walk(`endpoint_id=${wants}&limit=1`)).toEqual({ ids: [id], pages: 1 });
    expect(idsOf(await list(`endpoint_id=${wants}&type=count.it`))).toEqual([id]);
    expect(idsOf(await list(`endpoint_id=${wants}&type=!count.it`))).toEqual([]);
    expect(idsOf(await list(`endpoint_id=${other}`))).toEqual([]);
  });

  test("of a job; events that nobody wanted are named", async () => {
    const job = { type: "demo.echo", input: 1, callbacks: [{ url: `${receiver.url}/job` }] };
    const { body } = await api.ask("POST", "/v1/jobs", { body: job });
    const listed = await until("the message", async () => {
      const found = await list(`job_id=${String(body["id"])}`);
      return found.data.length > 0 ? found : null;
    });
    expect(listed.data.map(({ type }) => type)).toEqual(["job.completed"]);
    expect(listed.without_receiver).toEqual(["job.started"]);
    const untold = await api.ask("POST", "/v1/jobs", { body: { ...job, callbacks: [] } });
    const missing = await until("its end", async () => {
      const { without_receiver } = await list(`job_id=${String(untold.body["id"])}`);
      return without_receiver!.length === 2 && without_receiver;
    });
    expect(missing).toEqual(["job.started", "job.completed"]);
  });

  test("keeps metadata digit by digit, and sends none of it", async () => {
    const raw = `{"type":"meta.kept","data":{},"metadata":{"n":1.50,"big":12345678901234567890}}`;
    const headers = { "content-type": "application/json", "x-request-id": "meta-1" };
    const made = await api.ask("POST", "/v1/messages", { raw, headers });
    expect(made.text).toContain(`"metadata":{"n":1.50,"big":12345678901234567890}`);
    const got = await api.ask("GET", `/v1/messages/${String(made.body["id"])}`);
    expect(got.text).toContain(`"metadata":{"n":1.50,"big":12345678901234567890}`);
    expect(got.body["request_id"]).toBe("meta-1");
    expect(String(got.body["body"])).not.toContain("1.50");
    const long = { type: "meta.long", data: {}, metadata: { a: "x".repeat(16_384) } };
    const refused = await api.ask("POST", "/v1/messages", { body: long });
    expect([refused.status, refused.body["code"]]).toEqual([422, "validation_failed"]);
  });

  test("is of the key's account alone", async () => {
    const other = await api.addAccount("other lists");
    const theirs = await publish("kind.theirs", {}, other.apiKey);
    const mine = await publish("kind.theirs");
    expect(idsOf(await list("type=kind.theirs"))).toEqual([mine]);
    expect(idsOf(await list("", other.apiKey))).toEqual([theirs]);
    expect(idsOf(await list("text=kind.theirs"))).toEqual([mine]);
    const id = await endpoint({ events: ["kind.owned"] });
    await publish("kind.owned");
    expect(idsOf(await list(`endpoint_id=${id}`))).toHaveLength(1);
    expect(idsOf(await list(`endpoint_id=${id}`, other.apiKey))).toEqual([]);
    const job = { type: "demo.echo", input: 1, callbacks: [{ url: `${receiver.url}/job` }] };
    const made = await api.ask("POST", "/v1/jobs", { body: job });
    await until(
      "the message",
      async () => (await list(`job_id=${String(made.body["id"])}`)).data[0],
    );
    const foreign = await list(`job_id=${String(made.body["id"])}`, other.apiKey);
    expect([foreign.data, foreign.without_receiver]).toEqual([[], []]);
    const seen = await api.ask("GET", `/v1/messages/${theirs}`);
    expect(seen.status).toBe(404);
  });

  test.each([
    "type=a b",
    "type=,",
    "type=!",
    "type=a,!b",
    "text=ab",
    "limit=0",
    "since=x",
    "foo=1",
  ])("refuses %s", async (query) => {
    const answer = await api.ask("GET", `/v1/messages?${query}`);
    const [error] = answer.body["errors"] as { parameter: string }[];
    expect([answer.status, error!.parameter]).toEqual([400, query.split("=")[0]]);
  });
});

describe("text in bodies", () => {
  test("is found in the last day, with what is around it; % and _ are letters", async () => {
    const id = await publish("text.paid", { data: { order: "A-100%19_x", note: "n".repeat(500) } });
    await publish("text.paid", { data: { order: "A-100X19Yx" } });
    const { data, looked_until } = await list(`text=${encodeURIComponent("A-100%19_x")}`);
    expect(data.map((row) => row.id)).toEqual([id]);
    expect(looked_until).toBeNull();
    expect(data[0]!["excerpt"]).toContain("A-100%19_x");
    expect(String(data[0]!["excerpt"]).length).toBeLessThan(200);
    const old = {
      since: new Date(Date.now() - 7_200_000),
      until: new Date(Date.now() - 3_600_000),
    };
    const range = `since=${old.since.toISOString()}&until=${old.until.toISOString()}`;
    expect(idsOf(await list(`text=A-100&${range}`))).toEqual([]);
  });

  test("a page looks at a bounded number and says how far; the pages behind find the rest, each once", async () => {
    const { apiKey, accountId } = await api.addAccount("much");
    await api.database.pool.query(
      `insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
       select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - 3600000 + g), 12, '0') || '7'
         || substr(md5('m' || g), 1, 3) || '8' || substr(md5('m' || g), 4, 15))::uuid,
         $1, 'bulk', case when g % 4000 = 5 then 'a needle here' else 'hay' end, 0, '', ''
       from generate_series(1, 12000) g`,
      [accountId],
    );
    const found: string[] = [];
    const lengths: number[] = [];
    let cursor = "";
    for (;;) {
      const page = await list(`text=needle${cursor}`, apiKey);
      found.push(...idsOf(page));
      lengths.push(page.data.length);
      expect(page.looked_until === null).toBe(page.next_cursor === null);
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect([lengths.length, found.length, new Set(found).size]).toEqual([3, 3, 3]);
    expect((await list("type=!bulk", apiKey)).looked_until).not.toBeNull();
  });

  test("large bodies end a page early", async () => {
    const { apiKey, accountId } = await api.addAccount("large");
    await api.database.pool.query(
      `insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
       select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - 3600000 + g), 12, '0') || '7'
         || substr(md5('l' || g), 1, 3) || '8' || substr(md5('l' || g), 4, 15))::uuid,
         $1, 'large', repeat('x', 1000000) || g, 0, '', '' from generate_series(1, 40) g`,
      [accountId],
    );
    const first = await list(`text=${"x".repeat(20)}40`, apiKey);
    expect([first.data.length, first.looked_until]).toEqual([1, expect.any(String)]);
    const last = await list(`text=${"x".repeat(20)}1`, apiKey);
    expect(last.next_cursor).not.toBeNull();
  });
});

describe("who got none", () => {
  test("each endpoint without a delivery, and why", async () => {
    const { apiKey } = await api.addAccount("skips");
    const make = async (fields: object): Promise<string> => {
      const body = { url: `${receiver.url}/skip`, ...fields };
      return String((await api.ask("POST", "/v1/endpoints", { body, key: apiKey })).body["id"]);
    };
    const wants = await make({ events: ["skip.it"], description: "wants it" });
    const filter = await make({ events: ["other.kind"], description: "other" });
    const changed = await make({ events: ["other.kind"] });
    const paused = await make({ events: [] });
    await api.ask("POST", `/v1/endpoints/${paused}/pause`, { key: apiKey });
    const id = await publish("skip.it", {}, apiKey);
    const later = await make({ events: [] });
    await api.ask("PATCH", `/v1/endpoints/${changed}`, { key: apiKey, body: { events: [] } });
    const { body } = await api.ask("GET", `/v1/messages/${id}`, { key: apiKey });
    const received = (body["deliveries"] as { endpoint_id: string }[]).map((d) => d.endpoint_id);
    expect(received.toSorted()).toEqual([wants, paused].toSorted());
    const skipped = body["skipped"] as {
      endpoint_id: string;
      reason: string;
      description: string;
    }[];
    expect(Object.fromEntries(skipped.map((s) => [s.endpoint_id, s.reason]))).toEqual({
      [filter]: "event_filter",
      [changed]: "changed_since",
      [later]: "created_later",
    });
    expect(skipped.find(({ endpoint_id }) => endpoint_id === filter)!.description).toBe("other");
  });

  test("a search is ended in the database when the client leaves", async () => {
    const leave = new AbortController();
    const reader = api.context.searches(leave.signal);
    const begun = performance.now();
    const slow = reader.query("select pg_sleep(3)");
    setTimeout(() => leave.abort(), 100);
    await expect(slow).rejects.toMatchObject({ code: "57014" });
    expect(performance.now() - begun).toBeLessThan(2_000);
    const { rows } = await api.context
      .searches(new AbortController().signal)
      .query("select 1 as n");
    expect(rows).toEqual([{ n: 1 }]);
    await expect(reader.query("select 1")).rejects.toThrow("aborted");
  });
});
