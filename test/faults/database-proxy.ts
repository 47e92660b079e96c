import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

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
  close(): Promise<void>;
}

export async function startDatabaseProxy(target: number): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let upstreamPort: number | null = target;
  let stalled = false;

  function adopt(socket: Socket, other: Socket): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    if (stalled) socket.pause();
    socket.on("data", (chunk) => other.write(chunk));
    socket.on("end", () => other.end());
    socket.on("error", () => other.resetAndDestroy());
    socket.on("close", () => {
      sockets.delete(socket);
      other.destroy();
    });
  }

  const server = createServer({ allowHalfOpen: true }, (downstream) => {
    if (upstreamPort === null) return void downstream.resetAndDestroy();
    const upstream = connect({ port: upstreamPort, host: "127.0.0.1", allowHalfOpen: true });
    adopt(downstream, upstream);
    adopt(upstream, downstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  function cut(): void {
    for (const socket of sockets) socket.resetAndDestroy();
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
      for (const socket of sockets) socket.pause();
    },
    resume() {
      stalled = false;
      for (const socket of sockets) socket.resume();
    },
    close: stopListening,
  };
}
