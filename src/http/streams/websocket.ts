import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { randomUUID } from "node:crypto";
import { WebSocketServer, type WebSocket } from "ws";
import { Problem } from "../../core/problem.ts";
import type { Authenticate } from "../auth.ts";
import { requireAccess } from "../access.ts";
import { joinObjects, once, type Channel } from "./channel.ts";
import { queryValues } from "../dispatch.ts";
import type { HttpContext } from "../http-context.ts";
import { problemBody, toProblem } from "../problems.ts";
import type { RequestInfo } from "../route.ts";
import type { StreamRoute } from "../routes/activity.ts";
import { checkOrigin } from "../session.ts";
import { parseParameters } from "../validation.ts";

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Whether the server upgrades: an offer of HTTP/2 by an upgrade is ignored. */
export function shouldUpgradeCallback({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

const PROTOCOL = "ringback";
/** The most bytes of a client's message, as clients send nothing but pongs. */
const MAX_PAYLOAD = 1_024;
/** The longest time of the closing handshake. */
const CLOSE_MS = 1_000;

/** Streams of activity over WebSockets, at the same paths as server-sent events. */
export function createUpgradeHandler(
  http: HttpContext,
  authenticate: Authenticate,
  routes: readonly StreamRoute[],
): UpgradeHandler {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
    handleProtocols: (protocols) => protocols.has(PROTOCOL) && PROTOCOL,
  });

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer, info: Info) {
    const open = await admit(request, info);
    if (socket.destroyed) return;
    server.handleUpgrade(request, socket, head, (client) => open(webSocketChannel(client)));
  }

  async function admit(request: IncomingMessage, info: Info): Promise<(channel: Channel) => void> {
    const url = request.url ?? "/";
    const { route, id } = find(routes, url);
    const cookieOnly = info.header("authorization") === undefined;
    // a page of any site may open a WebSocket with our cookie, and no CSRF token can be asked for
    if (cookieOnly && info.header("origin") === undefined) {
      throw new Problem("unauthenticated", "Send authorization: Bearer rk_…, or an origin.");
    }
    if (cookieOnly) checkOrigin(http, info);
    const caller = await authenticate(info, "GET");
    requireAccess(route, caller);
    const params = route.params === null ? {} : parseParameters(route.params, { id }, "id_invalid");
    const query = parseParameters(route.query!, queryValues(url), "query_invalid");
    return await route.open(http, { ...info, ...caller, params, query });
  }

  return (request, socket, head) => {
    const info = infoOf(request);
    socket.on("error", () => socket.destroy());
    accept(request, socket, head, info).catch((error: unknown) => {
      const { problem, unexpected } = toProblem(error);
      if (unexpected) http.telemetry.unexpectedError(error, { request_id: info.requestId });
      refuse(socket, problem, request.url ?? "/", info.requestId);
    });
  };
}

type Info = RequestInfo;

/** The facts about an upgrade request, whose key may also come as a subprotocol. */
function infoOf(request: IncomingMessage): Info {
  const { headers, socket } = request;
  const offered = headers["sec-websocket-protocol"]?.split(",").map((one) => one.trim()) ?? [];
  const key = offered.find((one) => one.startsWith("bearer."))?.slice("bearer.".length);
  return {
    requestId: randomUUID(),
    traceId: "",
    startedAt: performance.now(),
    remoteAddress: socket.remoteAddress ?? "unknown",
    header(name) {
      const value = headers[name];
      if (name === "authorization" && value === undefined && key !== undefined) {
        return `Bearer ${key}`;
      }
      return Array.isArray(value) ? value.join(", ") : value;
    },
    disconnected: () => new AbortController().signal,
  };
}

function find(routes: readonly StreamRoute[], url: string): { route: StreamRoute; id: string } {
  const path = url.split("?")[0] ?? "";
  for (const route of routes) {
    const pattern = new RegExp(`^${route.path.replace("{id}", "([^/]+)")}$`);
    const match = pattern.exec(path);
    if (match !== null) return { route, id: match[1] ?? "" };
  }
  throw new Problem("not_found", `There is no WebSocket at ${path}.`);
}

function refuse(socket: Duplex, problem: Problem, url: string, requestId: string): void {
  const body = problemBody(problem, url.split("?")[0] ?? "", requestId);
  const headers = {
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    "x-request-id": requestId,
    connection: "close",
    ...problem.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join("")}\r\n${body}`,
  );
}

const frame = once(({ id, type, at, rest }) =>
  joinObjects(JSON.stringify({ id, type, at }), `{"data":${rest}}`),
);

function webSocketChannel(client: WebSocket): Channel {
  let answered = true;
  client.on("error", () => client.terminate());
  client.on("pong", () => (answered = true));
  const send = (text: string): void => {
    if (client.readyState === client.OPEN) client.send(text);
  };
  return {
    ready: (id) => send(JSON.stringify({ id, type: "ready", at: new Date(), data: {} })),
    send: (messages) => {
      for (const message of messages) send(frame(message));
    },
    waiting: () => client.bufferedAmount,
    keepAlive() {
      if (!answered) return client.terminate();
      answered = false;
      if (client.readyState === client.OPEN) client.ping();
    },
    close(why) {
      if (why === "slow" || why === "failed") return client.terminate();
      client.close(CLOSE_CODES[why], why);
      setTimeout(() => client.terminate(), CLOSE_MS).unref();
    },
    onGone: (gone) => void client.once("close", gone),
  };
}

/** RFC 6455, 7.4.1: normal, going away, policy. */
const CLOSE_CODES = { ended: 1000, stopping: 1001, revoked: 1008 } as const;
