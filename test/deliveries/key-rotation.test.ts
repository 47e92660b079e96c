import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createVerifier, remoteJwks } from "../../src/client/webhooks.ts";
import { startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";
import { verifyV1a } from "../support/verify-v1a.ts";

interface Key {
  kid: string;
  public_key: string;
  not_before: string;
  expires_at: string | null;
}

interface Keys extends Key {
  previous: Key | null;
  next: Key | null;
  jwks_url: string;
}

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
  await api.endpoint(receiver.url, { events: ["k.a"], signatures: ["v1a"] });
  await api.endpoint(`${receiver.url}/v1`, { events: ["k.v1"], signatures: ["v1"] });
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});
beforeEach(() => {
  receiver.requests.length = 0;
});

async function readKeys(): Promise<Keys> {
  return (await api.must(200, "GET", "/v1/signing-key")) as unknown as Keys;
}

async function rotate(body: object): Promise<Keys> {
  return (await api.must(200, "POST", "/v1/signing-key/rotate", { body })) as unknown as Keys;
}

async function send(type = "k.a"): Promise<ReceivedRequest> {
  const { id } = await api.publish(type);
  return await receiver.waitFor((one) => one.headers["webhook-id"] === id, 10_000);
}

function kidsOf(request: ReceivedRequest): string[] {
  return request.headers["webhook-key-id"]!.split(" ");
}

/** Each signature is that of the key that has its place in `webhook-key-id`. */
function signedBy(request: ReceivedRequest, keys: Key[]): boolean {
  const { "webhook-id": id, "webhook-timestamp": time } = request.headers;
  const content = Buffer.concat([Buffer.from(`${id}.${time}.`), request.body]);
  const signatures = request.headers["webhook-signature"]!.split(" ");
  return (
    signatures.length === keys.length &&
    keys.every((key, n) => verifyV1a(signatures[n]!, key.public_key, content)) &&
    kidsOf(request).join() === keys.map(({ kid }) => kid).join()
  );
}

async function sentUntil(done: (request: ReceivedRequest) => boolean): Promise<ReceivedRequest> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const request = await send();
    if (done(request)) return request;
    if (performance.now() > deadline) throw new Error(`still ${kidsOf(request).join()}`);
  }
}

test("a webhook names the key of its v1a signature; without one it names none", async () => {
  const keys = await readKeys();
  expect(keys).toMatchObject({ expires_at: null, previous: null, next: null });
  expect(signedBy(await send(), [keys])).toBe(true);
  const { headers } = await send("k.v1");
  expect(headers["webhook-signature"]).toMatch(/^v1,\S+$/);
  expect(headers).not.toHaveProperty("webhook-key-id");
});

test("the id of a key is shown with the attempt, not redacted", async () => {
  const { deliveries } = await api.publish("k.a");
  const { attempts } = await api.ended(deliveries[0]!.id);
  expect(attempts[0]!.request_headers["webhook-key-id"]).toBe((await readKeys()).kid);
  expect(Object.keys(attempts[0]!.request_headers)).toEqual([
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "webhook-key-id",
    "traceparent",
    "x-request-id",
    "ringback-attempt",
  ]);
});

describe("rotation", () => {
  test("goes on while webhooks do: each verifies with the keys as its receiver fetched them", async () => {
    const first = await readKeys();
    const url = new URL(new URL(first.jwks_url).pathname, `http://127.0.0.1:${api.port}`);
    // seconds stand for hours: some keep what they fetched until a key is unknown, one asks often
    const cooldownSeconds = 1;
    const verifiers = [
      createVerifier(remoteJwks(url, { cooldownSeconds })),
      createVerifier(remoteJwks(url, { cooldownSeconds, maxAgeSeconds: 1 })),
      createVerifier(remoteJwks(`${url.origin}/.well-known/jwks.json`, { cooldownSeconds })),
    ];
    const pinned = createVerifier(first.public_key);
    const seen = new Set<string>();
    const wrong: string[] = [];
    const verifyAll = async (request: ReceivedRequest): Promise<void> => {
      seen.add(kidsOf(request).join());
      for (const [n, verify] of verifiers.entries()) {
        await verify(request.body, request.headers).catch((error: Error) =>
          wrong.push(`${n}: ${kidsOf(request).join()}: ${error.message}`),
        );
      }
    };
    await verifyAll(await send());

    const rotated = await rotate({ activate_in_s: 2, overlap_s: 3 });
    expect(rotated).toMatchObject({ kid: first.kid, previous: null });
    const next = rotated.next!;
    expect(Date.parse(rotated.expires_at!) - Date.parse(next.not_before)).toBe(3_000);
    const ends = Date.parse(rotated.expires_at!);
    while (Date.now() < ends + 2_000) {
      const request = await send();
      await verifyAll(request);
      const sentBy = (Number(request.headers["webhook-timestamp"]) + 1) * 1000;
      if (sentBy <= ends) await pinned(request.body, request.headers);
    }
    expect(wrong).toEqual([]);
    const orders = [first.kid, `${next.kid},${first.kid}`, next.kid];
    expect([...seen]).toEqual(orders);

    const now = await readKeys();
    expect(now).toMatchObject({ ...next, previous: null, next: null });
    expect(signedBy(await send(), [now])).toBe(true);
  });

  test("again before it began: what was to come is dropped, the current key goes on", async () => {
    const current = await readKeys();
    const { next: dropped } = await rotate({ activate_in_s: 60, overlap_s: 60 });
    const again = await rotate({ activate_in_s: 3_600, overlap_s: 0 });
    expect(again.kid).toBe(current.kid);
    expect(again.next!.kid).not.toBe(dropped!.kid);
    expect(again.expires_at).toBe(again.next!.not_before);
    expect(signedBy(await send(), [current])).toBe(true);
  });

  test("again while two sign: never more than two, and the oldest ends", async () => {
    const one = await readKeys();
    const two = await rotate({ activate_in_s: 0, overlap_s: 3_600 });
    expect(two).toMatchObject({ previous: { kid: one.kid }, next: null, expires_at: null });
    await sentUntil((request) => signedBy(request, [two, one]));

    const three = await rotate({ activate_in_s: 3, overlap_s: 3_600 });
    expect(three.kid).toBe(two.kid);
    expect(three.previous).toEqual({ ...two.previous, expires_at: three.next!.not_before });
    expect(signedBy(await send(), [two, one])).toBe(true);
    await sentUntil((request) => signedBy(request, [three.next!, two]));
    expect((await readKeys()).previous!.kid).toBe(two.kid);

    const four = await rotate({ activate_in_s: 0, overlap_s: 0 });
    expect(four).toMatchObject({ previous: null, next: null });
    await sentUntil((request) => signedBy(request, [four]));
  });

  test("many at once leave one key that goes on, and at most two that sign", async () => {
    const bodies = [0, 0, 1, 0, 600, 0, 2, 0].map((s) => ({ activate_in_s: s, overlap_s: 60 }));
    await Promise.all(bodies.map(rotate));
    const { rows } = await api.database.pool.query<{ last: number; sign: number }>(
      `select count(*) filter (where expires_at is null)::int as last,
         count(*) filter (where not_before <= clock_timestamp()
           and (expires_at is null or expires_at > clock_timestamp()))::int as sign
       from signing_keys where account_id = $1`,
      [api.accountId],
    );
    expect(rows[0]!.last).toBe(1);
    expect([1, 2]).toContain(rows[0]!.sign);
    await sleep(600);
    expect(kidsOf(await send()).length).toBeLessThanOrEqual(2);
  });
});
