import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveAgent } from "../agent.ts";

/** What arrived, in the order it did. */
export interface Arrivals {
  /** Milliseconds since the epoch at which a whole request was there, comparable across processes. */
  ticks: Float64Array;
  /** What was delivered: a `webhook-id` and where it went. */
  ids: string[];
  /** Their `x-request-id`, by which the sender knows them again. */
  keys: string[];
}

const ticks: number[] = [];
const ids: string[] = [];
const keys: string[] = [];
/** Of the ids; what comes twice must not pass for what is missing. */
const seen = new Set<string>();
/** Requests whose path begins with this are never answered. */
let hanging: string | null = null;
/** Whether requests are told apart by the key in their body, as those of other programs are. */
let marked = false;
const held: ServerResponse[] = [];

const server = createServer({ keepAliveTimeout: 300_000 }, (request, response) => {
  if (request.method === "GET") {
    response.end(String(seen.size));
    return;
  }
  if (marked) return readKey(request, (key) => arrived(request, response, key));
  request.resume();
  request.once("end", () => arrived(request, response));
});

const KEY = /"bench_key":"([^"_]*)/;

function readKey(request: IncomingMessage, done: (key: string) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.once("end", () => done(KEY.exec(Buffer.concat(chunks).toString("latin1"))?.[1] ?? ""));
}

function arrived(request: IncomingMessage, response: ServerResponse, key?: string): void {
  if (hanging !== null && request.url!.startsWith(hanging)) {
    held.push(response);
    return;
  }
  ticks.push(performance.timeOrigin + performance.now());
  const id = `${key ?? (request.headers["webhook-id"] as string)} ${request.url!}`;
  ids.push(id);
  seen.add(id);
  keys.push(key ?? (request.headers["x-request-id"] as string));
  response.writeHead(204).end();
}

const operations = {
  /** Returns its URL. */
  async listen(options: { host?: string; marked?: boolean } = {}): Promise<string> {
    const { host = "127.0.0.1" } = options;
    marked = options.marked ?? false;
    server.listen(0, host);
    await once(server, "listening");
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  },
  /** How many different ones. */
  async count(): Promise<number> {
    return seen.size;
  },
  async arrivals(): Promise<Arrivals> {
    return { ticks: Float64Array.from(ticks), ids, keys };
  },
  /** Forgets everything, and lets go of those that hang. */
  async reset(): Promise<void> {
    hanging = null;
    for (const response of held.splice(0)) response.destroy();
    for (const list of [ticks, ids, keys]) list.length = 0;
    seen.clear();
  },
  async hang(prefix: string): Promise<void> {
    hanging = prefix;
  },
};

export type ReceiverOperations = typeof operations;

serveAgent(operations);
