import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect, Server as NetServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../config.ts";
import type { Config } from "../config.ts";
import { shouldUpgradeCallback } from "../http/streams/websocket.ts";

/** An idle connection is kept for this long and a second, of which its client is told the first. */
const KEEP_ALIVE_MS = 4_000;
/** A connection that was taken last has this long to send its request. */
const LINGER_MS = 500;
const QUIET_TURN_MS = 0.05;
const QUIET_MS = 500;
const PROBE_MS = 300;

type ListenAddress = Pick<Config, "host" | "port">;

export function createHttpServer(): Server {
  return createServer({
    requestTimeout: 30_000,
    headersTimeout: 15_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    shouldUpgradeCallback,
  });
}

/**
 * @param shared whether other processes of ours listen there as well: each gets its part of the
 * connections from the kernel
 * @throws ConfigError the address can't be listened on
 */
export async function listen(
  server: Server,
  { host, port }: ListenAddress,
  shared = false,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new ConfigError(listenProblem(error, { host, port })));
    });
    server.listen({ host, port, reusePort: shared }, resolve);
  });
}

function listenProblem(error: NodeJS.ErrnoException, { host, port }: ListenAddress): string {
  if (error.code === "EADDRINUSE") return portInUse(host, port);
  if (error.code === "ENOTSUP") {
    return "RINGBACK_PROCESSES must be 1: this system has no way to share a port (SO_REUSEPORT)";
  }
  return `can't listen on ${host}: ${error.message}`;
}

/**
 * The port for processes that share it: the one of the settings, or one that is free.
 * @throws ConfigError see `checkAddress`; or ports can't be shared here
 */
export async function choosePort({ host, port }: ListenAddress): Promise<number> {
  const server = createHttpServer();
  await listen(server, { host, port: 0 }, true);
  const free = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  if (port === 0) return free;
  await checkAddress({ host, port });
  return port;
}

/**
 * Finds an address that can't be listened on without taking it: a client that calls before all is
 * ready must be refused, so that it goes elsewhere.
 * @throws ConfigError it is not this machine's, or another program answers there
 */
export async function checkAddress({ host, port }: ListenAddress): Promise<void> {
  const server = createHttpServer();
  await listen(server, { host, port: 0 });
  server.close();
  const socket = connect({ host: callable(host), port });
  const answers = await once(socket, "connect", { signal: AbortSignal.timeout(PROBE_MS) }).then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (answers) throw new ConfigError(portInUse(host, port));
}

function portInUse(host: string, port: number): string {
  return `PORT ${port} on ${host} is in use by another program; set PORT to a free one`;
}

/**
 * Ends a server whose answers say `connection: close` already, without a request that fails: it
 * goes on for `drainMs`, refuses new connections then, and ends when the last answer is out.
 * @param onRefusing whoever waits for something is to be let go, to come back elsewhere
 * @param leftMs how long answers may still take then
 */
export async function drain(
  server: Server,
  { drainMs, onRefusing, leftMs }: { drainMs: number; onRefusing(): void; leftMs(): number },
): Promise<void> {
  const ended = once(server, "close");
  await sleep(drainMs);
  await untilQuiet();
  // the listening socket alone: the HTTP server's own way cuts idle connections in the same moment
  NetServer.prototype.close.call(server);
  onRefusing();
  await Promise.race([ended, wait(Math.min(LINGER_MS, leftMs()))]);
  server.close();
  await Promise.race([ended, wait(leftMs())]);
  server.closeAllConnections();
}

/**
 * A turn of the event loop in which nothing was to do has just found no connection that waits to
 * be taken. What the kernel holds when the listening socket closes it resets, so that must be a
 * moment in which it holds none.
 */
async function untilQuiet(): Promise<void> {
  const deadline = performance.now() + QUIET_MS;
  for (let before = performance.now(), now; ; before = now) {
    await new Promise(setImmediate);
    now = performance.now();
    if (now - before < QUIET_TURN_MS || now > deadline) return;
  }
}

async function wait(ms: number): Promise<void> {
  await sleep(ms, undefined, { ref: false });
}

/** A base of links to what listens there. */
export function urlOf(host: string, port: number): string {
  const name = callable(host);
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** An address that stands for all interfaces is no address to call. */
function callable(host: string): string {
  return host === "0.0.0.0" || host === "::" ? "localhost" : host;
}
