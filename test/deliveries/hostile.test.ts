import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { LOOPBACK_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import { createTransport } from "../../src/transport/send.ts";
import { eventually, findGaps, ONCE, readBooks, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startHostileReceiver, testPem } from "../support/hostile-receiver.ts";
import type { HostileKind, HostileReceiver } from "../support/hostile-receiver.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const TRIES = 3;
const TIMEOUT = "no complete response within 1000 ms";

const timeout = { error_code: "timeout", error_message: TIMEOUT };
const unanswered = {
  status_code: null,
  response_headers: null,
  response_body: null,
  response_truncated: false,
};
const failed = (error_code: string): object => ({ ...unanswered, error_code });
const answered = (response_body: string, status_code = 200): object => ({
  status_code,
  error_code: null,
  error_message: null,
  response_body,
  response_truncated: false,
});
const seen = { status_code: 200, response_headers: { "x-seen": "yes" } };

/** What each way to behave leaves in the log, and whether it counts as delivered. */
const EXPECTED: Record<HostileKind, [status: "delivered" | "dead", attempt: object]> = {
  healthy: ["delivered", answered("received")],
  "tls-healthy": ["delivered", answered("received")],
  "close-when-idle": ["delivered", answered("received")],
  "close-each-time": ["delivered", answered("received")],
  informational: ["delivered", answered("final")],
  // The receiver never reads again, so what is sent on the same connection later is left there.
  "early-answer": [expect.stringMatching(/^(delivered|dead)$/) as unknown as "dead", {}],
  endless: ["delivered", { ...answered("€".repeat(5_461)), response_truncated: true }],
  redirect: ["dead", answered("", 307)],
  "hang-before-headers": ["dead", { ...unanswered, ...timeout }],
  "hang-after-headers": [
    "dead",
    { ...seen, ...timeout, response_body: "", response_truncated: true },
  ],
  trickle: [
    "dead",
    { ...seen, ...timeout, response_body: expect.stringMatching(/^x+$/), response_truncated: true },
  ],
  "reset-in-headers": ["dead", failed("reset")],
  "reset-in-body": [
    "dead",
    { status_code: 200, error_code: "reset", response_body: "part", response_truncated: true },
  ],
  "close-without-answer": ["dead", failed("reset")],
  "close-on-connect": ["dead", failed("reset")],
  garbage: ["dead", failed("protocol")],
  "huge-headers": ["dead", failed("protocol")],
  // refused after a few, or out of time when a busy machine lets them come slowly
  "informational-flood": [
    "dead",
    { ...unanswered, error_code: expect.stringMatching(/^(protocol|timeout)$/) },
  ],
  "switching-protocols": ["dead", failed("protocol")],
  "tls-wrong-host": ["dead", failed("tls")],
  "tls-never-shakes-hands": ["dead", { ...unanswered, ...timeout }],
  "plain-behind-https": ["dead", failed("tls")],
};
const KINDS = Object.keys(EXPECTED) as HostileKind[];

let api: DeliveryApi;
let neighbour: Receiver;
const receivers = new Map<HostileKind, HostileReceiver>();
const endpointIds = new Map<HostileKind, string>();
const published = new Map<string, number>();

beforeAll(async () => {
  api = await startDeliveryApi({
    overrides: {
      transport: createTransport({
        rules: parseAllowTargets(LOOPBACK_TARGETS),
        ca: testPem("localhost", "cert"),
      }),
    },
  });
  neighbour = await startReceiver();
  await api.endpoint(neighbour.url, { events: ["h"] });
  for (const kind of KINDS) {
    const receiver = await startHostileReceiver(kind);
    receivers.set(kind, receiver);
    const { id } = await api.endpoint(receiver.url, { events: ["h"], timeout_s: 1, retry: ONCE });
    endpointIds.set(kind, id);
  }
  for (let n = 0; n < TRIES; n++) {
    const at = Date.now();
    published.set((await api.publish("h", { n })).id, at);
  }
});
afterAll(async () => {
  await Promise.all([...receivers.values()].map((one) => one.close()));
  await neighbour?.close();
  await api?.stop();
});

/** Whether the receiver had closed the connection by the time the request reached it. */
function metTheEnd({ attempts }: { attempts: { error_code: string | null }[] }): boolean {
  return attempts[0]?.error_code === "reset";
}

describe("receivers that behave in their own ways, all at once", () => {
  test.each(KINDS)("%s", async (kind) => {
    const [status, expected] = EXPECTED[kind];
    const mine = await api.deliveries(`endpoint_id=${endpointIds.get(kind)}`);
    expect(mine).toHaveLength(TRIES);
    const ended = await Promise.all(mine.map(({ id }) => api.ended(id)));
    // a request may meet the end of its idle connection on the way, and is not made twice
    const met = kind === "close-when-idle" ? ended.filter(metTheEnd) : [];
    expect(met.length).toBeLessThan(TRIES);
    for (const delivery of ended.filter((one) => !met.includes(one))) {
      expect(delivery).toMatchObject({
        status,
        attempt_count: 1,
        dead_reason: delivery.status === "dead" ? "exhausted" : null,
      });
      const [attempt] = delivery.attempts;
      expect(attempt).toMatchObject({ number: 1, remote_address: "127.0.0.1", ...expected });
      expect(attempt!.duration_ms).toBeLessThan(3_000);
      if (kind === "early-answer") {
        const outcome = delivery.status === "dead" ? timeout : answered("early");
        expect(attempt).toMatchObject(outcome);
      }
      if (attempt!.error_code !== null) {
        expect(attempt!.error_message).toMatch(/^[^\n\0]{5,300}$/);
        expect(delivery.dead_detail).toContain(`${attempt!.error_code}: ${attempt!.error_message}`);
      }
    }
    const receiver = receivers.get(kind)!;
    // one try is one request: what a receiver does to it is never answered by a second one
    expect(receiver.requests.length).toBeLessThanOrEqual(TRIES);
    if (kind === "endless") expect(receiver.bytesSent() / TRIES).toBeLessThan(16_000_000);
  });

  test("none of them delayed the healthy neighbour", async () => {
    await neighbour.waitFor(TRIES, 10_000);
    for (const { headers, receivedAt } of neighbour.requests) {
      const latency = receivedAt.getTime() - published.get(headers["webhook-id"]!)!;
      expect(latency).toBeLessThan(3_000);
    }
  });

  test("no connection is left open to those that broke", async () => {
    for (const kind of KINDS.filter((one) => EXPECTED[one][0] === "dead" && one !== "redirect")) {
      const receiver = receivers.get(kind)!;
      await eventually(() => (receiver.open() === 0 ? true : undefined), `${kind} to be left`);
    }
  });

  test("the books balance, and no attempt is missing", async () => {
    expect(await findGaps(api.database.pool)).toEqual([]);
    const books = await readBooks(api.database.pool);
    expect(books).toMatchObject({
      messages: TRIES,
      unbalanced: 0,
      created: TRIES * (KINDS.length + 1),
      pending: 0,
      canceled: 0,
    });
    expect(books.delivered).toBeGreaterThan(TRIES * 7);
    expect(books.delivered).toBeLessThanOrEqual(TRIES * 8);
  });
});

test("endless answers to many deliveries cost bounded memory", async () => {
  const endless = receivers.get("endless")!;
  await api.endpoint(endless.url, { events: ["many"], timeout_s: 1, max_in_flight: 50 });
  const before = process.memoryUsage().rss;
  let most = before;
  const ids = [];
  for (let n = 0; n < 100; n++) {
    ids.push((await api.publish("many", { n })).deliveries[0]!.id);
    most = Math.max(most, process.memoryUsage().rss);
  }
  for (const id of ids) expect(await api.ended(id)).toMatchObject({ status: "delivered" });
  most = Math.max(most, process.memoryUsage().rss);
  expect(most - before).toBeLessThan(250_000_000);
});
