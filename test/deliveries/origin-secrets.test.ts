import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newSecret } from "../../src/core/signature.ts";
import { audit, dataOf, eventually, ONCE, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let one: Receiver;
let other: Receiver;

beforeAll(async () => {
  api = await startDeliveryApi();
  one = await startReceiver();
  other = await startReceiver();
});
afterAll(async () => {
  await audit(api.database.pool);
  await one.close();
  await other.close();
  await api.stop();
});
beforeEach(() => {
  for (const receiver of [one, other]) {
    receiver.respond(200);
    receiver.requests.length = 0;
  }
});

async function secretOf(origin: string): Promise<string> {
  const path = `/v1/signing-secret?origin=${encodeURIComponent(origin)}`;
  return String((await api.must(200, "GET", path))["secret"]);
}

/** Rotates the account's secret, and waits until the lanes that are held have the new ones. */
async function rotate(overlapS: number): Promise<void> {
  const body = { overlap_s: overlapS };
  const before = await secretOf(one.url);
  const rotated = await api.must(200, "POST", "/v1/signing-secret/rotate", { body });
  // the account's own secret is told to nobody
  expect(Object.keys(rotated)).toEqual(["previous_expires_at"]);
  for (const receiver of [one, other]) {
    const secret = await secretOf(receiver.url);
    expect(secret).not.toBe(before);
    await eventually(async () => {
      const job = await api.job([{ url: `${receiver.url}/probe`, retry: ONCE }]);
      const probe = await receiver.waitFor((r) => dataOf(r)["job_id"] === job, 10_000);
      return accepts(probe, secret) ? true : undefined;
    }, "the new secret");
    const { requests } = receiver;
    requests.splice(0, Infinity, ...requests.filter(({ path }) => path !== "/probe"));
  }
}

function accepts(request: ReceivedRequest, secret: string): boolean {
  try {
    verify(request, secret);
    return true;
  } catch {
    return false;
  }
}

/** What the holder of a secret can make, in the form of a genuine call. */
function forge(request: ReceivedRequest, secret: string): ReceivedRequest {
  const body = Buffer.from('{"type":"job.completed","data":{"result":"forged"}}');
  const now = new Date();
  const signature = new Webhook(secret).sign("msg_forged", now, body.toString());
  const headers = {
    ...request.headers,
    "webhook-id": "msg_forged",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": signature,
  };
  return { ...request, headers, body };
}

/** One delivery of a job that called `path`, once it has ended so. */
async function delivered(job: string, path: string, status: string): Promise<string> {
  return await eventually(async () => {
    const found = await api.deliveries(`job_id=${job}`);
    return found.find((d) => new URL(d.url).pathname === path && d.status === status)?.id;
  }, `${path} to be ${status}`);
}

describe("callback URLs of an account", () => {
  test("the receiver of one can't forge a call to another", async () => {
    await api.job([{ url: `${one.url}/a` }, { url: `${other.url}/b` }]);
    const [[toOne], [toOther]] = await Promise.all([
      one.waitFor(1, 10_000),
      other.waitFor(1, 10_000),
    ]);
    const [ofOne, ofOther] = [await secretOf(one.url), await secretOf(other.url)];
    expect([accepts(toOne!, ofOne), accepts(toOther!, ofOther)]).toEqual([true, true]);
    expect([accepts(toOne!, ofOther), accepts(toOther!, ofOne)]).toEqual([false, false]);

    const forged = forge(toOther!, ofOne);
    expect(accepts(forged, ofOne)).toBe(true);
    expect(accepts(forged, ofOther)).toBe(false);
    // nor do endpoints at the same place share it
    const endpoint = await api.endpoint(`${one.url}/endpoint`, { events: ["o.none"] });
    expect(accepts(forged, endpoint.secret)).toBe(false);
  });

  test("one origin has one secret, however it is written, in order or not", async () => {
    await api.job([
      { url: `${one.url}/any` },
      { url: `${one.url.replace("http://", "HTTP://")}/ordered?x=1`, ordered: true },
    ]);
    const requests = await one.waitFor(2, 10_000);
    const secret = await secretOf(`${one.url}/elsewhere?y=2`);
    for (const request of requests) verify(request, secret);
    const spellings = [
      ["https://Example.COM", "https://example.com"],
      ["https://example.com:443/hooks", "https://example.com"],
      ["https://example.com:8443", "https://example.com:8443"],
      ["http://bücher.example/", "http://xn--bcher-kva.example"],
      ["http://[::1]:80/", "http://[::1]"],
    ];
    const secrets = new Set<unknown>();
    for (const [written, origin] of spellings) {
      const path = `/v1/signing-secret?origin=${encodeURIComponent(written!)}`;
      const found = await api.must(200, "GET", path);
      expect(found).toMatchObject({ origin, previous_expires_at: null });
      secrets.add(found["secret"]);
    }
    expect(secrets.size).toBe(4);
    const { apiKey: key } = await api.addAccount("neighbour");
    const path = `/v1/signing-secret?origin=${encodeURIComponent(one.url)}`;
    const theirs = await api.must(200, "GET", path, { key });
    expect(theirs["secret"]).not.toBe(secret);
  });

  test("both secrets of each sign while the account's rotates, then the new ones alone", async () => {
    const before = [await secretOf(one.url), await secretOf(other.url)] as const;
    await rotate(60);
    const after = [await secretOf(one.url), await secretOf(other.url)] as const;
    expect(after).not.toEqual(before);
    await api.job([{ url: `${one.url}/both` }, { url: `${other.url}/both` }]);
    const [[toOne], [toOther]] = await Promise.all([
      one.waitFor(1, 10_000),
      other.waitFor(1, 10_000),
    ]);
    const judged = (request: ReceivedRequest): boolean[] =>
      [before[0], after[0], before[1], after[1]].map((secret) => accepts(request, secret));
    expect(judged(toOne!)).toEqual([true, true, false, false]);
    expect(judged(toOther!)).toEqual([false, false, true, true]);

    await rotate(0);
    const last = await secretOf(one.url);
    await api.job([{ url: `${one.url}/last` }]);
    const request = await one.waitFor(({ path }) => path === "/last", 10_000);
    expect([last, after[0], before[0]].map((secret) => accepts(request, secret))).toEqual([
      true,
      false,
      false,
    ]);
    const kinds = request.headers["webhook-signature"]!.split(" ").map((s) => s.split(",")[0]);
    expect(kinds).toEqual(["v1", "v1a"]);
  });

  test("a job says how each is verified", async () => {
    const url = `${one.url}/how?x=1`;
    const input = {
      type: "demo.echo",
      input: 1,
      callback_url: url,
      callbacks: [
        { url, secret: newSecret() },
        { url, signatures: ["v1a"] },
        { url, signatures: ["v1"] },
      ],
    };
    const job = await api.must(202, "POST", "/v1/jobs", { body: input });
    const origin = {
      secret: "origin",
      secret_url: `http://ringback.test/v1/signing-secret?origin=${encodeURIComponent(one.url)}`,
    };
    const shown = [{ secret: "own" }, undefined, origin, origin];
    const ways = (body: Record<string, unknown>): unknown[] =>
      (body["callbacks"] as { signing?: unknown }[]).map(({ signing }) => signing);
    expect(ways(job)).toEqual(shown);
    expect(ways(await api.must(200, "GET", `/v1/jobs/${String(job["id"])}`))).toEqual(shown);
    const path = origin.secret_url.slice("http://ringback.test".length);
    expect(await api.must(200, "GET", path)).toMatchObject({ secret: await secretOf(one.url) });
  });
});

describe("a callback with a secret of its own", () => {
  test("is signed with it alone, at every attempt and after a replay", async () => {
    const secret = newSecret();
    const brought = `whsec_${Buffer.alloc(64, 9).toString("base64")}`;
    one.respond(500);
    const job = await api.job([
      { url: `${one.url}/own`, secret, retry: { max_attempts: 2, base_s: 0.1 } },
      { url: `${one.url}/brought`, secret: brought, ordered: true, retry: ONCE },
      { url: `${one.url}/plain`, retry: ONCE },
    ]);
    const dead = await delivered(job, "/own", "dead");
    const plain = await delivered(job, "/plain", "dead");
    await delivered(job, "/brought", "dead");
    const old = await secretOf(one.url);
    one.respond(200);
    await rotate(0);
    for (const id of [dead, plain]) {
      await api.must(202, "POST", `/v1/deliveries/${id}/replay`);
      expect(await api.ended(id)).toMatchObject({ status: "delivered" });
    }
    const known = new Map([
      ["own", secret],
      ["brought", brought],
      ["old", old],
      ["new", await secretOf(one.url)],
    ]);
    // what the test before has sent may come late
    const own = one.requests.filter(({ path }) => /^\/(own|brought|plain)$/.test(path));
    const signedBy = own.map((request) => [
      request.path,
      [...known].filter(([, key]) => accepts(request, key)).map(([name]) => name),
    ]);
    expect(signedBy.sort((a, b) => String(a).localeCompare(String(b)))).toEqual([
      ["/brought", ["brought"]],
      ["/own", ["own"]],
      ["/own", ["own"]],
      ["/own", ["own"]],
      ["/plain", ["new"]],
      ["/plain", ["old"]],
    ]);
  });

  test("is shown to nobody", async () => {
    const secret = newSecret();
    const key = '"shown"';
    const body = {
      type: "demo.echo",
      input: 1,
      callbacks: [{ url: `${one.url}/shown`, secret, events: ["job.started", "job.completed"] }],
    };
    const submit = { body, headers: { "idempotency-key": key } };
    const first = await api.ask("POST", "/v1/jobs", submit);
    const again = await api.ask("POST", "/v1/jobs", submit);
    expect([again.status, again.headers["idempotency-replayed"]]).toEqual([202, "true"]);
    expect(again.text).toBe(first.text);
    const id = String(first.body["id"]);
    const delivery = await delivered(id, "/shown", "delivered");
    const texts = [first.text, again.text, ...one.requests.map(({ body: sent }) => String(sent))];
    for (const path of [
      `/v1/jobs/${id}`,
      "/v1/jobs",
      `/v1/jobs/${id}/timeline`,
      `/v1/jobs/${id}/deliveries`,
      `/v1/deliveries/${delivery}`,
      `/v1/messages/${(await api.delivery(delivery)).message_id}`,
    ]) {
      const answer = await api.ask("GET", path);
      expect([path, answer.status]).toEqual([path, 200]);
      texts.push(answer.text);
    }
    for (const text of texts) {
      expect(text).not.toContain(secret.slice("whsec_".length));
      expect(text).not.toContain("sealed");
    }
  });

  test("another secret is another request; an error repeats neither it nor a header", async () => {
    const submit = async (callback: object, key = '"payload"') =>
      await api.ask("POST", "/v1/jobs", {
        body: { type: "demo.echo", input: 1, callbacks: [{ url: `${one.url}/key`, ...callback }] },
        headers: { "idempotency-key": key },
      });
    const secret = newSecret();
    const headers = { authorization: "Basic open-sesame" };
    expect((await submit({ secret, headers })).status).toBe(202);
    expect((await submit({ secret, headers })).headers["idempotency-replayed"]).toBe("true");
    for (const changed of [
      { secret: newSecret(), headers },
      { secret, headers: { authorization: "Basic open-barley" } },
      { headers },
    ]) {
      const answer = await submit(changed);
      expect([answer.status, answer.body["code"]]).toEqual([422, "idempotency_key_reused"]);
    }
    const faulty = { secret: `${secret}!`, headers: { ...headers, host: "open-sesame" } };
    for (let time = 1; time <= 2; time += 1) {
      const refused = await submit(faulty, '"faulty"');
      expect([refused.status, refused.body["code"]]).toEqual([422, "validation_failed"]);
      expect(refused.text).not.toMatch(/open-sesame|whsec_[A-Za-z0-9+/]{5}/);
      expect(refused.headers["idempotency-replayed"]).toBe(time === 1 ? undefined : "true");
    }
    expect((await submit({}, '"faulty"')).body["code"]).toBe("idempotency_key_reused");
  });
});
