import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { Webhook } from "standardwebhooks";

/** A request as it arrived. */
export interface ReceivedRequest {
  method: string;
  /** With the query. */
  path: string;
  /** Names in lower case; a header sent several times is joined by ", ". */
  headers: Record<string, string>;
  /** The exact bytes. */
  body: Buffer;
  receivedAt: Date;
}

/** A status, or a whole answer; `delayMs` passes before its first byte. */
export type Answer =
  | number
  | { status: number; headers?: OutgoingHttpHeaders; body?: string | Buffer; delayMs?: number };

export type Responder = (request: ReceivedRequest) => Answer | Promise<Answer>;

export interface ReceiverOptions {
  respond?: Responder;
  /** Takes over after the request was recorded: to trickle, hang or cut the connection. */
  raw?: (request: ReceivedRequest, response: ServerResponse) => void;
}

export interface Receiver {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  requests: ReceivedRequest[];
  /** Sets what is answered from now on (200 at first), and forgets what was queued. */
  respond(responder: Responder | Answer): void;
  /** Queues answers for the next requests, one each, ahead of the responder. */
  respondNext(...answers: Answer[]): void;
  /** Waits for that many requests in all, or for the first that fits, and returns them or it. */
  waitFor(count: number, timeoutMs?: number): Promise<ReceivedRequest[]>;
  waitFor(
    predicate: (request: ReceivedRequest) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedRequest>;
  /** Cuts open connections. Safe to call twice. */
  close(): Promise<void>;
}

/** A real HTTP server that records every request. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const queued: Answer[] = [];
  const watchers = new Set<() => void>();
  const closing = new AbortController();
  let responder: Responder = options.respond ?? (() => 200);

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await record(incoming);
    requests.push(request);
    for (const watcher of watchers) watcher();
    if (options.raw !== undefined) return options.raw(request, response);
    const answer = queued.shift() ?? (await responder(request));
    await write(response, answer, closing.signal);
  }

  const server = createServer((incoming, response) => {
    // Rejects when the sender left in the middle, or the responder threw: no answer then.
    handle(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  async function waitFor<T>(
    look: () => T | undefined,
    what: string,
    timeoutMs: number,
  ): Promise<T> {
    const found = look();
    if (found !== undefined) return found;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(watcher);
        reject(new Error(describeWait(what, timeoutMs, requests)));
      }, timeoutMs);
      function watcher(): void {
        const now = look();
        if (now === undefined) return;
        clearTimeout(timer);
        watchers.delete(watcher);
        resolve(now);
      }
      watchers.add(watcher);
    });
  }

  function waitForRequests(count: number, timeoutMs?: number): Promise<ReceivedRequest[]>;
  function waitForRequests(
    predicate: (request: ReceivedRequest) => boolean,
    timeoutMs?: number,
  ): Promise<ReceivedRequest>;
  function waitForRequests(
    wanted: number | ((request: ReceivedRequest) => boolean),
    timeoutMs = 5_000,
  ): Promise<ReceivedRequest[] | ReceivedRequest> {
    return typeof wanted === "number"
      ? waitFor(() => enough(requests, wanted), `${wanted} requests`, timeoutMs)
      : waitFor(() => requests.find(wanted), `a request where ${wanted.toString()}`, timeoutMs);
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    respond(next) {
      queued.length = 0;
      responder = typeof next === "function" ? next : () => next;
    },
    respondNext(...answers) {
      queued.push(...answers);
    },
    waitFor: waitForRequests,
    async close() {
      if (!server.listening) return;
      closing.abort();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/**
 * Checks a webhook as a partner does, by the reference library, and returns its body parsed.
 * @param secret `whsec_…`
 * @throws WebhookVerificationError
 */
export function verify(request: ReceivedRequest, secret: string): unknown {
  return new Webhook(secret).verify(request.body, request.headers);
}

async function record(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const receivedAt = new Date();
  const headers = Object.entries(incoming.headersDistinct).map(([name, values]) => [
    name,
    values?.join(", ") ?? "",
  ]);
  return {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: await buffer(incoming),
    receivedAt,
  };
}

async function write(
  response: ServerResponse,
  answer: Answer,
  closing: AbortSignal,
): Promise<void> {
  const { status, headers, body, delayMs } =
    typeof answer === "number" ? { status: answer } : answer;
  if (delayMs !== undefined) await delay(delayMs, undefined, { signal: closing });
  response.writeHead(status, headers).end(body);
}

function enough(requests: ReceivedRequest[], count: number): ReceivedRequest[] | undefined {
  return requests.length >= count ? [...requests] : undefined;
}

function describeWait(what: string, timeoutMs: number, requests: ReceivedRequest[]): string {
  const seen = requests.map(
    ({ method, path, headers, body }) =>
      `\n  ${method} ${path} ${headers["webhook-id"] ?? ""} ${body.toString().slice(0, 120)}`,
  );
  return `waited ${timeoutMs} ms for ${what}; ${requests.length} arrived:${seen.join("")}`;
}
