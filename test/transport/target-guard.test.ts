import { NO_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import { createTransport } from "../../src/transport/send.ts";
import type { ResolvedAddress } from "../../src/transport/target-guard.ts";
import { startHostileReceiver, type HostileReceiver } from "../support/hostile-receiver.ts";

// 127.0.0.2 stands for an address that may be called, 127.0.0.1 for one that may not; both listen
// on one port, so that a slip shows as a connection.
const rules = parseAllowTargets("127.0.0.2/32");
let permitted: HostileReceiver;
let forbidden: HostileReceiver;

beforeEach(async () => {
  permitted = await startHostileReceiver("close-each-time", { host: "127.0.0.2" });
  forbidden = await startHostileReceiver("healthy", { port: permitted.port });
});
afterEach(async () => {
  await Promise.all([permitted.close(), forbidden.close()]);
});

function addresses(...list: string[]): ResolvedAddress[] {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

/** Sends to a name once per answer of its resolver. */
async function sendEach(answers: ResolvedAddress[][]) {
  let asked = 0;
  const resolve = async () => answers[asked++] ?? [];
  const transport = createTransport({ rules, resolve });
  const exchanges = [];
  const url = `http://rebind.test:${permitted.port}/`;
  for (const _ of answers) {
    exchanges.push(
      await transport.send({ lane: "lane", url, headers: {}, body: "{}", timeoutMs: 2_000 }),
    );
  }
  await transport.close();
  return { exchanges, asked };
}

describe("the guard of addresses", () => {
  it("asks once per connection and dials what it checked: DNS rebinding", async () => {
    const { exchanges, asked } = await sendEach([addresses("127.0.0.2"), addresses("127.0.0.1")]);
    expect(exchanges[0]).toMatchObject({ statusCode: 200, remoteAddress: "127.0.0.2" });
    expect(exchanges[1]).toMatchObject({
      statusCode: null,
      remoteAddress: null,
      error: { code: "target_blocked" },
    });
    expect(exchanges[1]?.error?.message).toContain("rebind.test (127.0.0.1)");
    expect(asked).toBe(2);
    expect(permitted.requests).toHaveLength(1);
    expect(forbidden.connections()).toBe(0);
  });

  it("dials the permitted ones of mixed answers", async () => {
    const { exchanges } = await sendEach([
      addresses("127.0.0.1", "127.0.0.2"),
      addresses("::1", "10.0.0.1", "127.0.0.2", "127.0.0.1"),
      addresses("::ffff:127.0.0.1", "127.0.0.2"),
    ]);
    for (const exchange of exchanges) {
      expect(exchange).toMatchObject({ statusCode: 200, remoteAddress: "127.0.0.2" });
    }
    expect(forbidden.connections()).toBe(0);
  });

  it("tries the next permitted address when one refuses", async () => {
    const both = parseAllowTargets("127.0.0.2/32,127.0.0.3/32");
    const transport = createTransport({
      rules: both,
      resolve: async () => addresses("127.0.0.3", "127.0.0.1", "127.0.0.2"),
    });
    const url = `http://two.test:${permitted.port}/`;
    const exchange = await transport.send({
      lane: "lane",
      url,
      headers: {},
      body: "{}",
      timeoutMs: 2_000,
    });
    expect(exchange).toMatchObject({ statusCode: 200, remoteAddress: "127.0.0.2" });
    expect(forbidden.connections()).toBe(0);
    await transport.close();
  });

  it.each([
    [addresses("127.0.0.1")],
    [addresses("::1")],
    [addresses("::ffff:127.0.0.1")],
    [addresses("169.254.169.254", "10.0.0.1", "fd00::1")],
    [[{ address: "rebind.test", family: 4 as const }]],
    [[{ address: "127.0.0.1", family: 6 as const }]],
  ])("blocks a name that has only %j", async (answer) => {
    const { exchanges } = await sendEach([answer]);
    expect(exchanges[0]).toMatchObject({
      remoteAddress: null,
      error: { code: "target_blocked", message: expect.stringContaining("rebind.test") },
    });
    expect(forbidden.connections()).toBe(0);
  });

  it("keeps plain http from public addresses that a name resolves to", async () => {
    const transport = createTransport({ rules, resolve: async () => addresses("8.8.8.8") });
    const url = "http://public.test/";
    const exchange = await transport.send({
      lane: "lane",
      url,
      headers: {},
      body: "",
      timeoutMs: 500,
    });
    expect(exchange.error).toMatchObject({ code: "target_blocked" });
    await transport.close();
  });

  it.each(["http://127.0.0.1", "http://[::1]", "http://[::ffff:127.0.0.1]", "https://127.0.0.1"])(
    "blocks the literal %s, which is never looked up",
    async (origin) => {
      let asked = 0;
      const resolve = async () => {
        asked += 1;
        return addresses("127.0.0.1");
      };
      const transport = createTransport({ rules: NO_TARGETS, resolve });
      const url = `${origin}:${permitted.port}/`;
      const exchange = await transport.send({
        lane: "lane",
        url,
        headers: {},
        body: "{}",
        timeoutMs: 500,
      });
      expect(exchange).toMatchObject({ remoteAddress: null, error: { code: "target_blocked" } });
      expect(asked).toBe(0);
      expect(forbidden.connections()).toBe(0);
      await transport.close();
    },
  );

  it("shares one lookup between sends that wait for it", async () => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      await new Promise((done) => setTimeout(done, 20));
      return addresses("127.0.0.2");
    };
    const transport = createTransport({ rules, resolve });
    const url = `http://shared.test:${permitted.port}/`;
    const sends = Array.from({ length: 10 }, () =>
      transport.send({ lane: "lane", url, headers: {}, body: "{}", timeoutMs: 2_000 }),
    );
    const exchanges = await Promise.all(sends);
    expect(exchanges.every(({ statusCode }) => statusCode === 200)).toBe(true);
    expect(asked).toBe(1);
    await transport.close();
  });
});
