import { readFileSync } from "node:fs";
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import https from "node:https";
import net, { type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** A way for a receiver to behave, most of them badly. */
export type HostileKind =
  | "healthy"
  | "hang-before-headers"
  | "hang-after-headers"
  | "trickle"
  | "endless"
  | "reset-in-headers"
  | "reset-in-body"
  | "close-without-answer"
  | "close-on-connect"
  | "garbage"
  | "huge-headers"
  | "informational"
  | "informational-flood"
  | "switching-protocols"
  | "early-answer"
  | "redirect"
  | "close-when-idle"
  | "close-each-time"
  | "tls-healthy"
  | "tls-wrong-host"
  | "tls-never-shakes-hands"
  | "plain-behind-https";

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** The sender's port: the same for requests on one connection. */
  remotePort: number;
}

export interface HostileReceiver {
  /** A URL to post to, on 127.0.0.1. */
  url: string;
  port: number;
  /** Requests read whole, oldest first. */
  requests: ReceivedRequest[];
  /** Connections accepted so far. */
  connections(): number;
  /** Connections open now. */
  open(): number;
  /** Bytes handed to the kernel over all connections. */
  bytesSent(): number;
  close(): Promise<void>;
}

export const REDIRECT_TARGET = "http://169.254.169.254/latest/meta-data/";

const OK = "HTTP/1.1 200 OK\r\n";

/** The PEM file of a test certificate or key: `localhost` (also 127.0.0.1) or `elsewhere`. */
export function testPem(name: "localhost" | "elsewhere", part: "cert" | "key"): Buffer {
  return readFileSync(fileURLToPath(new URL(`tls/${name}-${part}.pem`, import.meta.url)));
}

type Answer = (socket: Socket, response: ServerResponse, request: IncomingMessage) => void;

function answerOk(_socket: Socket, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/plain" }).end("received");
}

const ANSWERS: Record<HostileKind, Answer> = {
  healthy: answerOk,
  "tls-healthy": answerOk,
  "tls-wrong-host": answerOk,
  "plain-behind-https": answerOk,
  // These never get as far as a request, or never answer it.
  "tls-never-shakes-hands": () => undefined,
  "close-on-connect": () => undefined,
  "early-answer": () => undefined,
  "hang-before-headers": () => undefined,
  "hang-after-headers": (_socket, response) => {
    response.writeHead(200, { "content-length": "100", "x-seen": "yes" }).flushHeaders();
  },
  trickle: (socket, response) => {
    response.writeHead(200, { "x-seen": "yes" });
    const timer = setInterval(() => response.write("x"), 20);
    socket.once("close", () => clearInterval(timer));
  },
  endless: (socket, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    const chunk = Buffer.alloc(65_536, "€");
    const pump = () => {
      while (!socket.destroyed && response.write(chunk));
      if (!socket.destroyed) response.once("drain", pump);
    };
    pump();
  },
  "reset-in-headers": (socket) => {
    socket.write(`${OK}content-ty`, () => socket.resetAndDestroy());
  },
  "reset-in-body": (socket) => {
    // The reset waits, because one that overtakes the data would erase it.
    socket.write(`${OK}content-length: 100\r\n\r\npart`);
    setTimeout(() => socket.resetAndDestroy(), 30);
  },
  "close-without-answer": (socket) => socket.end(),
  garbage: (socket) => socket.end("\0\x01SSH-2.0-OpenSSH_9.9\r\nnot http at all\r\n\r\n"),
  "huge-headers": (socket) => {
    socket.write(`${OK}${"x-padding: 0123456789abcdef\r\n".repeat(20_000)}\r\n`);
  },
  informational: (socket) => {
    const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";
    socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    setTimeout(() => {
      socket.write(`HTTP/1.1 102 Processing\r\n\r\n${hints}${OK}content-length: 5\r\n\r\nfinal`);
    }, 20);
  },
  "informational-flood": (socket) => {
    const timer = setInterval(() => socket.write("HTTP/1.1 102 Processing\r\n\r\n"), 1);
    socket.once("close", () => clearInterval(timer));
  },
  "switching-protocols": (socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
  },
  redirect: (_socket, response) => {
    response.writeHead(307, { location: REDIRECT_TARGET }).end();
  },
  "close-when-idle": (socket, response) => {
    answerOk(socket, response);
    setTimeout(() => socket.end(), 20);
  },
  "close-each-time": (_socket, response) => {
    response.writeHead(200, { connection: "close" }).end("received");
  },
};

/** Kinds that act on the bare connection, before a request is read. */
const ON_CONNECT: Partial<Record<HostileKind, (socket: Socket) => unknown>> = {
  "tls-never-shakes-hands": (socket) => socket.resume(),
  "close-on-connect": (socket) => socket.destroy(),
  "early-answer": (socket) => {
    // Answers at the first bytes, then never reads the rest of the body.
    socket.once("data", () => {
      socket.pause();
      socket.write(`${OK}content-length: 5\r\n\r\nearly`);
    });
  },
};

function listener(kind: HostileKind, requests: ReceivedRequest[]): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers, socket } = request;
      const body = Buffer.concat(chunks).toString("utf8");
      requests.push({ method, path, headers, body, remotePort: socket.remotePort ?? 0 });
      ANSWERS[kind](socket, response, request);
    });
  };
}

function createServer(kind: HostileKind, requests: ReceivedRequest[]): Server {
  const onConnect = ON_CONNECT[kind];
  if (onConnect !== undefined) return net.createServer(onConnect);
  if (kind === "tls-healthy" || kind === "tls-wrong-host") {
    const name = kind === "tls-healthy" ? "localhost" : "elsewhere";
    const identity = { cert: testPem(name, "cert"), key: testPem(name, "key") };
    return https.createServer(identity, listener(kind, requests));
  }
  return http.createServer(listener(kind, requests));
}

/** Starts a receiver on an unused port (or a given one) of 127.0.0.1 (or a given address). */
export async function startHostileReceiver(
  kind: HostileKind,
  at: { host?: string; port?: number } = {},
): Promise<HostileReceiver> {
  const host = at.host ?? "127.0.0.1";
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let bytesOfClosed = 0;

  const server = createServer(kind, requests);
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      bytesOfClosed += socket.bytesWritten;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port ?? 0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const secure = kind.startsWith("tls-") || kind === "plain-behind-https";

  return {
    url: `${secure ? "https" : "http"}://${host}:${port}/hook?from=test`,
    port,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    bytesSent: () => {
      let bytes = bytesOfClosed;
      for (const socket of sockets) bytes += socket.bytesWritten;
      return bytes;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
