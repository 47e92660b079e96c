import { ENDPOINT_DEFAULTS } from "../../src/core/endpoint.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { LOOPBACK_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import { createTransport } from "../../src/transport/send.ts";
import type { ResolvedAddress } from "../../src/transport/target-guard.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { audit, eventually, ONCE, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { AttemptView, DeliveryApi, DeliveryView } from "../support/delivery.ts";
import { REDIRECT_TARGET, startHostileReceiver } from "../support/hostile-receiver.ts";
import type { HostileReceiver } from "../support/hostile-receiver.ts";

// 127.0.0.2 stands for an address that may be called, 127.0.0.1 for one that may not; both listen
// on one port, so that a slip shows as a connection.
const rules = parseAllowTargets("127.0.0.2/32");
const answers = new Map<string, string[][]>();
const asked = new Map<string, number>();

async function resolve(hostname: string): Promise<ResolvedAddress[]> {
  const count = asked.get(hostname) ?? 0;
  asked.set(hostname, count + 1);
  const list = answers.get(hostname) ?? [];
  const addresses = list[Math.min(count, list.length - 1)] ?? [];
  return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

let api: DeliveryApi;
let permitted: HostileReceiver;
let forbidden: HostileReceiver;
beforeAll(async () => {
  api = await startDeliveryApi({
    config: { allowTargets: "127.0.0.2/32" },
    overrides: { transport: createTransport({ rules, resolve }) },
  });
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await Promise.all([permitted.close(), forbidden.close()]);
    await api.stop();
  }
});
beforeEach(async () => {
  await Promise.all([permitted?.close(), forbidden?.close()]);
  permitted = await startHostileReceiver("close-each-time", { host: "127.0.0.2" });
  forbidden = await startHostileReceiver("healthy", { port: permitted.port });
});

async function deliverTo(
  url: string,
  retry: object = QUICK,
): Promise<DeliveryView & { attempts: AttemptView[] }> {
  const job = await api.job([{ url, retry }]);
  const [delivery] = await eventually(async () => {
    const found = await api.deliveries(`job_id=${job}`);
    return found.length > 0 ? found : undefined;
  }, "the delivery");
  return await api.ended(delivery!.id);
}

function expectBlocked(delivery: DeliveryView & { attempts: AttemptView[] }, what: string): void {
  expect(delivery).toMatchObject({
    status: "dead",
    dead_reason: "target_blocked",
    dead_detail: expect.stringContaining(what),
  });
  expect(delivery.attempts.at(-1)).toMatchObject({
    remote_address: null,
    status_code: null,
    error_code: "target_blocked",
    error_message: expect.stringContaining(what),
    response_headers: null,
    response_body: null,
  });
}

describe("an address that may not be called", () => {
  test("given as such is refused at submission", async () => {
    for (const url of [
      `http://127.0.0.1:${forbidden.port}/`,
      "https://169.254.169.254/latest/meta-data/",
      "http://8.8.8.8/",
      "https://[::ffff:127.0.0.1]/",
    ]) {
      const body = { type: "demo.echo", input: 1, callback_url: url };
      expect(await api.must(422, "POST", "/v1/jobs", { body })).toMatchObject({
        code: "target_blocked",
      });
      expect(await api.must(422, "POST", "/v1/endpoints", { body: { url } })).toMatchObject({
        code: "target_blocked",
      });
    }
  });

  test.each([
    [["127.0.0.1"]],
    [["10.0.0.8", "192.168.1.1"]],
    [["169.254.169.254"]],
    [["::1"]],
    [["::ffff:127.0.0.1"]],
    [["64:ff9b::7f00:1"]],
    [["8.8.8.8"]],
  ])("behind a name: dead at once, one attempt on record: %j", async (addresses) => {
    const host = `inner${answers.size}.test`;
    answers.set(host, [addresses]);
    const delivery = await deliverTo(`http://${host}:${forbidden.port}/`);
    expectBlocked(delivery, host);
    expect(delivery.dead_detail).toContain(addresses[0]);
    expect(delivery.attempt_count).toBe(1);
    expect(forbidden.connections()).toBe(0);
  });

  test("behind a name that was public when it was checked first: DNS rebinding", async () => {
    answers.set("rebind.test", [["127.0.0.2"], ["127.0.0.1"]]);
    const url = `http://rebind.test:${permitted.port}/`;
    expect(await deliverTo(url)).toMatchObject({
      status: "delivered",
      attempts: [{ remote_address: "127.0.0.2" }],
    });
    expectBlocked(await deliverTo(url), "127.0.0.1");
    expect(permitted.requests).toHaveLength(1);
    expect(forbidden.connections()).toBe(0);
    // each attempt asked once: what was checked is what was dialled
    expect(asked.get("rebind.test")).toBe(2);
  });

  test("among permitted ones is passed over", async () => {
    answers.set("mixed.test", [["127.0.0.1", "::1", "127.0.0.2", "10.0.0.1"]]);
    const delivery = await deliverTo(`http://mixed.test:${permitted.port}/`);
    expect(delivery).toMatchObject({
      status: "delivered",
      attempts: [{ remote_address: "127.0.0.2", status_code: 200 }],
    });
    expect(forbidden.connections()).toBe(0);
  });

  test("is not reached by a redirect", async () => {
    const redirecting = await startHostileReceiver("redirect", { host: "127.0.0.2" });
    try {
      const delivery = await deliverTo(redirecting.url, ONCE);
      expect(delivery).toMatchObject({
        dead_reason: "exhausted",
        attempts: [{ status_code: 307, response_headers: { location: REDIRECT_TARGET } }],
      });
      expect(redirecting.requests).toHaveLength(1);
    } finally {
      await redirecting.close();
    }
  });

  test("can be replayed once the name is mended", async () => {
    answers.set("mended.test", [["127.0.0.1"], ["127.0.0.2"]]);
    const dead = await deliverTo(`http://mended.test:${permitted.port}/`);
    expectBlocked(dead, "mended.test");
    await api.must(202, "POST", `/v1/deliveries/${dead.id}/replay`);
    expect(await api.ended(dead.id)).toMatchObject({ status: "delivered", attempt_count: 2 });
  });
});

test("a name that does not resolve is tried again: dns", async () => {
  answers.set("late.test", [[], ["127.0.0.2"]]);
  const delivery = await deliverTo(`http://late.test:${permitted.port}/`);
  expect(delivery).toMatchObject({
    status: "delivered",
    attempts: [
      { number: 1, error_code: "dns", status_code: null, remote_address: null },
      { number: 2, status_code: 200 },
    ],
  });
});

test("what was accepted while a range was open is blocked once it is closed", async () => {
  const open = await createTestContext({
    database: api.database,
    worker: false,
    config: { allowTargets: LOOPBACK_TARGETS },
  } satisfies Parameters<typeof createTestContext>[0]);
  try {
    const delivery = await acceptedElsewhere(open, `http://127.0.0.1:${forbidden.port}/hook`);
    expectBlocked(await api.ended(delivery), "127.0.0.1");
    expect(forbidden.connections()).toBe(0);
  } finally {
    await open.stop();
  }
});

/** An endpoint and a message made by a process with other rules. Returns the delivery's id. */
async function acceptedElsewhere(other: TestContext, url: string): Promise<string> {
  const { createEndpoint } = await import("../../src/flow/accounts/endpoints.ts");
  await createEndpoint(other.context, {
    accountId: api.accountId,
    url,
    ...ENDPOINT_DEFAULTS,
    events: ["elsewhere"],
    headers: {},
    timeout_s: 1,
    retry: QUICK,
    secret: null,
  });
  return (await api.publish("elsewhere")).deliveries[0]!.id;
}
