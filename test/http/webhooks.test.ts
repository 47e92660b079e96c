import { startReceiver, verify, type Receiver } from "../support/receiver.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

const RETRY = { max_attempts: 2, base_s: 0.1, factor: 1, cap_s: 1 };

async function create(fields: object = {}): Promise<Record<string, unknown> & { id: string }> {
  const body = { url: `${receiver.url}/hook`, retry: RETRY, ...fields };
  const answer = await api.ask("POST", "/v1/endpoints", { body });
  expect(answer.status).toBe(201);
  return answer.body as Record<string, unknown> & { id: string };
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let n = 0; n < 200; n++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("did not happen within 5 s");
}

async function settled(id: string) {
  return await until(async () => {
    const { body } = await api.ask("GET", `/v1/deliveries/${id}`);
    return body["status"] === "pending" ? undefined : body;
  });
}

describe("endpoints", () => {
  test("are made with defaults, and show their secret that once", async () => {
    const body = { url: "https://example.com/hook" };
    const made = await api.ask("POST", "/v1/endpoints", { body });
    const { secret, ...rest } = made.body;
    expect(secret).toMatch(/^whsec_/);
    expect(rest).toMatchObject({
      url: body.url,
      description: "",
      events: [],
      headers: {},
      ordered: false,
      max_in_flight: 10,
      rate_limit_per_s: null,
      timeout_s: 15,
      retry: { max_attempts: 12, base_s: 5, factor: 3, cap_s: 86_400 },
      signatures: ["v1", "v1a"],
      state: "active",
      disabled_reason: null,
      status: "healthy",
      breaker: { state: "closed", failures: 0, since: null, until: null, reason: null },
    });
    const id = String(rest["id"]);
    expect(made.headers["location"]).toBe(`http://ringback.test/v1/endpoints/${id}`);
    expect((await api.ask("GET", `/v1/endpoints/${id}`)).body).toEqual(rest);
    const list = await api.ask("GET", "/v1/endpoints");
    expect(list.body["data"]).toContainEqual(rest);
    expect(list.text).not.toContain("whsec_");
    expect((await api.ask("GET", `/v1/endpoints/${id}/secret`)).body).toEqual({
      secret,
      previous_expires_at: null,
    });
    expect((await api.ask("DELETE", `/v1/endpoints/${id}`)).status).toBe(204);
    expect((await api.ask("GET", `/v1/endpoints/${id}`)).status).toBe(404);
    expect((await api.ask("DELETE", `/v1/endpoints/${id}`)).status).toBe(404);
  });

  test("change field by field, and keep the credentials they show as redacted", async () => {
    const { id } = await create({
      headers: { authorization: "Basic abc", "x-a": "1" },
      events: ["own.a", "own.a"],
    });
    const change = async (body: object) => await api.ask("PATCH", `/v1/endpoints/${id}`, { body });
    const shown = await change({ retry: { cap_s: 7 }, max_in_flight: 3 });
    expect(shown.body).toMatchObject({
      events: ["own.a"],
      headers: { authorization: "[redacted]", "x-a": "1" },
      retry: { ...RETRY, cap_s: 7 },
      max_in_flight: 3,
      ordered: false,
    });
    await change({ headers: { ...(shown.body["headers"] as object), "x-a": "2" } });
    await api.ask("POST", "/v1/messages", { body: { type: "own.a", data: {} } });
    const sent = await receiver.waitFor((r) => r.headers["x-a"] !== undefined, 5_000);
    expect(sent.headers).toMatchObject({ authorization: "Basic abc", "x-a": "2" });
    const invented = await change({ headers: { "x-token": "[redacted]" } });
    expect([invented.status, invented.body["code"]]).toEqual([422, "header_forbidden"]);
    expect((await change({ signatures: ["v1"] })).body).toMatchObject({ signatures: ["v1"] });
    const unchanged = await change({});
    expect([unchanged.status, unchanged.body["signatures"]]).toEqual([200, ["v1"]]);
    expect((await change({ secret: "x" })).body["code"]).toBe("validation_failed");
    await api.ask("DELETE", `/v1/endpoints/${id}`);
  });

  test("pause and resume", async () => {
    const { id } = await create();
    const paused = await api.ask("POST", `/v1/endpoints/${id}/pause`);
    expect(paused.body).toMatchObject({ state: "paused", status: "paused" });
    const resumed = await api.ask("POST", `/v1/endpoints/${id}/resume`);
    expect(resumed.body).toMatchObject({ state: "active", status: "healthy" });
    await api.ask("DELETE", `/v1/endpoints/${id}`);
  });

  test("rotate their secret; the previous one signs beside the new", async () => {
    const { id, secret: first } = await create({ events: ["own.rotated"] });
    const chosen = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
    const rotated = await api.ask("POST", `/v1/endpoints/${id}/rotate-secret`, {
      body: { secret: chosen, overlap_s: 60 },
    });
    expect(rotated.body["secret"]).toBe(chosen);
    const left = Date.parse(String(rotated.body["previous_expires_at"])) - Date.now();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(61_000);
    await api.ask("POST", `/v1/endpoints/${id}/test`);
    const hook = await receiver.waitFor((r) => r.body.includes("endpoint.test"), 5_000);
    verify(hook, chosen);
    verify(hook, String(first));
    const without = await api.ask("POST", `/v1/endpoints/${id}/rotate-secret`);
    expect(without.body["secret"]).not.toBe(chosen);
    await api.ask("DELETE", `/v1/endpoints/${id}`);
  });
});

test("the account's own keys", async () => {
  const { body: key } = await api.ask("GET", "/v1/signing-key");
  expect(key["public_key"]).toMatch(/^whpk_/);
  const path = "/v1/signing-secret?origin=https://example.com/hooks";
  const { body: before } = await api.ask("GET", path);
  const { body: rotated } = await api.ask("POST", "/v1/signing-secret/rotate", { body: {} });
  const { body: after } = await api.ask("GET", path);
  expect(after["secret"]).not.toBe(before["secret"]);
  expect(before).toMatchObject({ origin: "https://example.com", previous_expires_at: null });
  expect(after).toEqual({ ...before, ...rotated, secret: after["secret"] });
});

describe("messages and deliveries", () => {
  test("from publication to every attempt, in the log", async () => {
    const { id } = await create({
      events: ["invoice.paid"],
      headers: { "x-api-key": "s3cr3t", "x-a": "1" },
    });
    const seen = receiver.requests.length;
    receiver.respondNext(
      { status: 500, headers: { "set-cookie": "sid=s3cr3t", "x-b": "2" }, body: "no" },
      { status: 200, body: "yes" },
    );
    const data = { z: 1, a: ["ü"] };
    const published = await api.ask("POST", "/v1/messages", {
      body: { type: "invoice.paid", data },
    });
    expect(published.status).toBe(202);
    expect(published.body).toMatchObject({ type: "invoice.paid", job_id: null });
    const messageId = String(published.body["id"]);
    const [{ id: deliveryId } = { id: "" }] = published.body["deliveries"] as { id: string }[];

    const delivery = await settled(deliveryId);
    expect(delivery).toMatchObject({
      status: "delivered",
      message_id: messageId,
      endpoint_id: id,
      event_type: "invoice.paid",
      attempt_count: 2,
      next_attempt_at: null,
      dead_reason: null,
    });
    const attempts = delivery["attempts"] as Record<string, unknown>[];
    expect(attempts).toMatchObject([
      {
        number: 1,
        status_code: 500,
        response_body: "no",
        remote_address: "127.0.0.1",
        manual: false,
        response_headers: { "set-cookie": "[redacted]", "x-b": "2" },
      },
      { number: 2, status_code: 200, response_body: "yes" },
    ]);
    expect(attempts[0]?.["request_headers"]).toMatchObject({
      "x-api-key": "[redacted]",
      "x-a": "[redacted]",
      "webhook-id": messageId,
    });
    expect(JSON.stringify(delivery)).not.toContain("s3cr3t");
    const hook = receiver.requests[seen];
    expect(hook?.headers).toMatchObject({ "x-api-key": "s3cr3t", "x-a": "1" });

    const message = await api.ask("GET", `/v1/messages/${messageId}`);
    expect(message.body["body"]).toBe(hook?.body.toString());
    expect(message.body["deliveries"]).toMatchObject([{ id: deliveryId, status: "delivered" }]);
    expect(JSON.parse(String(message.body["body"]))).toEqual({
      type: "invoice.paid",
      timestamp: message.body["timestamp"],
      data,
    });
    for (const query of [
      `endpoint_id=${id}`,
      `message_id=${messageId}`,
      `endpoint_id=${id}&event_type=invoice.paid&status=delivered`,
    ]) {
      const list = await api.ask("GET", `/v1/deliveries?${query}`);
      expect((list.body["data"] as { id: string }[]).map((d) => d.id)).toEqual([deliveryId]);
    }
    const none = await api.ask("GET", `/v1/deliveries?endpoint_id=${id}&status=dead`);
    expect(none.body["data"]).toEqual([]);
    await api.ask("DELETE", `/v1/endpoints/${id}`);
  });

  test("a job's deliveries, for either scope", async () => {
    const body = { type: "demo.echo", input: 1, callback_url: `${receiver.url}/job` };
    const job = await api.ask("POST", "/v1/jobs", { body, headers: { prefer: "wait=10" } });
    const id = String(job.body["id"]);
    for (const scope of ["jobs", "webhooks"] as const) {
      const key = await api.addKey(api.accountId, [scope]);
      const list = await api.ask("GET", `/v1/jobs/${id}/deliveries`, { key });
      expect(list.body["data"]).toMatchObject([
        { job_id: id, endpoint_id: null, event_type: "job.completed", url: `${receiver.url}/job` },
      ]);
    }
    const byJob = await api.ask("GET", `/v1/deliveries?job_id=${id}`);
    expect(byJob.body["data"]).toHaveLength(1);
  });

  test("dead letters, replayed one by one and by filter", async () => {
    const { id } = await create({ events: ["own.dead"] });
    receiver.respond(() => 500);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { body } = await api.ask("POST", "/v1/messages", {
        body: { type: "own.dead", data: { n } },
      });
      ids.unshift((body["deliveries"] as { id: string }[])[0]?.id ?? "");
    }
    for (const one of ids) {
      expect(await settled(one)).toMatchObject({ status: "dead", dead_reason: "exhausted" });
    }
    const dead = await api.ask("GET", `/v1/dead-letters?endpoint_id=${id}&reason=exhausted`);
    expect((dead.body["data"] as { id: string }[]).map((d) => d.id)).toEqual(ids);
    receiver.respond(() => 200);

    const [one = "", ...others] = ids;
    const again = await api.ask("POST", `/v1/deliveries/${one}/replay`);
    expect([again.status, again.body["status"]]).toEqual([202, "pending"]);
    expect(again.headers["location"]).toBe(`http://ringback.test/v1/deliveries/${one}`);
    const replayed = await settled(one);
    expect(replayed).toMatchObject({ status: "delivered", attempt_count: 3 });
    expect((replayed["attempts"] as object[]).at(-1)).toMatchObject({ number: 3, manual: true });

    const filter = { endpoint_id: id, reason: "exhausted", since: "2026-01-01T00:00:00+01:00" };
    const dry = await api.ask("POST", "/v1/replays", { body: { filter, dry_run: true } });
    expect(dry.body).toMatchObject({ dry_run: true, matched: 2, replayed: 0, status: "completed" });
    const order = await api.ask("POST", "/v1/replays", { body: { filter } });
    expect(order.body).toMatchObject({
      matched: 2,
      filter: { ...filter, status: "dead", since: "2025-12-31T23:00:00.000Z" },
    });
    const path = `/v1/replays/${String(order.body["id"])}`;
    const done = await until(async () => {
      const { body } = await api.ask("GET", path);
      return body["status"] === "running" ? undefined : body;
    });
    expect(done).toMatchObject({ status: "completed", replayed: 2 });
    for (const other of others) {
      expect(await settled(other)).toMatchObject({ status: "delivered" });
    }
    const over = await api.ask("POST", `${path}/cancel`);
    expect([over.status, over.body["code"]]).toEqual([409, "replay_finished"]);
    const list = await api.ask("GET", "/v1/replays");
    expect((list.body["data"] as { id: string }[])[0]?.id).toBe(order.body["id"]);

    await api.ask("DELETE", `/v1/endpoints/${id}`);
    const gone = await api.ask("POST", `/v1/deliveries/${one}/replay`);
    expect([gone.status, gone.body["code"]]).toEqual([409, "endpoint_state"]);
  });
});
