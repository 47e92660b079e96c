import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { WebSocket } from "ws";
import { until } from "./jobs.ts";

/** What a listener received, by either transport. */
export interface Received {
  id: string | undefined;
  type: string;
  data: Record<string, unknown>;
}

/** A listener to the activity. */
export interface TestListener {
  received: Received[];
  /** The last id it saw: where it would go on. */
  lastId: string;
  /** How the stream ended; null: it lasts. */
  ended: "end" | "cut" | number | null;
  types(): string[];
  /** Of `received`, the first of this type; waits for it. */
  has(type: string): Promise<Received>;
  close(): void;
}

interface ListenOptions {
  headers?: Record<string, string>;
  /** Does not read what comes. */
  asleep?: boolean;
  /** The answer has begun: what a browser calls open. */
  onAnswer?: () => void;
}

/** Listens by server-sent events. Resolves when it misses nothing any more. */
export async function listen(
  api: { port: number; apiKey: string },
  path = "/v1/activity",
  { headers = {}, asleep = false, onAnswer }: ListenOptions = {},
): Promise<TestListener> {
  const call = request({
    port: api.port,
    host: "127.0.0.1",
    path,
    headers: { authorization: `Bearer ${api.apiKey}`, ...headers },
  });
  const listener = newListener(() => call.destroy());
  call.on("error", () => (listener.ended ??= "cut"));
  call.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once("response", resolve);
    call.once("error", reject);
  });
  onAnswer?.();
  if (response.statusCode !== 200) throw new Error(`${path} answered ${response.statusCode}`);
  let ready = "";
  const parser = createParser({
    onEvent: ({ id, event = "", data }) => {
      if (id !== undefined) listener.lastId = id;
      listener.received.push({
        id,
        type: event,
        data: JSON.parse(data) as Record<string, unknown>,
      });
    },
  });
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    ready = /id: (\S+)\n: ready/.exec(text)?.[1] ?? ready;
    listener.lastId ||= ready;
    parser.feed(text);
    if (asleep && ready !== "") response.pause();
  });
  response.on("end", () => (listener.ended ??= "end"));
  response.on("error", () => (listener.ended ??= "cut"));
  response.on("close", () => (listener.ended ??= "cut"));
  await until("the stream to be ready", () => ready !== "");
  return listener;
}

/** The same over a WebSocket. */
export async function listenByWebSocket(
  api: { port: number; apiKey: string },
  path = "/v1/activity",
  options: { protocols?: string[]; headers?: Record<string, string> } = {},
): Promise<TestListener & { protocol: string }> {
  const headers = options.headers ?? { authorization: `Bearer ${api.apiKey}` };
  const socket = new WebSocket(`ws://127.0.0.1:${api.port}${path}`, options.protocols ?? [], {
    headers,
  });
  const listener = newListener(() => socket.terminate());
  socket.on("message", (text: Buffer) => {
    const { id, type, data } = JSON.parse(text.toString()) as Received;
    if (id !== undefined) listener.lastId = id;
    if (type !== "ready") listener.received.push({ id, type, data });
  });
  socket.on("close", (code) => (listener.ended ??= code === 1006 ? "cut" : code));
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response) =>
      reject(new Error(`answered ${response.statusCode}`)),
    );
    socket.once("message", () => resolve());
  });
  return Object.assign(listener, { protocol: socket.protocol });
}

function newListener(close: () => void): TestListener {
  const received: Received[] = [];
  return {
    received,
    lastId: "",
    ended: null,
    types: () => received.map(({ type }) => type),
    has: (type) => until(`to receive ${type}`, () => received.find((one) => one.type === type)),
    close,
  };
}
