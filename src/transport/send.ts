import { performance } from "node:perf_hooks";
import { clock } from "../core/clock.ts";
import type { Exchange } from "../core/exchange.ts";
import { classifyError, type ExchangeError } from "./classify-error.ts";
import { createConnectionPool } from "./connection-pool.ts";
import { ResponseReader, type ExchangeEnd } from "./response-reader.ts";
import { createGuardedConnector, type GuardOptions } from "./target-guard.ts";

export interface TransportOptions extends GuardOptions {
  /** How long an unused connection is kept, in milliseconds. Default 4000; receivers may hint. */
  idleMs?: number;
  /** Most unused connections kept in all; the longest unused are closed first. Default 2000. */
  maxIdle?: number;
}

export interface SendRequest {
  /** Connections are shared within a lane, never between lanes. */
  lane: string;
  /** Absolute, checked when it was accepted. */
  url: string;
  headers: Record<string, string>;
  body: string;
  /** For the whole exchange: resolve, connect, handshake, send, read. */
  timeoutMs: number;
}

export interface Transport {
  /** Makes one POST. Never rejects: whatever goes wrong is in the exchange. */
  send(request: SendRequest): Promise<Exchange>;
  /** Ends idle connections, waits for sends in progress, refuses new ones. */
  close(): Promise<void>;
  openConnections(): number;
}

export function createTransport(options: TransportOptions): Transport {
  const { idleMs = 4_000, maxIdle = 2_000 } = options;
  const pool = createConnectionPool({
    connector: createGuardedConnector(options),
    idleMs,
    maxIdle,
  });
  let busy = 0;
  let closing: { promise: Promise<void>; resolve: () => void } | null = null;

  function finished(): void {
    busy -= 1;
    if (busy === 0) closing?.resolve();
  }

  function post(request: SendRequest, to: Target, done: (exchange: Exchange) => void): void {
    const startedAt = clock.now();
    const begin = performance.now();
    const connection = pool.acquire(request.lane, to.origin);
    let ended = false;

    function end(ending: ExchangeEnd): void {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      const { remoteAddress } = connection;
      if (ending.kind === "complete") pool.release(connection);
      // Not from inside undici's own error handling, which goes on with the client afterwards.
      else if (reader.statusCode !== null) queueMicrotask(() => pool.discard(connection));
      else queueMicrotask(() => pool.discardBroken(connection));
      const error = ending.kind === "failed" ? classifyError(ending.error) : null;
      const durationMs = Math.round(performance.now() - begin);
      const { statusCode } = reader;
      done({
        startedAt,
        durationMs,
        remoteAddress,
        statusCode,
        responseHeaders: reader.headers(),
        responseBody: reader.body(),
        responseTruncated: ending.kind !== "complete" && statusCode !== null,
        error,
      });
    }

    const reader = new ResponseReader(connection, end);
    const timer = setTimeout(() => {
      const message = `no complete response within ${request.timeoutMs} ms`;
      end({ kind: "failed", error: Object.assign(new Error(message), { code: "ETIMEDOUT" }) });
    }, request.timeoutMs);
    const { headers, body } = request;
    connection.client.dispatch({ method: "POST", path: to.path, headers, body }, reader);
  }

  function send(request: SendRequest): Promise<Exchange> {
    if (closing !== null) {
      return Promise.resolve(unsent({ code: "connect", message: "the sender is shutting down" }));
    }
    const to = targetOf(request.url);
    if (to === null) {
      return Promise.resolve(unsent({ code: "target_blocked", message: "not an http(s) URL" }));
    }
    busy += 1;
    return new Promise((resolve) => {
      post(request, to, (exchange) => {
        finished();
        resolve(exchange);
      });
    });
  }

  async function close(): Promise<void> {
    if (closing === null) {
      closing = Promise.withResolvers<void>();
      if (busy === 0) closing.resolve();
    }
    const drained = closing.promise;
    await pool.close();
    await drained;
    await pool.close();
  }

  return { send, close, openConnections: () => pool.openSockets() };
}

/** The parts of a URL that a request needs. */
interface Target {
  origin: string;
  path: string;
}

const MAX_TARGETS = 2_000;
/** Targets by URL, as most are called again; the oldest go first. */
const targets = new Map<string, Target>();

/** Null: not an http(s) URL. */
function targetOf(text: string): Target | null {
  const known = targets.get(text);
  if (known !== undefined) return known;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const target = { origin: url.origin, path: url.pathname + url.search };
  if (targets.size >= MAX_TARGETS) targets.delete(targets.keys().next().value!);
  targets.set(text, target);
  return target;
}

function unsent(error: ExchangeError): Exchange {
  return {
    startedAt: clock.now(),
    durationMs: 0,
    remoteAddress: null,
    statusCode: null,
    responseHeaders: null,
    responseBody: null,
    responseTruncated: false,
    error,
  };
}
