import type { Socket } from "node:net";
import { Client } from "undici";
import { skipContinue } from "./skip-continue.ts";
import type { GuardedConnector } from "./target-guard.ts";

/** undici connects again by itself when a connection ends before the request was written. */
const MAX_DIALS_PER_SEND = 2;

/** A receiver's keep-alive hint may lengthen the idle time, up to this. */
const MAX_HINTED_IDLE_MS = 60_000;

/** One connection to one origin: a single request at a time, used again while it stays open. */
export interface Connection {
  /** Lane and origin. */
  readonly key: string;
  readonly client: Client;
  /** The socket last dialled. */
  socket: Socket | null;
  /** Whether that socket got as far as being usable. */
  connected: boolean;
  /** Whether it carried a request before the present one. */
  used: boolean;
  /** The address last dialled; null when none was. */
  remoteAddress: string | null;
  /** How many more times the current request may dial. */
  dialsLeft: number;
  /** A request was written and no byte of its response was read. */
  awaitingResponse: boolean;
}

export interface DialOptions {
  key: string;
  origin: string;
  idleMs: number;
  connector: GuardedConnector;
  /** Called with +1 and -1 as the socket opens and closes. */
  onSocketCount: (change: 1 | -1) => void;
}

/** The connection is dialled when the first request is dispatched. */
export function createConnection(options: DialOptions): Connection {
  const { key, origin, idleMs, connector, onSocketCount } = options;

  const client = new Client(origin, {
    pipelining: 1,
    allowH2: false,
    useMilo: false,
    maxHeaderSize: 16_384,
    // One timer per exchange, set by the sender, covers all of these.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: Math.max(idleMs, MAX_HINTED_IDLE_MS),
    connect(target, callback) {
      connection.remoteAddress = null;
      connection.connected = false;
      connection.used = false;
      if (connection.dialsLeft === 0) {
        const error = new Error("the receiver closes each connection before it can be used");
        queueMicrotask(() => callback(Object.assign(error, { code: "ECONNRESET" }), null));
        return;
      }
      connection.dialsLeft -= 1;
      connection.socket = connector(target, (error, socket) => {
        if (error !== null) return callback(error, null);
        connection.remoteAddress = socket.remoteAddress ?? null;
        connection.connected = true;
        onSocketCount(1);
        socket.once("close", () => onSocketCount(-1));
        skipContinue(socket, connection);
        callback(null, socket);
      });
      connection.socket?.on("connectionAttempt", (address) => {
        connection.remoteAddress = address;
      });
    },
  });
  const connection: Connection = {
    key,
    client,
    socket: null,
    connected: false,
    used: false,
    remoteAddress: null,
    dialsLeft: MAX_DIALS_PER_SEND,
    awaitingResponse: false,
  };
  return connection;
}

/** Readies a connection for its next request. */
export function renew(connection: Connection): void {
  connection.dialsLeft = MAX_DIALS_PER_SEND;
  connection.used = true;
}

/** Whether the connection can carry another request after the one that just ended. */
export function isReusable({ client, socket }: Connection): boolean {
  // An answer that came before the request was read whole leaves bytes the receiver may never take.
  return !client.destroyed && socket !== null && !socket.destroyed && socket.writableLength === 0;
}

/** Ends a connection in whatever state it is in, a dial in progress included. */
export function destroyConnection({ client, socket, connected }: Connection): Promise<void> {
  const gone = client.destroy();
  // The client knows its socket only once it is usable. The error ends undici's connect timer.
  if (!connected) socket?.destroy(new Error("given up"));
  return gone;
}
