import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { JsonText, Ringback, RingbackError } from "../../src/index.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { startFlakyProxy } from "./flaky-proxy.ts";
import type { FlakyProxy } from "./flaky-proxy.ts";

let api: TestApi;
let proxy: FlakyProxy;
let client: Ringback;

beforeAll(async () => {
  api = await startApi({ worker: false });
  proxy = await startFlakyProxy(api.port);
  client = new Ringback({ apiKey: api.apiKey, baseUrl: `${proxy.url}/` });
});
beforeEach(() => {
  proxy.fates.length = 0;
  proxy.requests.length = 0;
});
afterAll(async () => {
  await proxy?.close();
  await api?.stop();
});

async function jobCount(): Promise<number> {
  const { rows } = await api.database.pool.query<{ n: number }>(
    "select count(*)::int as n from jobs",
  );
  return rows[0]!.n;
}

const failure = async (call: Promise<unknown>): Promise<RingbackError> => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RingbackError)) throw new Error(`no RingbackError: ${String(error)}`);
  return error;
};

describe("M7: digits that a double does not have", () => {
  const TEXT = '{ "2": 1.0, "1": [12345678901234567890] }';
  const DENSE = '{"2":1.0,"1":[12345678901234567890]}';
  const told: string[] = [];
  let exact: Ringback;
  beforeAll(() => {
    const parse = (text: string): unknown => (told.push(text), JSON.parse(text));
    exact = new Ringback({ apiKey: api.apiKey, baseUrl: proxy.url, parse });
  });

  test("a JsonText goes as it is written, and answers are read by the parser given", async () => {
    const input = new JsonText(TEXT);
    const job = await exact.jobs.submit("demo.echo", input, { metadata: input, timeout_s: 7 });
    expect(job.data).toMatchObject({ type: "demo.echo", timeout_s: 7 });
    expect(told.at(-1)).toContain(`"input":${DENSE},"input_bytes":${DENSE.length}`);
    expect(told.at(-1)).toContain(`"metadata":${DENSE},`);
    const message = await client.messages.publish("own.digits", input);
    expect(message.body).toContain(`"data":${DENSE}}`);
  });

  test("so does what JSON.rawJSON made", async () => {
    const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
    await exact.jobs.submit("demo.echo", { id: rawJSON("9007199254740993") });
    expect(told.at(-1)).toContain('"input":{"id":9007199254740993}');
  });

  test("a JsonText is one whole JSON value", () => {
    for (const text of ['1,"type":"other"', "", "{", "undefined"]) {
      expect(() => new JsonText(text)).toThrow(SyntaxError);
    }
  });
});

describe("a submission that meets a bad network", () => {
  test.each(["lose", "refuse"] as const)("%s: it is repeated, and makes one job", async (fate) => {
    const before = await jobCount();
    proxy.fates.push(fate, fate);
    const job = await client.jobs.submit("demo.echo", { fate });
    expect(job.data.input).toEqual({ fate });
    expect(await jobCount()).toBe(before + 1);
    const keys = proxy.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  test("no answer in time is a try that failed", async () => {
    const before = await jobCount();
    proxy.fates.push("hang");
    await client.jobs.submit("demo.echo", {}, { timeoutMs: 200 });
    expect(proxy.requests).toHaveLength(2);
    expect(await jobCount()).toBe(before + 1);
  });

  test.each([429, 503])("%i with Retry-After is not repeated before", async (status) => {
    proxy.fates.push({ status, headers: { "retry-after": "1" } });
    await client.jobs.submit("demo.echo", {});
    const [first, second] = proxy.requests.map(({ at }) => at);
    expect(second! - first!).toBeGreaterThan(995);
  });

  test("a wait of an hour is the caller's to decide", async () => {
    proxy.fates.push({
      status: 503,
      headers: { "retry-after": "3600" },
      body: JSON.stringify({ code: "unavailable", detail: "upgrading", status: 503 }),
    });
    const error = await failure(client.jobs.submit("demo.echo", {}));
    expect(error).toMatchObject({ code: "unavailable", detail: "upgrading", status: 503 });
    expect(proxy.requests).toHaveLength(1);
  });

  test("a key that is in progress elsewhere is asked for again", async () => {
    const body = JSON.stringify({ code: "idempotency_in_progress", detail: "busy", status: 409 });
    proxy.fates.push({ status: 409, body });
    await client.jobs.submit("demo.echo", {}, { idempotencyKey: 'my "key"' });
    expect(proxy.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([
      '"my \\"key\\""',
      '"my \\"key\\""',
    ]);
  });

  test("it gives up in the end, and says how often it tried", async () => {
    const impatient = new Ringback({ apiKey: api.apiKey, baseUrl: proxy.url, maxRetries: 1 });
    proxy.fates.push("refuse", "refuse");
    const error = await failure(impatient.jobs.submit("demo.echo", {}));
    expect(error).toMatchObject({ code: "connection_failed", status: null, attempts: 2 });
  });
});

describe("what can't be repeated", () => {
  const endpoint = { url: "http://127.0.0.1:9/" };

  test("is not, when it may have been done", async () => {
    proxy.fates.push("lose");
    const error = await failure(client.endpoints.create(endpoint));
    expect(error.code).toBe("connection_failed");
    expect(proxy.requests).toHaveLength(1);
    expect(await client.endpoints.list().toArray()).toHaveLength(1);
  });

  test("is, when it was refused unseen", async () => {
    proxy.fates.push({ status: 429 });
    const { id, secret } = await client.endpoints.create(endpoint);
    expect(secret).toMatch(/^whsec_/);
    expect(await client.endpoints.secret(id)).toBe(secret);
  });

  test("a deletion whose answer was lost is done, and one of nothing is an error", async () => {
    const { id } = await client.endpoints.create(endpoint);
    proxy.fates.push("lose");
    await client.endpoints.delete(id);
    expect((await failure(client.endpoints.delete(id))).code).toBe("not_found");
  });
});

describe("errors", () => {
  test("name what is wrong where, and the request", async () => {
    const error = await failure(client.jobs.submit("demo.sleep", { ms: "long" }));
    expect(error).toMatchObject({ code: "input_invalid", status: 422, attempts: 1 });
    expect(error.errors).toMatchObject([{ pointer: "/input/ms" }]);
    expect(error.requestId).toMatch(/\S/);
    expect(error.message).toContain("input_invalid: ");
  });

  test.each([
    ["a proxy's page", { status: 500, body: "<h1>Oops</h1>" }, "HTTP 500 that is no answer"],
    ["what is no JSON", { status: 200, body: "hello" }, "the answer is not JSON: hello"],
  ])("%s is told as what it is, once", async (_, fate, detail) => {
    proxy.fates.push(fate);
    const error = await failure(client.jobTypes.list());
    expect(error).toMatchObject({ code: "answer_malformed", status: fate.status });
    expect(error.detail).toContain(detail);
    expect(proxy.requests).toHaveLength(1);
  });

  test("an abort ends the call and its pauses, with the caller's own reason", async () => {
    const reason = new Error("enough");
    for (const fate of ["hang", { status: 503, headers: { "retry-after": "30" } }] as const) {
      proxy.fates.push(fate);
      const controller = new AbortController();
      const call = client.jobTypes.list({ signal: controller.signal });
      setTimeout(() => controller.abort(reason), 50);
      await expect(call).rejects.toBe(reason);
    }
  });

  test.each([
    [{ apiKey: "", baseUrl: "http://x" }, /apiKey must be/],
    [{ apiKey: "rk_a\nb", baseUrl: "http://x" }, /apiKey must be/],
    [{ apiKey: "rk_secret", baseUrl: "ringback.example" }, /baseUrl must be/],
  ])("options %j are refused", (options, message) => {
    expect(() => new Ringback(options)).toThrow(message);
    expect(() => new Ringback(options)).not.toThrow(/secret/);
  });

  test("the environment says where the service is, and with which key", async () => {
    const before = { ...process.env };
    const asked: Request[] = [];
    const fetch = async (...args: Parameters<typeof globalThis.fetch>) => {
      asked.push(new Request(...args));
      return Response.json({ data: [] });
    };
    try {
      delete process.env["RINGBACK_URL"];
      delete process.env["RINGBACK_API_KEY"];
      expect(() => new Ringback()).toThrow("set RINGBACK_API_KEY");
      process.env["RINGBACK_API_KEY"] = " rk_environment\n";
      await new Ringback({ fetch }).jobTypes.list();
      process.env["RINGBACK_URL"] = "http://ringback.example/";
      await new Ringback({ fetch }).jobTypes.list();
      await new Ringback({ fetch, apiKey: "rk_given", baseUrl: "http://given" }).jobTypes.list();
    } finally {
      process.env = before;
    }
    expect(asked.map(({ url, headers }) => [url, headers.get("authorization")])).toEqual([
      ["http://127.0.0.1:3000/v1/job-types", "Bearer rk_environment"],
      ["http://ringback.example/v1/job-types", "Bearer rk_environment"],
      ["http://given/v1/job-types", "Bearer rk_given"],
    ]);
  });

  test("an id that is missing never becomes another path", async () => {
    await expect(client.jobs.get("")).rejects.toThrow("an id must be given");
    expect((await failure(client.jobs.get("../endpoints"))).code).toBe("id_invalid");
  });
});

describe("lists", () => {
  test("are walked over pages, read page by page, and filtered", async () => {
    for (let n = 0; n < 5; n += 1) await client.jobs.submit("demo.burn", { ms: n });
    proxy.requests.length = 0;
    const list = client.jobs.list({ type: "demo.burn", limit: 2 });
    const inputs: unknown[] = [];
    for await (const job of list) inputs.push(job.data.input);
    expect(inputs).toEqual([4, 3, 2, 1, 0].map((ms) => ({ ms })));
    expect(proxy.requests).toHaveLength(3);

    const first = await list.page();
    expect(first.data.map(({ data }) => data.input)).toEqual([{ ms: 4 }, { ms: 3 }]);
    const second = await list.page(first.next_cursor!);
    expect(second.data.map(({ data }) => data.input)).toEqual([{ ms: 2 }, { ms: 1 }]);
    expect(await client.jobs.list({ status: "completed" }).toArray()).toEqual([]);
  });

  test("a walk that is left asks for no more", async () => {
    proxy.requests.length = 0;
    for await (const job of client.jobs.list({ limit: 1 })) {
      expect(job.ended).toBe(false);
      break;
    }
    expect(proxy.requests).toHaveLength(1);
  });
});
