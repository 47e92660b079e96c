import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newSecret } from "../../src/core/signature.ts";
import { audit, eventually, ONCE, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { findInDatabase } from "../support/leaks.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;

beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await audit(api.database.pool);
  await receiver.close();
  await api.stop();
});

const bytesOf = (secret: string): string => secret.slice("whsec_".length);

test("custom headers and secrets are sent, and in no table in clear, from submission to replay", async () => {
  const own = newSecret();
  const headers = { "x-tenant": "tenant-7f3a91", authorization: "Bearer token-5be802" };
  const changed = { "x-tenant": "tenant-c40d26" };
  const endpoint = await api.endpoint(`${receiver.url}/endpoint`, {
    events: ["job.completed"],
    headers,
    retry: ONCE,
  });
  const callback = { events: ["job.completed"], headers, retry: ONCE };
  const body = {
    type: "demo.echo",
    input: 1,
    callbacks: [
      { ...callback, url: `${receiver.url}/origin` },
      { ...callback, url: `${receiver.url}/own`, secret: own, ordered: true },
      { url: `${receiver.url}/pending`, headers, secret: own, retry: { base_s: 3_600 } },
    ],
  };
  receiver.respond(500);
  const submission = { body, headers: { "idempotency-key": '"sealed"' } };
  const { status, body: job } = await api.ask("POST", "/v1/jobs", submission);
  expect(status).toBe(202);
  const failing = { body: { ...body, input: "", type: "none" } };
  const refused = { ...failing, headers: { "idempotency-key": '"refused"' } };
  expect((await api.ask("POST", "/v1/jobs", refused)).status).toBe(422);

  const dead = await eventually(async () => {
    const found = await api.deliveries(`job_id=${String(job["id"])}`);
    return found.filter((d) => d.status === "dead").length === 3 ? found : undefined;
  }, "three dead letters");
  receiver.respond(200);
  // a lane that is held takes what an endpoint is changed to with its next reading
  await api.must(200, "PATCH", `/v1/endpoints/${endpoint.id}`, { body: { headers: changed } });
  for (const { id, status: now } of dead) {
    if (now !== "dead") continue;
    await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
    expect(await api.ended(id)).toMatchObject({ status: "delivered" });
  }
  const sent = receiver.requests.map((request) => [request.path, request.headers["x-tenant"]]);
  expect(sent.filter(([path]) => path === "/origin")).toEqual([
    ["/origin", headers["x-tenant"]],
    ["/origin", headers["x-tenant"]],
  ]);
  expect(sent).toContainEqual(["/pending", headers["x-tenant"]]);
  expect(sent.find(([path]) => path === "/endpoint")).toEqual(["/endpoint", headers["x-tenant"]]);
  const both = receiver.requests.filter(({ path }) => path === "/own");
  expect(both.map((request) => request.headers["authorization"])).toEqual(
    Array(2).fill(headers.authorization),
  );

  const path = `/v1/signing-secret?origin=${encodeURIComponent(receiver.url)}`;
  const origin = String((await api.must(200, "GET", path))["secret"]);
  // one that rests in clear on purpose: the search finds what is there
  const planted = "planted-93ad55";
  await api.must(202, "POST", "/v1/jobs", {
    body: { type: "demo.echo", input: 1, metadata: { planted } },
  });
  const { found, tables } = await findInDatabase(api.database.url, [
    ...Object.values(headers),
    "token-5be802",
    ...Object.values(changed),
    bytesOf(own),
    bytesOf(endpoint.secret),
    bytesOf(origin),
    /whsec_|whsk_/,
    planted,
  ]);
  expect(tables).toEqual(
    expect.arrayContaining(["public.idempotency_records", "public.attempts_default"]),
  );
  expect(found.filter((one) => !one.endsWith(planted))).toEqual([]);
  expect(found).toContainEqual(expect.stringContaining(planted));

  // whoever might see them before still does
  const shown = await api.must(200, "GET", `/v1/jobs/${String(job["id"])}`);
  const visible = { "x-tenant": headers["x-tenant"], authorization: "[redacted]" };
  expect((shown["callbacks"] as { headers: unknown }[])[0]!.headers).toEqual(visible);
  const { headers: ofEndpoint } = await api.must(200, "GET", `/v1/endpoints/${endpoint.id}`);
  expect(ofEndpoint).toEqual(changed);
});

test("what can't be opened fails that delivery alone, and is a dead letter at worst", async () => {
  receiver.respond(500);
  const callbacks = ["/damaged", "/whole"].map((path) => ({
    url: `${receiver.url}${path}`,
    headers: { "x-v": "1" },
    secret: newSecret(),
    retry: ONCE,
  }));
  const job = await api.job(callbacks);
  const dead = await eventually(async () => {
    const found = await api.deliveries(`job_id=${job}&status=dead`);
    const own = found.filter(({ endpoint_id }) => endpoint_id === null);
    return own.length === 2 ? own : undefined;
  }, "two dead letters");
  const damage = Buffer.alloc(80, 1).toString("base64");
  await api.database.pool.query(
    `update deliveries set overrides = overrides || jsonb_build_object('sealed_headers', $1::text)
     where url like '%/damaged'`,
    [damage],
  );
  receiver.respond(200);
  for (const { id } of dead) await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
  const ended = await Promise.all(dead.map(async ({ id }) => await api.ended(id)));
  const byPath = new Map(ended.map((one) => [new URL(one.url).pathname, one]));
  expect(byPath.get("/whole")).toMatchObject({ status: "delivered" });
  expect(byPath.get("/damaged")).toMatchObject({
    status: "dead",
    dead_reason: "exhausted",
    dead_detail: expect.stringContaining("sealed with another master key, or are damaged"),
  });
  expect(byPath.get("/damaged")!.attempts.at(-1)).toMatchObject({
    error_code: "unsealable",
    status_code: null,
  });
  expect(JSON.stringify(ended)).not.toContain(damage);
});

test("an endpoint's headers change while its lane is busy", async () => {
  const { id } = await api.endpoint(receiver.url, { events: ["h.a"], headers: { "x-v": "1" } });
  const send = async (): Promise<string | undefined> => {
    const message = await api.publish("h.a");
    const wanted = await receiver.waitFor((r) => r.headers["webhook-id"] === message.id, 10_000);
    return wanted.headers["x-v"];
  };
  expect(await send()).toBe("1");
  for (const headers of [{ "x-v": "2" }, {}]) {
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { headers } });
    const wanted = (headers as Record<string, string>)["x-v"];
    await eventually(
      async () => ((await send()) === wanted ? true : undefined),
      "the change to be sent",
    );
  }
});
