import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createDelayLine } from "./delay-line.ts";
import type { DelayLine } from "./delay-line.ts";

/** What stands between the processes and Postgres: the network, with its troubles. */
export interface DatabaseProxy {
  port: number;
  /** Where Postgres listens now; null: it is down, and connections are refused. */
  pointTo(port: number | null): Promise<void>;
  /** Resets every connection. */
  cut(): void;
  /** Nothing passes any more, and nobody is told; new connections hang as well. */
  stall(): void;
  resume(): void;
  /** Each packet takes half of it, in each direction; however many are on their way at once. */
  setRoundTrip(ms: number): void;
  close(): Promise<void>;
}

export async function startDatabaseProxy(
  target: number,
  host = "127.0.0.1",
): Promise<DatabaseProxy> {
  const sockets = new Map<Socket, DelayLine>();
  let roundTripMs = 0;
  let upstreamPort: number | null = target;
  let stalled = false;

  function adopt(socket: Socket, other: Socket): void {
    const line = createDelayLine(() => roundTripMs / 2);
    sockets.set(socket, line);
    socket.setNoDelay(true);
    if (stalled) socket.pause();
    socket.on("data", (chunk) => line.push(() => other.write(chunk)));
    socket.on("end", () => line.push(() => other.end()));
    socket.on("error", () => other.resetAndDestroy());
    socket.on("close", () => {
      line.drop();
      sockets.delete(socket);
      other.destroy();
    });
  }

  const server = createServer({ allowHalfOpen: true }, (downstream) => {
    if (upstreamPort === null) return void downstream.resetAndDestroy();
    const upstream = connect({ port: upstreamPort, host, allowHalfOpen: true });
    adopt(downstream, upstream);
    adopt(upstream, downstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  function cut(): void {
    for (const socket of sockets.keys()) socket.resetAndDestroy();
  }

  async function stopListening(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    cut();
    await closed;
  }

  return {
    port,
    async pointTo(next) {
      upstreamPort = next;
      if (next === null) return await stopListening();
      if (server.listening) return;
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    cut,
    stall() {
      stalled = true;
      for (const [socket, line] of sockets) {
        socket.pause();
        line.hold();
      }
    },
    resume() {
      stalled = false;
      for (const [socket, line] of sockets) {
        line.release();
        socket.resume();
      }
    },
    setRoundTrip: (ms) => (roundTripMs = ms),
    close: stopListening,
  };
}
