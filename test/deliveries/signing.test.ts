import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newSecret } from "../../src/core/signature.ts";
import { SEALED_COLUMNS } from "../../src/db/accounts/sealed.ts";
import { QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { findInDatabase } from "../support/leaks.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";
import { verifyV1a } from "../support/verify-v1a.ts";

let api: DeliveryApi;
let receiver: Receiver;
let publicKey: string;
/** Offset of the product's clock, so that attempts fall into different seconds. */
let clockMs = 0;
const secrets: string[] = [];

beforeAll(async () => {
  api = await startDeliveryApi({ overrides: { now: () => new Date(Date.now() + clockMs) } });
  receiver = await startReceiver();
  publicKey = String((await api.must(200, "GET", "/v1/signing-key"))["public_key"]);
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});
beforeEach(() => {
  clockMs = 0;
  receiver.respond(200);
  receiver.requests.length = 0;
});

function signatures(request: ReceivedRequest): string[] {
  return request.headers["webhook-signature"]!.split(" ");
}

function signedContent(request: ReceivedRequest): Buffer {
  const { "webhook-id": id, "webhook-timestamp": timestamp } = request.headers;
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), request.body]);
}

function signs(request: ReceivedRequest, secret: string): boolean {
  const id = request.headers["webhook-id"]!;
  const at = new Date(Number(request.headers["webhook-timestamp"]) * 1000);
  const expected = new Webhook(secret).sign(id, at, request.body.toString());
  return signatures(request).includes(expected);
}

/** That of the callback URLs to the receiver. */
async function originSecret(): Promise<string> {
  return String(
    (await api.must(200, "GET", `/v1/signing-secret?origin=${receiver.url}`))["secret"],
  );
}

function verifiesV1a(request: ReceivedRequest, key = publicKey): boolean {
  const [mine] = signatures(request).filter((one) => one.startsWith("v1a,"));
  return verifyV1a(mine!, key, signedContent(request));
}

async function send(type: string): Promise<ReceivedRequest> {
  const message = await api.publish(type);
  return await receiver.waitFor((r) => r.headers["webhook-id"] === message.id, 10_000);
}

describe("every attempt of a delivery", () => {
  test("has the same id and bytes, its own timestamp and signatures, valid over what arrived", async () => {
    const { secret } = await api.endpoint(receiver.url, {
      events: ["s.a"],
      retry: { ...QUICK, max_attempts: 4 },
    });
    secrets.push(secret);
    receiver.respond(() => {
      clockMs += 1_000;
      return 500;
    });
    const data = {
      text: 'Grüße, 世界 🎉 \u2028\ufeff\u007f\t "quoted" \\',
      numbers: [1.5, -0, 1e21],
    };
    const message = await api.publish("s.a", data);
    const id = message.deliveries[0]!.id;
    expect(await api.ended(id)).toMatchObject({ status: "dead", attempt_count: 4 });
    receiver.respond(200);
    await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
    await api.ended(id);

    const { requests } = receiver;
    expect(requests).toHaveLength(5);
    const expected = Buffer.from(message.body);
    expect(JSON.parse(message.body)).toMatchObject({ type: "s.a", data: { text: data.text } });
    for (const [index, request] of requests.entries()) {
      expect(request.body.equals(expected)).toBe(true);
      expect(request.headers["webhook-id"]).toBe(message.id);
      expect(request.headers["content-length"]).toBe(String(expected.length));
      expect(request.headers["content-type"]).toBe("application/json");
      expect(request.headers["ringback-attempt"]).toBe(String(index + 1));
      verify(request, secret);
      expect(verifiesV1a(request)).toBe(true);
      expect(signatures(request).map((one) => one.split(",")[0])).toEqual(["v1", "v1a"]);
    }
    for (const name of ["webhook-timestamp", "webhook-signature", "traceparent"]) {
      expect(new Set(requests.map(({ headers }) => headers[name])).size).toBe(5);
    }
    const traces = requests.map(({ headers }) => headers["traceparent"]!.split("-")[1]);
    expect(new Set(traces).size).toBe(1);
    expect(new Set(requests.map(({ headers }) => headers["x-request-id"])).size).toBe(1);
  });

  test("carries the time at which it was sent, not that of its event", async () => {
    await api.endpoint(receiver.url, { events: ["s.b"] });
    receiver.respondNext(500);
    receiver.respond(() => 200);
    const sent: number[] = [];
    receiver.respond(() => {
      sent.push(Math.floor((Date.now() + clockMs) / 1000));
      clockMs = 3_600_000;
      return sent.length === 1 ? 500 : 200;
    });
    const message = await api.publish("s.b");
    await api.ended(message.deliveries[0]!.id);
    const stamps = receiver.requests.map(({ headers }) => Number(headers["webhook-timestamp"]));
    for (const [index, stamp] of stamps.entries()) {
      expect(Math.abs(stamp - sent[index]!)).toBeLessThanOrEqual(5);
    }
    expect(stamps[1]! - stamps[0]!).toBeGreaterThan(3_500);
    const bodies = receiver.requests.map(({ body }) => body.toString());
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("whose secret signs", () => {
  test("each endpoint's own, its origin's for callback URLs, one key pair for all", async () => {
    const one = await api.endpoint(`${receiver.url}/one`, { events: ["job.completed"] });
    const two = await api.endpoint(`${receiver.url}/two`, { events: ["job.completed"] });
    const secret = await originSecret();
    secrets.push(one.secret, two.secret, secret);
    await api.job([
      { url: `${receiver.url}/url` },
      { url: `${receiver.url}/ordered`, ordered: true },
    ]);
    await receiver.waitFor(4, 10_000);
    const owner = new Map([
      ["/one", one.secret],
      ["/two", two.secret],
      ["/url", secret],
      ["/ordered", secret],
    ]);
    for (const request of receiver.requests) {
      for (const candidate of new Set(owner.values())) {
        expect([request.path, signs(request, candidate)]).toEqual([
          request.path,
          candidate === owner.get(request.path),
        ]);
      }
      expect(signatures(request)).toHaveLength(2);
      expect(verifiesV1a(request)).toBe(true);
    }
    expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    for (const { id } of [one, two]) await api.must(204, "DELETE", `/v1/endpoints/${id}`);
  });

  test("another account has other keys", async () => {
    const { apiKey } = await api.addAccount("another");
    const { body: theirs } = await api.ask("GET", "/v1/signing-key", { key: apiKey });
    expect(theirs["public_key"]).not.toBe(publicKey);
    const body = { type: "demo.echo", input: 1, callback_url: `${receiver.url}/theirs` };
    await api.must(202, "POST", "/v1/jobs", { body, key: apiKey });
    const [request] = await receiver.waitFor(1, 10_000);
    expect(verifiesV1a(request!)).toBe(false);
    expect(verifiesV1a(request!, String(theirs["public_key"]))).toBe(true);
    const secret = await originSecret();
    expect(signs(request!, secret)).toBe(false);
  });
});

describe("an endpoint or callback chooses its signatures", () => {
  const kinds = (request: ReceivedRequest): string[] =>
    signatures(request).map((one) => one.split(",")[0]!);

  test.each([
    ["v1 alone", ["v1"], ["v1"]],
    ["v1a alone", ["v1a"], ["v1a"]],
    ["both, in whichever order", ["v1a", "v1"], ["v1", "v1a"]],
    ["nothing, and gets both", undefined, ["v1", "v1a"]],
  ])("%s", async (name, chosen, expected) => {
    const path = `/${name.replaceAll(/\W/g, "-")}`;
    const own = chosen && { signatures: chosen };
    const secret = await originSecret();
    const endpoint = await api.endpoint(`${receiver.url}${path}`, {
      events: ["job.completed"],
      ...own,
    });
    await api.job([{ url: `${receiver.url}${path}`, ...own }]);
    const requests = await receiver.waitFor(2, 10_000);
    for (const request of requests) {
      expect(kinds(request)).toEqual(expected);
      if (expected.includes("v1a")) expect(verifiesV1a(request)).toBe(true);
    }
    const signed = [endpoint.secret, secret].map((one) => requests.some((r) => signs(r, one)));
    expect(signed).toEqual(Array(2).fill(expected.includes("v1")));
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  });

  test("v1 is that of every active secret", async () => {
    const { id, secret } = await api.endpoint(receiver.url, {
      events: ["c.rotated"],
      signatures: ["v1"],
    });
    const path = `/v1/endpoints/${id}/rotate-secret`;
    const rotated = await api.must(200, "POST", path, { body: { overlap_s: 60 } });
    const request = await send("c.rotated");
    expect(kinds(request)).toEqual(["v1", "v1"]);
    verify(request, secret);
    verify(request, String(rotated["secret"]));
  });

  test("a change takes effect while the lane is busy", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["c.changed"] });
    expect(kinds(await send("c.changed"))).toEqual(["v1", "v1a"]);
    for (const chosen of [["v1"], ["v1a"], ["v1", "v1a"]]) {
      await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { signatures: chosen } });
      const changedAt = performance.now();
      while (kinds(await send("c.changed")).join() !== chosen.join()) {
        expect(performance.now() - changedAt).toBeLessThan(5_000);
      }
    }
  });
});

describe("rotation", () => {
  test("both secrets sign for as long as they overlap, then the new one alone", async () => {
    const { id, secret: first } = await api.endpoint(receiver.url, { events: ["r.a"] });
    const rotate = async (body: object): Promise<string> =>
      String(
        (await api.must(200, "POST", `/v1/endpoints/${id}/rotate-secret`, { body }))["secret"],
      );
    const second = await rotate({ overlap_s: 60 });
    const both = await send("r.a");
    expect(signatures(both)).toHaveLength(3);
    expect([signs(both, first), signs(both, second), verifiesV1a(both)]).toEqual([
      true,
      true,
      true,
    ]);
    verify(both, first);
    verify(both, second);

    // the first may not live longer than it was promised, whatever comes after
    const third = await rotate({ overlap_s: 1 });
    await sleep(1_300);
    const last = await send("r.a");
    expect([signs(last, first), signs(last, second), signs(last, third)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(signatures(last)).toHaveLength(2);
    secrets.push(first, second, third);
  });

  test("without overlap the old one ends at once; a secret may be chosen", async () => {
    const chosen = newSecret();
    const { id, secret: first } = await api.endpoint(receiver.url, {
      events: ["r.b"],
      secret: chosen,
    });
    expect(first).toBe(chosen);
    const brought = `whsec_${Buffer.alloc(64, 9).toString("base64")}`;
    const path = `/v1/endpoints/${id}/rotate-secret`;
    await api.must(200, "POST", path, { body: { overlap_s: 0, secret: brought } });
    const request = await send("r.b");
    expect([signs(request, chosen), signs(request, brought)]).toEqual([false, true]);
    expect(signatures(request)).toHaveLength(2);
    secrets.push(chosen, brought);
  });

  test("of the account's secret, for callback URLs", async () => {
    const before = await originSecret();
    await api.must(200, "POST", "/v1/signing-secret/rotate", { body: { overlap_s: 30 } });
    const after = await originSecret();
    await api.job([{ url: `${receiver.url}/rotated` }]);
    const request = await receiver.waitFor((r) => r.path === "/rotated", 10_000);
    expect([signs(request, before), signs(request, after)]).toEqual([true, true]);
    secrets.push(after);
  });

  test("a retry is signed with the secrets of its own time", async () => {
    const { id, secret: first } = await api.endpoint(receiver.url, { events: ["r.c"] });
    receiver.respond(500);
    const { deliveries } = await api.publish("r.c");
    await receiver.waitFor(1, 10_000);
    const path = `/v1/endpoints/${id}/rotate-secret`;
    const { secret: second } = await api.must(200, "POST", path, { body: { overlap_s: 0 } });
    receiver.respond(200);
    await api.ended(deliveries[0]!.id);
    const [one, last] = [receiver.requests[0]!, receiver.requests.at(-1)!];
    expect([signs(one, first), signs(last, first), signs(last, String(second))]).toEqual([
      true,
      false,
      true,
    ]);
  });
});

test("no secret is in the database in clear", async () => {
  const raw = secrets.map((secret) => secret.slice("whsec_".length));
  expect(raw.length).toBeGreaterThan(8);
  const { found, tables } = await findInDatabase(api.database.url, [...raw, /whsec_|whsk_/]);
  expect(tables).toContain("public.signing_secrets");
  expect(found).toEqual([]);
  // what is sealed must be found by a rotation of the master key
  const sealed = await findInDatabase(api.database.url, [/sealed:[0-9a-f]{8}:/]);
  const known = SEALED_COLUMNS.map(({ table }) => table).concat("settings", "idempotency_records");
  for (const one of sealed.found) {
    const table = /^public\.([a-z_]+?)(_default|_kept_\d+|_\d{8})?:/.exec(one)?.[1];
    expect(known).toContain(table);
  }
});
