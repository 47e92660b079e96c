import { setTimeout as sleep } from "node:timers/promises";
import { LOOPBACK_TARGETS, NO_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import {
  createTransport,
  type SendRequest,
  type Transport,
  type TransportOptions,
} from "../../src/transport/send.ts";
import {
  REDIRECT_TARGET,
  startHostileReceiver,
  testPem,
  type HostileKind,
  type HostileReceiver,
} from "../support/hostile-receiver.ts";

const rules = parseAllowTargets(LOOPBACK_TARGETS);
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function receiver(kind: HostileKind): Promise<HostileReceiver> {
  const started = await startHostileReceiver(kind);
  cleanups.push(() => started.close());
  return started;
}

function transport(options: Partial<TransportOptions> = {}): Transport {
  const made = createTransport({ rules, ca: testPem("localhost", "cert"), ...options });
  cleanups.push(() => made.close());
  return made;
}

function post(url: string, rest: Partial<SendRequest> = {}): SendRequest {
  const headers = { "content-type": "application/json" };
  return { lane: "lane", url, headers, body: '{"n":1}', timeoutMs: 2_000, ...rest };
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 3_000) throw new Error("waited in vain");
    await sleep(5);
  }
}

describe("a healthy receiver", () => {
  it("gets the body byte for byte, and its answer comes back whole", async () => {
    const to = await receiver("healthy");
    const body = '{"text":"Grüße, 世界 🎉"}';
    const before = Date.now();
    const exchange = await transport().send(
      post(to.url, { body, headers: { "content-type": "application/json", "x-a": "caf\u00e9" } }),
    );
    expect(exchange).toMatchObject({
      remoteAddress: "127.0.0.1",
      statusCode: 200,
      responseBody: "received",
      responseTruncated: false,
      error: null,
    });
    expect(exchange.responseHeaders).toMatchObject({ "content-type": "text/plain" });
    expect(exchange.startedAt.getTime()).toBeGreaterThanOrEqual(before - 1);
    expect(exchange.durationMs).toBeLessThan(1_000);
    expect(to.requests).toHaveLength(1);
    const [request] = to.requests;
    expect(request).toMatchObject({ method: "POST", path: "/hook?from=test", body });
    expect(request?.headers).toMatchObject({
      host: `127.0.0.1:${to.port}`,
      "content-length": String(Buffer.byteLength(body)),
      "content-type": "application/json",
      "x-a": "caf\u00e9",
    });
  });

  it("is called over TLS by a name its certificate carries, at the address resolved", async () => {
    const to = await receiver("tls-healthy");
    const resolve = async () => [{ address: "127.0.0.1", family: 4 as const }];
    const exchange = await transport({ resolve }).send(post(`https://receiver.test:${to.port}/`));
    expect(exchange).toMatchObject({ statusCode: 200, remoteAddress: "127.0.0.1", error: null });
  });

  it("sees one connection for consecutive sends of a lane, another for another lane", async () => {
    const to = await receiver("healthy");
    const sender = transport();
    for (const lane of ["a", "a", "a", "b"]) {
      const exchange = await sender.send(post(to.url, { lane }));
      expect(exchange).toMatchObject({ statusCode: 200, remoteAddress: "127.0.0.1" });
    }
    const ports = to.requests.map(({ remotePort }) => remotePort);
    expect(new Set(ports.slice(0, 3)).size).toBe(1);
    expect(ports[3]).not.toBe(ports[0]);
    expect(to.connections()).toBe(2);
    expect(sender.openConnections()).toBe(2);
  });
});

describe("a hostile receiver", () => {
  const seen = { statusCode: 200, responseHeaders: expect.objectContaining({ "x-seen": "yes" }) };

  it.each<[HostileKind, object]>([
    ["hang-before-headers", { statusCode: null, responseHeaders: null, responseBody: null }],
    ["hang-after-headers", { ...seen, responseBody: "", responseTruncated: true }],
    ["trickle", { ...seen, responseBody: expect.stringMatching(/^x+$/), responseTruncated: true }],
    ["tls-never-shakes-hands", { statusCode: null }],
  ])("that will not finish is left after the time allowed: %s", async (kind, expected) => {
    const to = await receiver(kind);
    const sender = transport();
    const exchange = await sender.send(post(to.url, { timeoutMs: 300 }));
    const error = { code: "timeout", message: "no complete response within 300 ms" };
    expect(exchange).toMatchObject({ ...expected, remoteAddress: "127.0.0.1", error });
    expect(exchange.durationMs).toBeGreaterThanOrEqual(290);
    expect(exchange.durationMs).toBeLessThan(1_000);
    await until(() => to.open() === 0 && sender.openConnections() === 0);
  });

  it.each<[HostileKind, string, object]>([
    ["reset-in-headers", "reset", { statusCode: null }],
    ["reset-in-body", "reset", { statusCode: 200, responseBody: "part", responseTruncated: true }],
    ["close-without-answer", "reset", { statusCode: null }],
    ["close-on-connect", "reset", { statusCode: null }],
    ["garbage", "protocol", { statusCode: null }],
    ["huge-headers", "protocol", { statusCode: null, responseHeaders: null }],
    ["informational-flood", "protocol", { statusCode: null }],
    ["switching-protocols", "protocol", { statusCode: null }],
    ["tls-wrong-host", "tls", { statusCode: null }],
    ["plain-behind-https", "tls", { statusCode: null }],
  ])("%s is told as %s", async (kind, code, expected) => {
    const to = await receiver(kind);
    const sender = transport();
    const exchange = await sender.send(post(to.url));
    expect(exchange).toMatchObject({ ...expected, remoteAddress: "127.0.0.1", error: { code } });
    expect(exchange.error?.message).toMatch(/^[^\n\0]{5,300}$/);
    expect(exchange.durationMs).toBeLessThan(1_000);
    expect(to.connections()).toBeLessThanOrEqual(2);
    await until(() => sender.openConnections() === 0);
  });

  it("that sends without end costs bounded time and memory, and counts as answered", async () => {
    const to = await receiver("endless");
    const sender = transport();
    const before = process.memoryUsage().rss;
    const sends = Array.from({ length: 30 }, () => sender.send(post(to.url)));
    for (const exchange of await Promise.all(sends)) {
      // 16,384 bytes end inside a three-byte character, which is left out.
      expect(exchange).toMatchObject({
        statusCode: 200,
        responseBody: "€".repeat(5_461),
        responseTruncated: true,
        error: null,
      });
    }
    await until(() => to.open() === 0);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    // What fits into the sockets' own buffers, not a stream that ran on.
    expect(to.bytesSent() / 30).toBeLessThan(16_000_000);
  });

  it("that redirects is not followed", async () => {
    const to = await receiver("redirect");
    const exchange = await transport().send(post(to.url));
    expect(exchange).toMatchObject({ statusCode: 307, error: null });
    expect(exchange.responseHeaders).toMatchObject({ location: REDIRECT_TARGET });
    expect(to.requests).toHaveLength(1);
  });

  it("may send 100, 102 and 103 before its answer", async () => {
    const to = await receiver("informational");
    const sender = transport();
    for (let n = 0; n < 2; n += 1) {
      const exchange = await sender.send(post(to.url));
      expect(exchange).toMatchObject({ statusCode: 200, responseBody: "final", error: null });
    }
    expect(to.connections()).toBe(1);
  });

  it("that answers without reading the request does not get a second one on it", async () => {
    const to = await receiver("early-answer");
    const sender = transport();
    const body = "x".repeat(20_000_000);
    for (let n = 0; n < 2; n += 1) {
      const exchange = await sender.send(post(to.url, { body }));
      expect(exchange).toMatchObject({ statusCode: 200, responseBody: "early", error: null });
    }
    expect(to.connections()).toBe(2);
  });

  it("with a certificate for another host is refused each time, also by a resumed session", async () => {
    const to = await receiver("tls-wrong-host");
    const resolve = async () => [{ address: "127.0.0.1", family: 4 as const }];
    const sender = transport({ resolve, ca: testPem("elsewhere", "cert") });
    const good = await sender.send(post(`https://elsewhere.test:${to.port}/`));
    expect(good).toMatchObject({ statusCode: 200 });
    for (let n = 0; n < 3; n += 1) {
      const exchange = await sender.send(post(`https://receiver.test:${to.port}/`));
      expect(exchange).toMatchObject({ statusCode: null, error: { code: "tls" } });
      expect(exchange.error?.message).toContain("receiver.test");
    }
    expect(to.requests).toHaveLength(1);
  });

  it("does not slow a healthy one: 200 at once to each", async () => {
    const hanging = await receiver("hang-before-headers");
    const healthy = await receiver("healthy");
    const sender = transport();
    let settled = 0;
    const held = Array.from({ length: 200 }, async (_, n) => {
      const exchange = await sender.send(post(hanging.url, { lane: `bad-${n}`, timeoutMs: 1_500 }));
      settled += 1;
      return exchange;
    });
    const sends = Array.from({ length: 200 }, (_, n) =>
      sender.send(post(healthy.url, { lane: `good-${n % 20}` })),
    );
    const answered = await Promise.all(sends);
    expect(settled).toBe(0);
    expect(answered.every(({ statusCode }) => statusCode === 200)).toBe(true);
    const given = await Promise.all(held);
    expect(given.every(({ error }) => error?.code === "timeout")).toBe(true);
    expect(Math.max(...given.map(({ durationMs }) => durationMs))).toBeLessThan(3_000);
    await until(() => hanging.open() === 0);
  });
});

describe("failures before a connection", () => {
  it("names a refused connection, and the address dialled", async () => {
    const to = await startHostileReceiver("healthy");
    await to.close();
    const exchange = await transport().send(post(to.url));
    expect(exchange).toMatchObject({
      remoteAddress: "127.0.0.1",
      statusCode: null,
      error: { code: "connect", message: expect.stringContaining("ECONNREFUSED") },
    });
  });

  it("names a failure of DNS, dialling nothing", async () => {
    const resolve = async (hostname: string) => {
      const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
      throw Object.assign(error, { code: "ENOTFOUND" });
    };
    const exchange = await transport({ resolve }).send(post("https://nowhere.test/"));
    expect(exchange).toMatchObject({
      remoteAddress: null,
      error: { code: "dns", message: expect.stringContaining("nowhere.test") },
    });
    const none = await transport({ resolve: async () => [] }).send(post("https://empty.test/"));
    expect(none).toMatchObject({ remoteAddress: null, error: { code: "dns" } });
  });

  it("has a time of its own for connecting", async () => {
    const to = await receiver("tls-never-shakes-hands");
    const exchange = await transport({ connectTimeoutMs: 100 }).send(
      post(to.url, { timeoutMs: 8_000 }),
    );
    expect(exchange.error).toMatchObject({ code: "timeout" });
    expect(exchange.durationMs).toBeLessThan(1_000);
  });

  it("gives up on a resolver that hangs, and does not dial when it answers late", async () => {
    const to = await receiver("healthy");
    const late = Promise.withResolvers<{ address: string; family: 4 }[]>();
    const sender = transport({ resolve: () => late.promise });
    const exchange = await sender.send(post(`http://late.test:${to.port}/`, { timeoutMs: 100 }));
    expect(exchange).toMatchObject({ remoteAddress: null, error: { code: "timeout" } });
    late.resolve([{ address: "127.0.0.1", family: 4 }]);
    await sleep(50);
    expect(to.connections()).toBe(0);
  });

  it("never rejects, whatever it is given", async () => {
    const to = await receiver("healthy");
    const sender = transport();
    const bad = [
      post("not a url"),
      post("ftp://127.0.0.1/"),
      post(to.url, { headers: { "bad name": "x" } }),
      post(to.url, { headers: { "x-bad": "a\r\nb: c" } }),
    ];
    for (const request of bad) {
      expect((await sender.send(request)).error).not.toBeNull();
    }
    expect(to.requests).toHaveLength(0);
    expect(await sender.send(post(to.url))).toMatchObject({ statusCode: 200 });
  });

  it("refuses plain http and private addresses unless they are allowed", async () => {
    const to = await receiver("healthy");
    const exchange = await transport({ rules: NO_TARGETS }).send(post(to.url));
    expect(exchange).toMatchObject({
      remoteAddress: null,
      error: { code: "target_blocked", message: expect.stringContaining("127.0.0.1") },
    });
    expect(to.connections()).toBe(0);
  });
});
