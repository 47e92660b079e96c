import http from "node:http";
import { MAX_LISTED_INPUT } from "../../src/core/model.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(async () => {
  await api.stop();
});

const WAIT = { prefer: "wait=10" };

async function submit(body: object, headers: Record<string, string> = {}) {
  return await api.ask("POST", "/v1/jobs", { body, headers });
}

async function finished(body: object) {
  const answer = await submit(body, WAIT);
  expect(answer.status).toBe(200);
  return answer.body as { id: string; status: string };
}

describe("submitting", () => {
  test("202 with the job, where it is, and when to look again", async () => {
    const input = { b: 1, a: ["ü", null] };
    const answer = await submit(
      { type: "demo.echo", input, metadata: { order: 7 }, timeout_s: 5 },
      { "x-request-id": "my-request:1" },
    );
    expect(answer.status).toBe(202);
    const { id } = answer.body as { id: string };
    const url = `http://ringback.test/v1/jobs/${id}`;
    expect(answer.headers).toMatchObject({
      location: url,
      "content-location": url,
      "retry-after": "1",
      vary: "Prefer",
      "cache-control": "no-store",
      "x-request-id": "my-request:1",
    });
    expect(answer.headers).not.toHaveProperty("preference-applied");
    expect(answer.headers).not.toHaveProperty("x-powered-by");
    expect(answer.body).toMatchObject({
      type: "demo.echo",
      status: "pending",
      input,
      metadata: { order: 7 },
      timeout_s: 5,
      request_id: "my-request:1",
      urls: { self: url, result: `${url}/result` },
    });
    expect(Object.keys(answer.body["input"] as object)).toEqual(["b", "a"]);
  });

  test("callbacks are shown with their defaults, without their credentials", async () => {
    const answer = await submit({
      type: "demo.echo",
      input: 1,
      callback_url: "http://127.0.0.1:1/short",
      callbacks: [
        {
          url: "http://127.0.0.1:1/long?a=b",
          events: [],
          headers: { "X-Tenant": "blue", Authorization: "Bearer s3cr3t", "x-hub-token": "t" },
          retry: { max_attempts: 2 },
          timeout_s: 3,
          signatures: ["v1a"],
          ordered: true,
        },
        { url: "http://127.0.0.1:1/some", events: ["job.failed", "job.failed"] },
      ],
    });
    const signing = {
      secret: "origin",
      secret_url: "http://ringback.test/v1/signing-secret?origin=http%3A%2F%2F127.0.0.1%3A1",
    };
    expect(answer.body["callbacks"]).toEqual([
      {
        url: "http://127.0.0.1:1/long?a=b",
        events: [],
        headers: { "X-Tenant": "blue", Authorization: "[redacted]", "x-hub-token": "[redacted]" },
        retry: { max_attempts: 2 },
        timeout_s: 3,
        signatures: ["v1a"],
        ordered: true,
      },
      { url: "http://127.0.0.1:1/some", events: ["job.failed"], signing },
      {
        url: "http://127.0.0.1:1/short",
        events: ["job.completed", "job.failed", "job.canceled"],
        signing,
      },
    ]);
    expect(answer.text).not.toContain("s3cr3t");
  });

  test("the trace of the caller is the job's; a malformed one is replaced", async () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const body = { type: "demo.echo", input: 1 };
    await submit(body, { traceparent: `00-${trace}-00f067aa0ba902b7-01`, "x-request-id": "t1" });
    await submit(body, { traceparent: `00-${trace}-0000000000000000-01`, "x-request-id": "t2" });
    const { rows } = await api.database.pool.query<{ trace_id: string }>(
      "select trace_id from jobs where request_id in ('t1', 't2') order by request_id",
    );
    expect(rows[0]?.trace_id).toBe(trace);
    expect(rows[1]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(rows[1]?.trace_id).not.toBe(trace);
  });

  test("a malformed request id is replaced", async () => {
    const answer = await submit({ type: "demo.echo", input: 1 }, { "x-request-id": "a b" });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.body["request_id"]).toBe(answer.headers["x-request-id"]);
  });
});

describe("waiting", () => {
  test("200 when it ends in time", async () => {
    const answer = await submit(
      { type: "demo.echo", input: 5 },
      { prefer: "respond-async, wait=9" },
    );
    expect(answer.status).toBe(200);
    expect(answer.body["status"]).toBe("completed");
    expect(answer.headers["preference-applied"]).toBe("wait=9");
    expect(answer.headers["content-location"]).toBe(answer.headers["location"]);
    expect(answer.headers).not.toHaveProperty("retry-after");
  });

  test("202 when it doesn't", async () => {
    const started = performance.now();
    const answer = await submit(
      { type: "demo.sleep", input: { ms: 20_000 } },
      { prefer: "respond-async, wait=1" },
    );
    expect(answer.status).toBe(202);
    expect(answer.headers["preference-applied"]).toBe("respond-async, wait=1");
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(performance.now() - started).toBeLessThan(4_000);
    const { id } = answer.body as { id: string };
    await api.ask("POST", `/v1/jobs/${id}/cancel`);
  });

  test("a look waits until the job has ended", async () => {
    const { body } = await submit({ type: "demo.sleep", input: { ms: 300 } });
    const id = String(body["id"]);
    const look = await api.ask("GET", `/v1/jobs/${id}`, { headers: WAIT });
    expect(look.body["status"]).toBe("completed");
    expect(look.headers["preference-applied"]).toBe("wait=10");
  });

  test("with If-None-Match, until something has changed", async () => {
    const { body } = await submit({ type: "demo.sleep", input: { ms: 1_200 } });
    const id = String(body["id"]);
    const seen = await api.ask("GET", `/v1/jobs/${id}`);
    const look = await api.ask("GET", `/v1/jobs/${id}`, {
      headers: { ...WAIT, "if-none-match": seen.headers["etag"] ?? "" },
    });
    expect(look.status).toBe(200);
    expect(look.headers["etag"]).not.toBe(seen.headers["etag"]);
  });

  test("a client that goes away is not waited for", async () => {
    const { body } = await submit({ type: "demo.sleep", input: { ms: 20_000 } });
    const path = `/v1/jobs/${String(body["id"])}`;
    const headers = { authorization: `Bearer ${api.apiKey}`, prefer: "wait=60" };
    const closed = new Promise((resolve) => {
      api.server.once("request", (_, response) => response.once("close", resolve));
    });
    const call = http.get({ port: api.port, host: "127.0.0.1", path, headers });
    call.on("error", () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 150));
    call.destroy();
    await closed;
    await api.ask("POST", `${path}/cancel`);
  });
});

describe("looking", () => {
  test("a completed job leads to its result, byte for byte", async () => {
    const { id } = await finished({ type: "demo.echo", input: { z: 1, a: "ü" } });
    const job = await api.ask("GET", `/v1/jobs/${id}`);
    const url = `http://ringback.test/v1/jobs/${id}`;
    expect(job.body).toMatchObject({
      status: "completed",
      progress: { fraction: 1 },
      eta: null,
      run: 1,
      result_url: `${url}/result`,
      error: null,
    });
    expect(job.headers).not.toHaveProperty("retry-after");
    const status = await api.ask("GET", `/v1/jobs/${id}/status`);
    expect([status.status, status.headers["location"]]).toEqual([303, `${url}/result`]);
    const result = await api.ask("GET", `/v1/jobs/${id}/result`);
    expect([result.status, result.text]).toEqual([200, '{"z":1,"a":"ü"}']);
    expect(job.text).toContain('"result":{"z":1,"a":"ü"},"eta":null');
  });

  test("a result rides with its job up to 64 KiB, but not in lists", async () => {
    const bytes = 65_536;
    const fits = await finished({ type: "demo.echo", input: "x".repeat(bytes - 2) });
    const long = await finished({ type: "demo.echo", input: "x".repeat(bytes - 1) });
    const nothing = await finished({ type: "demo.echo", input: null });
    const shown = async (id: string) => (await api.ask("GET", `/v1/jobs/${id}`)).body;
    expect(await shown(fits.id)).toHaveProperty("result", "x".repeat(bytes - 2));
    expect(await shown(nothing.id)).toHaveProperty("result", null);
    expect(await shown(long.id)).not.toHaveProperty("result");
    const whole = await api.ask("GET", `/v1/jobs/${long.id}/result`);
    expect(whole.text).toHaveLength(bytes + 1);
    const list = await api.ask("GET", "/v1/jobs?limit=3");
    for (const job of list.body["data"] as object[]) expect(job).not.toHaveProperty("result");
  });

  test("an unfinished job says when to look again, and has no result yet", async () => {
    const { body } = await submit({ type: "demo.sleep", input: { ms: 20_000 } });
    const id = String(body["id"]);
    const status = await api.ask("GET", `/v1/jobs/${id}/status`);
    expect([status.status, status.headers["retry-after"]]).toEqual([200, "1"]);
    const result = await api.ask("GET", `/v1/jobs/${id}/result`);
    expect([result.status, result.headers["retry-after"]]).toEqual([409, "1"]);
    expect(result.body["code"]).toBe("job_unfinished");
    const cancel = await api.ask("POST", `/v1/jobs/${id}/cancel`);
    expect(cancel.status).toBe(202);
    const end = await api.ask("GET", `/v1/jobs/${id}`, { headers: WAIT });
    expect(end.body).toMatchObject({ status: "canceled", error: { code: "canceled" } });
    const again = await api.ask("POST", `/v1/jobs/${id}/cancel`, { body: {} });
    expect([again.status, again.body["code"]]).toEqual([409, "job_finished"]);
  });

  test("a failed job says why in place of a result", async () => {
    const { id } = await finished({
      type: "demo.fail",
      input: { message: "no luck", retryable: false },
    });
    const status = await api.ask("GET", `/v1/jobs/${id}/status`);
    expect([status.status, status.body["status"]]).toEqual([200, "failed"]);
    const result = await api.ask("GET", `/v1/jobs/${id}/result`);
    expect(result.status).toBe(409);
    expect(result.body).toMatchObject({
      code: "job_not_completed",
      job_error: { message: "no luck" },
    });
    expect(result.body["detail"]).toContain("no luck");
  });

  test("304 while nothing has changed", async () => {
    const { id } = await finished({ type: "demo.echo", input: 1 });
    const { headers } = await api.ask("GET", `/v1/jobs/${id}`);
    const etag = headers["etag"] ?? "";
    for (const match of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await api.ask("GET", `/v1/jobs/${id}`, { headers: { "if-none-match": match } });
      expect([again.status, again.headers["etag"], again.text]).toEqual([304, etag, ""]);
    }
    const other = await api.ask("GET", `/v1/jobs/${id}`, { headers: { "if-none-match": '"x"' } });
    expect(other.status).toBe(200);
  });

  test("HEAD is GET without a body", async () => {
    const { id } = await finished({ type: "demo.echo", input: 1 });
    const get = await api.ask("GET", `/v1/jobs/${id}`);
    const head = await api.ask("HEAD", `/v1/jobs/${id}`);
    expect(head.status).toBe(200);
    expect(head.headers["etag"]).toBe(get.headers["etag"]);
    expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
  });

  test("job types come with their schemas", async () => {
    const { body } = await api.ask("GET", "/v1/job-types");
    const types = body["data"] as { name: string; input_schema: object }[];
    expect(types.map(({ name }) => name)).toContain("csv.summary");
    expect(types.find(({ name }) => name === "demo.sleep")?.input_schema).toMatchObject({
      type: "object",
    });
  });
});

describe("lists", () => {
  test("pages, newest first, without gaps or repeats", async () => {
    const key = (await api.addAccount("pages")).apiKey;
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { body } = await api.ask("POST", "/v1/jobs", {
        key,
        body: { type: "demo.echo", input: n },
      });
      made.unshift(String(body["id"]));
    }
    const seen: string[] = [];
    let path = "/v1/jobs?limit=2";
    for (let pages = 1; ; pages++) {
      const { body } = await api.ask("GET", path, { key });
      seen.push(...(body["data"] as { id: string }[]).map(({ id }) => id));
      if (body["next_cursor"] === null) {
        expect(pages).toBe(3);
        break;
      }
      path = `/v1/jobs?limit=2&cursor=${body["next_cursor"] as string}`;
    }
    expect(seen).toEqual(made);
  });

  test("long inputs are left out, and looked at one by one", async () => {
    const { apiKey: key } = await api.addAccount("long inputs");
    const short = "x".repeat(MAX_LISTED_INPUT - 2);
    for (const input of [short, `${short}x`, "ü".repeat(MAX_LISTED_INPUT / 2)]) {
      await api.ask("POST", "/v1/jobs", { key, body: { type: "demo.echo", input } });
    }
    const { body } = await api.ask("GET", "/v1/jobs", { key });
    const listed = (body["data"] as Record<string, unknown>[]).toReversed();
    expect(listed.map((job) => job["input"])).toEqual([short, undefined, undefined]);
    expect(listed.map((job) => job["input_bytes"])).toEqual([8_192, 8_193, 8_194]);
    const look = await api.ask("GET", `/v1/jobs/${String(listed[1]?.["id"])}`, { key });
    expect(look.body).toMatchObject({ input: `${short}x`, input_bytes: 8_193 });
  });

  test("filters", async () => {
    const key = (await api.addAccount("filters")).apiKey;
    const before = new Date().toISOString();
    const post = (body: object) => api.ask("POST", "/v1/jobs", { key, body, headers: WAIT });
    await post({ type: "demo.echo", input: 1 });
    await post({ type: "demo.fail", input: { message: "x", retryable: false } });
    const count = async (query: string) => {
      const { body } = await api.ask("GET", `/v1/jobs?${query}`, { key });
      return (body["data"] as unknown[]).length;
    };
    expect(await count("")).toBe(2);
    expect(await count("status=failed")).toBe(1);
    expect(await count("type=demo.echo")).toBe(1);
    expect(await count("type=demo.echo&status=failed")).toBe(0);
    expect(await count(`since=${before}`)).toBe(2);
    expect(await count(`until=${before}`)).toBe(0);
    expect(await count("since=2026-01-01T00:00:00%2B02:00")).toBe(2);
  });
});
