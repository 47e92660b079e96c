import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { JobFailedError, Ringback, RingbackError, verifyWebhook } from "../../src/index.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { startFlakyProxy } from "./flaky-proxy.ts";
import type { FlakyProxy } from "./flaky-proxy.ts";

interface Types {
  "demo.echo": { input: unknown; result: unknown };
  "demo.sleep": { input: { ms: number }; result: { slept_ms: number } };
  "demo.fail": { input: { message: string; retryable: boolean }; result: never };
  [type: string]: { input: unknown; result: unknown };
}

let api: TestApi;
let proxy: FlakyProxy;
let receiver: Receiver;
let client: Ringback<Types>;

beforeAll(async () => {
  api = await startApi();
  proxy = await startFlakyProxy(api.port);
  receiver = await startReceiver();
  client = new Ringback({ apiKey: api.apiKey, baseUrl: proxy.url });
});
beforeEach(() => {
  proxy.fates.length = 0;
  proxy.requests.length = 0;
});
afterAll(async () => {
  await receiver?.close();
  await proxy?.close();
  await api?.stop();
});

describe("result", () => {
  test("is waited for, and is what was computed", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 300 });
    expect(job.ended).toBe(false);
    expect(await job.result()).toMatchObject({ slept_ms: expect.any(Number) });
    expect(job).toMatchObject({ status: "completed", ended: true, progress: { fraction: 1 } });
    expect(JSON.parse(JSON.stringify(job))).toMatchObject({ id: job.id, run: 1 });
    // one long poll, which brings the result
    expect(proxy.requests).toHaveLength(2);
  });

  test("of a failed job is an error with the job's own code", async () => {
    const job = await client.jobs.submit("demo.fail", { message: "no luck", retryable: false });
    const error: unknown = await job.result().catch((reason: unknown) => reason);
    if (!(error instanceof JobFailedError)) throw error;
    expect(error).toMatchObject({ jobId: job.id, status: "failed", job: { run: 1 } });
    expect(error.code).toBe(job.data.error!.code);
    expect(error.message).toContain("no luck");
  });

  test("of a canceled job as well", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 60_000 });
    await job.cancel();
    await expect(job.result()).rejects.toMatchObject({ code: "canceled", status: "canceled" });
    await expect(job.cancel()).rejects.toMatchObject({ code: "job_finished" });
  });

  test("that takes too long is a timeout, and the job goes on", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 1_500 });
    const error: unknown = await job.result({ timeoutMs: 200 }).catch((reason: unknown) => reason);
    if (!(error instanceof RingbackError)) throw error;
    expect(error).toMatchObject({ code: "timed_out", status: null });
    expect(error.detail).toMatch(
      /^job_\w{26} has not ended within 200 ms; it is (pending|running)$/,
    );
    // a service that says nothing takes no longer
    proxy.fates.push("hang");
    await expect(job.result({ timeoutMs: 200 })).rejects.toMatchObject({ code: "timed_out" });
    const reason = new Error("enough");
    await expect(job.result({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await job.wait()).status).toBe("completed");
  });

  test("survives a network that loses every answer once", async () => {
    proxy.fates.push("lose", "pass", "lose", "pass", "lose", "pass");
    const job = await client.jobs.submit("demo.echo", { a: [1, "☃"] });
    expect(await job.result()).toEqual({ a: [1, "☃"] });
  });
});

describe("events", () => {
  test("tell of a job from its state to its end", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 2_500 });
    const types: string[] = [];
    const fractions: number[] = [];
    for await (const event of job.activity()) {
      types.push(event.type);
      if (event.type !== "job.progress") continue;
      expect(job).toMatchObject({ status: "running", progress: { fraction: event["fraction"] } });
      fractions.push(job.progress.fraction);
    }
    expect(Math.max(...fractions)).toBeGreaterThan(0.1);
    expect(job).toMatchObject({ data: { run: 1 }, progress: { fraction: 1 } });
    expect(types[0]).toBe("job.state");
    expect(types.at(-1)).toBe("job.completed");
    expect(new Set(types.filter((type) => !type.startsWith("job.")))).toEqual(new Set());
    expect(job.ended).toBe(true);
    // of one that has ended there is nothing to wait for
    const after: string[] = [];
    for await (const { type } of (await client.jobs.get(job.id)).activity()) after.push(type);
    expect(after).toEqual(["job.state"]);
  });

  test("with its deliveries, until none is pending", async () => {
    const callback = { url: receiver.url, retry: { base_s: 0.1 } };
    receiver.respondNext(500);
    const job = await client.jobs.submit("demo.echo", {}, { callbacks: [callback] });
    const types: string[] = [];
    for await (const { type } of job.activity({ deliveries: true })) types.push(type);
    expect(types).toContain("delivery.attempted");
    expect(types.at(-1)).toBe("delivery.delivered");
    expect(await job.deliveries().toArray()).toMatchObject([{ status: "delivered" }]);
    const kinds = (await job.timeline()).map(({ kind }) => kind);
    expect(kinds[0]).toBe("accepted");
    expect(kinds.filter((kind) => kind === "attempt")).toHaveLength(2);
  });

  test("go on where a lost connection broke off", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 2_500 });
    proxy.fates.push("refuse", "cut");
    const types: string[] = [];
    for await (const { type } of job.activity()) types.push(type);
    expect(types.at(-1)).toBe("job.completed");
    expect(types.filter((type) => type === "job.started").length).toBeLessThan(2);
    expect(proxy.requests.filter(({ line }) => line.includes("/activity"))).toHaveLength(3);
  });

  test("end when they are left, or with the caller's reason", async () => {
    const job = await client.jobs.submit("demo.sleep", { ms: 60_000 });
    for await (const { type } of job.activity()) {
      expect(type).toBe("job.state");
      break;
    }
    const controller = new AbortController();
    const reason = new Error("enough");
    const read = async () => {
      for await (const _ of job.activity({ signal: controller.signal })) controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    await job.cancel();
  });

  test("that are refused are an error at once", async () => {
    const job = await client.jobs.submit("demo.echo", {});
    const body = JSON.stringify({ code: "not_found", detail: "deleted", status: 404 });
    proxy.fates.push({ status: 404, body });
    await expect(job.activity().next()).rejects.toMatchObject({ code: "not_found", attempts: 1 });
  });
});

describe("the rest of the API", () => {
  test("an endpoint's life, with webhooks that verify by its secret and the public key", async () => {
    const { id, secret } = await client.endpoints.create({
      url: receiver.url,
      events: ["invoice.paid"],
    });
    const message = await client.messages.publish("invoice.paid", { invoice: "I-1" });
    const [delivery] = message.deliveries;
    const received = await receiver.waitFor(
      ({ headers }) => headers["webhook-id"] === message.id,
      15_000,
    );
    for (const key of [secret, await client.signing.publicKey()]) {
      const webhook = await verifyWebhook<{ "invoice.paid": { invoice: string } }>(
        received.body,
        received.headers,
        key,
      );
      if (webhook.type !== "invoice.paid") throw new Error(webhook.type);
      expect(webhook).toMatchObject({ id: message.id, attempt: 1, data: { invoice: "I-1" } });
    }
    const other = await client.signing.secretFor(new URL(receiver.url));
    await expect(verifyWebhook(received.body, received.headers, other)).rejects.toMatchObject({
      code: "no_matching_signature",
    });

    const rotated = await client.endpoints.rotateSecret(id, { overlap_s: 60 });
    expect(await client.endpoints.secret(id)).toBe(rotated.secret);
    expect((await client.endpoints.pause(id)).state).toBe("paused");
    expect((await client.endpoints.resume(id)).state).toBe("active");
    expect(await client.endpoints.test(id)).toMatchObject({
      event_type: "endpoint.test",
      attempts: [{ status_code: 200 }],
    });
    expect((await client.endpoints.update(id, { description: "Books" })).description).toBe("Books");
    expect((await client.deliveries.get(delivery!.id)).attempts).toMatchObject([{ number: 1 }]);
    expect((await client.deliveries.replay(delivery!.id)).status).toBe("pending");
    await client.endpoints.delete(id);
    await expect(client.endpoints.get(id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("dead letters, replays and what admins see", async () => {
    const job = await client.jobs.submit(
      "demo.echo",
      {},
      {
        callbacks: [{ url: "http://127.0.0.1:9/", retry: { max_attempts: 1 } }],
      },
    );
    for await (const { type } of job.activity({ deliveries: true })) {
      if (type === "delivery.dead") break;
    }
    const [letter] = await client.deadLetters.list({ job_id: job.id }).toArray();
    expect(letter).toMatchObject({ dead_reason: "exhausted" });
    expect(await client.deadLetters.groups({ by: "reason" })).toMatchObject([
      { reason: "exhausted", count: 1 },
    ]);
    const counted = await client.replays.create({ filter: { job_id: job.id }, dry_run: true });
    expect(counted).toMatchObject({ matched: 1, replayed: 0, status: "completed" });
    expect(await client.replays.list().toArray()).toHaveLength(1);

    expect((await client.overview()).dead_letters).toMatchObject({ count: 1 });
    expect((await client.stats({ step_s: "60" })).series.length).toBeGreaterThan(0);
    expect(await client.workers()).toMatchObject([{ state: "alive" }]);
    expect((await client.settings()).development).toBe(false);
    expect((await client.lanes.list().toArray()).length).toBeGreaterThan(0);
    expect((await client.jobTypes.list()).map(({ name }) => name)).toContain("csv.summary");
    const { id, key } = await client.apiKeys.create({ name: "ci", scopes: ["jobs"] });
    const limited = new Ringback({ apiKey: key, baseUrl: proxy.url });
    await expect(limited.endpoints.list().page()).rejects.toMatchObject({ code: "scope_missing" });
    await client.apiKeys.revoke(id);
    const [revoked] = (await client.apiKeys.list().page()).data;
    expect(revoked).toMatchObject({ id, revoked_at: expect.any(String) });
    const hooks = await client.endpoints.create({ url: "https://example.com/hooks" });
    const link = await client.portalSessions.create({ endpoint_ids: [hooks.id] });
    const partner = new Ringback({ apiKey: link.url.split("#")[1]!, baseUrl: proxy.url });
    expect(await partner.request("GET /v1/portal-session")).toMatchObject({ id: link.id });
    expect(await client.portalSessions.list().toArray()).toMatchObject([{ id: link.id }]);
    await client.portalSessions.revoke(link.id);
    await expect(partner.deliveries.list().page()).rejects.toMatchObject({ status: 401 });
    const { data } = await client.request("GET /v1/replays", { query: { limit: 1 } });
    expect(data).toMatchObject([{ id: counted.id }]);
  });
});
