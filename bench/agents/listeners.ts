import { once } from "node:events";
import { request } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { serveAgent } from "../agent.ts";

const DATA = "\ndata: ";

interface Listener {
  call: ClientRequest;
  received: number;
  gone: boolean;
}

const listeners: Listener[] = [];

const operations = {
  /** Opens streams, one connection each. Those that are asleep read nothing once they are ready. */
  async open(load: {
    url: string;
    headers: Record<string, string>;
    count: number;
    asleep: boolean;
  }): Promise<void> {
    await Promise.all(Array.from({ length: load.count }, () => open(load)));
  },
  /** Of each stream: how many entries it has received, and whether it has ended. */
  async received(): Promise<{ received: number; gone: boolean }[]> {
    return listeners.map(({ received, gone }) => ({ received, gone }));
  },
  async close(): Promise<void> {
    for (const { call } of listeners.splice(0)) call.destroy();
  },
};

async function open({
  url,
  headers,
  asleep,
}: {
  url: string;
  headers: Record<string, string>;
  asleep: boolean;
}): Promise<void> {
  const call = request(url, { headers, agent: false });
  const listener = { call, received: 0, gone: false };
  call.on("error", () => (listener.gone = true));
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
  listeners.push(listener);
  response.on("close", () => (listener.gone = true));
  response.on("error", () => (listener.gone = true));
  let text = "";
  await new Promise<void>((ready) => {
    response.on("data", (chunk: Buffer) => {
      text = text.slice(1 - DATA.length) + chunk.toString("latin1");
      listener.received += text.split(DATA).length - 1;
      if (!text.includes(": ready")) return;
      if (asleep) response.pause();
      ready();
    });
  });
}

export type ListenerOperations = typeof operations;

serveAgent(operations);
