import net, { type Socket } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { LOOPBACK_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import { createTransport, type Transport } from "../../src/transport/send.ts";
import { startHostileReceiver } from "../support/hostile-receiver.ts";

const rules = parseAllowTargets(LOOPBACK_TARGETS);

function send(sender: Transport, url: string, lane = "lane") {
  return sender.send({ lane, url, headers: {}, body: "{}", timeoutMs: 2_000 });
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 3_000) throw new Error("waited in vain");
    await sleep(5);
  }
}

describe("kept-alive connections", () => {
  it("closed by the receiver while idle do not cost an attempt", async () => {
    const to = await startHostileReceiver("close-when-idle");
    const sender = createTransport({ rules });
    for (let n = 1; n <= 3; n += 1) {
      expect(await send(sender, to.url)).toMatchObject({ statusCode: 200, error: null });
      await until(() => to.open() === 0);
      expect(to.connections()).toBe(n);
    }
    await sender.close();
    await to.close();
  });

  it("closed by the receiver in the same moment as a send do not cost an attempt", async () => {
    const accepted: Socket[] = [];
    const server = net.createServer((socket) => {
      accepted.push(socket);
      socket.on("error", () => undefined);
      socket.on("data", () => socket.write("HTTP/1.1 204 No Content\r\n\r\n"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const sender = createTransport({ rules });
    for (let n = 1; n <= 20; n += 1) {
      const exchange = await send(sender, `http://127.0.0.1:${port}/`);
      expect(exchange).toMatchObject({ statusCode: 204, error: null });
      expect(accepted).toHaveLength(n);
      // The close is under way, but no event has told the sender of it.
      accepted.at(-1)?.destroy();
      await setImmediate();
    }
    await sender.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it("are closed after the idle time", async () => {
    const to = await startHostileReceiver("informational");
    const sender = createTransport({ rules, idleMs: 60 });
    await send(sender, to.url);
    expect(sender.openConnections()).toBe(1);
    await until(() => sender.openConnections() === 0 && to.open() === 0);
    await sender.close();
    await to.close();
  });

  it("are kept up to a number in all, the longest unused closed first", async () => {
    const to = await startHostileReceiver("healthy");
    const sender = createTransport({ rules, maxIdle: 3 });
    for (const lane of ["a", "b", "c", "d", "e"]) await send(sender, to.url, lane);
    await until(() => sender.openConnections() === 3);
    await send(sender, to.url, "e");
    await send(sender, to.url, "c");
    expect(to.connections()).toBe(5);
    await send(sender, to.url, "a");
    expect(to.connections()).toBe(6);
    await sender.close();
    await to.close();
  });

  it("are not used again after the receiver said close", async () => {
    const to = await startHostileReceiver("close-each-time");
    const sender = createTransport({ rules });
    for (let n = 0; n < 50; n += 1) {
      expect(await send(sender, to.url)).toMatchObject({ statusCode: 200, error: null });
    }
    expect(to.connections()).toBe(50);
    await until(() => sender.openConnections() === 0);
    await sender.close();
    await to.close();
  });

  it("are given up together when one of them turns out to be dead", async () => {
    const accepted = new Set<Socket>();
    let answering = true;
    const server = net.createServer((socket) => {
      accepted.add(socket);
      socket.on("error", () => undefined);
      // A connection of before the cut takes bytes and gives nothing, like one a router forgot.
      socket.on("data", () => {
        if (answering || !old.has(socket)) socket.write("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const old = new Set<Socket>();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
    const sender = createTransport({ rules });
    const request = { lane: "lane", url, headers: {}, body: "{}", timeoutMs: 1_000 };
    await Promise.all(Array.from({ length: 5 }, () => sender.send(request)));
    expect(accepted.size).toBe(5);
    for (const socket of accepted) old.add(socket);
    answering = false;
    expect(await sender.send(request)).toMatchObject({ error: { code: "timeout" } });
    expect(await sender.send(request)).toMatchObject({ statusCode: 204 });
    expect(accepted.size).toBe(6);
    await sender.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it("serve one request at a time each", async () => {
    const to = await startHostileReceiver("healthy");
    const sender = createTransport({ rules });
    for (let round = 0; round < 5; round += 1) {
      const sends = Array.from({ length: 8 }, () => send(sender, to.url));
      const exchanges = await Promise.all(sends);
      expect(exchanges.every(({ statusCode }) => statusCode === 200)).toBe(true);
    }
    expect(to.requests).toHaveLength(40);
    expect(to.connections()).toBe(8);
    await sender.close();
    await to.close();
  });
});

describe("close", () => {
  it("waits for sends in progress and refuses new ones", async () => {
    const busy = await startHostileReceiver("informational");
    const idle = await startHostileReceiver("healthy");
    const sender = createTransport({ rules });
    await send(sender, idle.url);
    const inProgress = send(sender, busy.url);
    await until(() => busy.open() === 1);
    const closed = sender.close();
    expect(await send(sender, idle.url)).toMatchObject({ error: { code: "connect" } });
    expect(idle.requests).toHaveLength(1);
    await closed;
    expect(await inProgress).toMatchObject({ statusCode: 200, responseBody: "final" });
    expect(sender.openConnections()).toBe(0);
    await sender.close();
    await Promise.all([busy.close(), idle.close()]);
  });
});
