import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { audit, dataOf, eventually, ONCE, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startHostileReceiver } from "../support/hostile-receiver.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
const made: string[] = [];
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await receiver.close();
    await api.stop();
  }
});
beforeEach(async () => {
  for (const id of made.splice(0)) await api.must(204, "DELETE", `/v1/endpoints/${id}`);
  receiver.respond(200);
  receiver.requests.length = 0;
});

async function endpoint(path: string, fields: object = {}): Promise<string> {
  const { id } = await api.endpoint(`${receiver.url}${path}`, fields);
  made.push(id);
  return id;
}

/** `path type`, sorted, of everything a job sent, once all of it is delivered. */
async function received(job: string, count: number): Promise<string[]> {
  await eventually(async () => {
    const all = await api.deliveries(`job_id=${job}&status=delivered`);
    return all.length === count ? all : undefined;
  }, `${count} deliveries of the job`);
  await eventually(async () => {
    const { status } = await api.must(200, "GET", `/v1/jobs/${job}`);
    return status === "completed" || status === "failed" ? status : undefined;
  }, "the end of the job");
  expect(await api.deliveries(`job_id=${job}`)).toHaveLength(count);
  return receiver.requests
    .filter((r) => dataOf(r)["job_id"] === job)
    .map((r) => `${r.path} ${(JSON.parse(r.body.toString()) as { type: string }).type}`)
    .sort();
}

describe("the events of a job go to", () => {
  test("endpoints by their filters, callbacks by theirs", async () => {
    await endpoint("/all");
    await endpoint("/completed", { events: ["job.completed"] });
    await endpoint("/failed", { events: ["job.failed", "job.canceled"] });
    await endpoint("/own", { events: ["invoice.paid"] });
    const job = await api.job([
      { url: `${receiver.url}/callback` },
      { url: `${receiver.url}/callback-all`, events: [] },
      { url: `${receiver.url}/callback-started`, events: ["job.started"] },
      { url: `${receiver.url}/callback-failed`, events: ["job.failed"] },
    ]);
    expect(await received(job, 7)).toEqual([
      "/all job.completed",
      "/all job.started",
      "/callback job.completed",
      "/callback-all job.completed",
      "/callback-all job.started",
      "/callback-started job.started",
      "/completed job.completed",
    ]);
    const ids = new Set(
      receiver.requests
        .filter((r) => r.body.includes("job.completed"))
        .map(({ headers }) => headers["webhook-id"]),
    );
    expect(ids.size).toBe(1);
  });

  test("a failure, with its error", async () => {
    await endpoint("/failed", { events: ["job.failed"] });
    await endpoint("/completed", { events: ["job.completed"] });
    const body = { type: "demo.fail", input: { message: "as asked" } };
    const job = String((await api.must(202, "POST", "/v1/jobs", { body }))["id"]);
    expect(await received(job, 1)).toEqual(["/failed job.failed"]);
    expect(dataOf(receiver.requests[0]!)).toMatchObject({
      status: "failed",
      error: { code: "demo_failed", message: "as asked" },
    });
  });

  test("an endpoint that a callback names by the callback's filter, for this job only", async () => {
    const wide = await endpoint("/wide");
    const narrow = await endpoint("/narrow", { events: ["job.failed"] });
    const job = await api.job([
      { endpoint_id: wide, events: ["job.started"] },
      { endpoint_id: narrow, events: ["job.completed"] },
      { endpoint_id: narrow, events: ["job.completed", "job.canceled"] },
    ]);
    expect(await received(job, 2)).toEqual(["/narrow job.completed", "/wide job.started"]);
    const other = await api.job([]);
    expect(await received(other, 2)).toEqual(["/wide job.completed", "/wide job.started"]);
  });

  test("nobody of another account", async () => {
    const { apiKey } = await api.addAccount("neighbours");
    const body = { url: `${receiver.url}/neighbour` };
    await api.must(201, "POST", "/v1/endpoints", { body, key: apiKey });
    await endpoint("/mine", { events: ["job.completed"] });
    const job = await api.job([]);
    expect(await received(job, 1)).toEqual(["/mine job.completed"]);
    await api.publish("invoice.paid");
    const again = await api.job([]);
    await received(again, 1);
    expect(receiver.requests.map(({ path }) => path)).not.toContain("/neighbour");
  });

  test("a result too large for the body as its URL", async () => {
    const input = "x".repeat(70_000);
    const job = await api.job([{ url: `${receiver.url}/large` }], input);
    expect(await received(job, 1)).toEqual(["/large job.completed"]);
    const data = dataOf(receiver.requests[0]!);
    expect(data).not.toHaveProperty("result");
    expect(data["result_url"]).toBe(`http://ringback.test/v1/jobs/${job}/result`);
    const result = await api.ask("GET", new URL(String(data["result_url"])).pathname);
    expect(result.body).toBe(input);
  });
});

describe("a message of one's own", () => {
  test("goes to 50 endpoints, each once, one of them slow and one broken", async () => {
    const slow = await startHostileReceiver("hang-before-headers");
    try {
      for (let n = 0; n < 48; n++) await endpoint(`/fan/${n}`, { events: ["fan", "other"] });
      made.push((await api.endpoint(slow.url, { events: ["fan"], timeout_s: 1, retry: ONCE })).id);
      await endpoint("/fan/broken", { events: ["fan"], retry: ONCE });
      receiver.respond(({ path }) => (path === "/fan/broken" ? 500 : 200));
      const message = await api.publish("fan", { n: 1 });
      expect(message.deliveries).toHaveLength(50);
      const ended = await Promise.all(message.deliveries.map(({ id }) => api.ended(id)));
      expect(ended.filter((d) => d.status === "delivered")).toHaveLength(48);
      expect(ended.filter((d) => d.dead_reason === "exhausted")).toHaveLength(2);
      const paths = receiver.requests.map(({ path }) => path);
      expect(paths).toHaveLength(49);
      expect(new Set(paths).size).toBe(49);
      const shown = await api.must(200, "GET", `/v1/messages/${message.id}`);
      expect(shown["deliveries"]).toHaveLength(50);
    } finally {
      await slow.close();
    }
  });

  test("that nobody wants is a message all the same", async () => {
    await endpoint("/else", { events: ["else"] });
    const message = await api.publish("nobody.wants", { n: 1 });
    expect(message.deliveries).toEqual([]);
    const shown = await api.must(200, "GET", `/v1/messages/${message.id}`);
    expect(shown).toMatchObject({ type: "nobody.wants", deliveries: [] });
  });

  test("endpoint.test goes to the one endpoint, whatever its filter", async () => {
    const one = await endpoint("/tested", { events: ["job.failed"] });
    await endpoint("/untested");
    const delivery = await api.must(200, "POST", `/v1/endpoints/${one}/test`);
    expect(delivery).toMatchObject({ event_type: "endpoint.test", status: "delivered" });
    expect(receiver.requests.map(({ path }) => path)).toEqual(["/tested"]);
    const body = JSON.parse(receiver.requests[0]!.body.toString()) as object;
    expect(body).toMatchObject({ type: "endpoint.test", data: { message: expect.any(String) } });
  });
});

describe("what a callback sets itself", () => {
  test("headers, retry and timeout count for its own deliveries", async () => {
    const hanging = await startHostileReceiver("hang-before-headers");
    try {
      receiver.respond(({ path }) => (path === "/plain" ? 200 : 500));
      const job = await api.job([
        {
          url: `${receiver.url}/plain`,
          headers: { "x-tenant": "blue", authorization: "Basic s3cr3t" },
        },
        { url: `${receiver.url}/thrice`, retry: { max_attempts: 3, base_s: 0.1, factor: 1 } },
        { url: `${receiver.url}/once`, retry: { max_attempts: 1 } },
        { url: hanging.url, timeout_s: 1, retry: { max_attempts: 1 } },
      ]);
      const deliveries = await eventually(async () => {
        const found = await api.deliveries(`job_id=${job}`);
        return found.length === 4 && found.every((d) => d.status !== "pending") ? found : undefined;
      }, "the end of all");
      const byPath = new Map(deliveries.map((d) => [new URL(d.url).pathname, d]));
      expect(byPath.get("/plain")).toMatchObject({ status: "delivered", attempt_count: 1 });
      expect(byPath.get("/thrice")).toMatchObject({ dead_reason: "exhausted", attempt_count: 3 });
      expect(byPath.get("/once")).toMatchObject({ dead_reason: "exhausted", attempt_count: 1 });
      const slow = await api.delivery(byPath.get("/hook")!.id);
      expect(slow).toMatchObject({ dead_reason: "exhausted", attempt_count: 1 });
      expect(slow.attempts[0]).toMatchObject({ error_code: "timeout" });
      expect(slow.attempts[0]!.duration_ms).toBeLessThan(3_000);

      const plain = receiver.requests.find(({ path }) => path === "/plain")!;
      expect(plain.headers).toMatchObject({ "x-tenant": "blue", authorization: "Basic s3cr3t" });
      const { attempts } = await api.delivery(byPath.get("/plain")!.id);
      expect(attempts[0]!.request_headers).toMatchObject({
        "x-tenant": "[redacted]",
        authorization: "[redacted]",
      });
      for (const { headers } of receiver.requests.filter(({ path }) => path !== "/plain")) {
        expect(headers).not.toHaveProperty("x-tenant");
      }
    } finally {
      await hanging.close();
    }
  });
});
