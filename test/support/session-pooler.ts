import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** What pgbouncer takes of a client that connects, unless it is told to ignore more. */
const KNOWN = new Set(["user", "database", "application_name", "client_encoding"]);

/** Stands before a server like a pooler in session mode: other startup parameters are refused. */
export async function startSessionPooler(
  url: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.once("data", (startup: Buffer) => {
      const unknown = parametersOf(startup).find((name) => !KNOWN.has(name));
      if (unknown !== undefined) {
        return void client.end(refusal(`unsupported startup parameter: ${unknown}`));
      }
      const upstream = connect(Number(target.port), target.hostname);
      sockets.add(upstream);
      upstream.on("error", () => client.destroy());
      upstream.write(startup);
      client.pipe(upstream).pipe(client);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(url), { hostname: "127.0.0.1", port: String(port) }).href,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Of a startup message: length, version, then names and values, each ended by a zero. */
function parametersOf(startup: Buffer): string[] {
  const texts = startup.subarray(8).toString().split("\0");
  return texts.filter((text, index) => index % 2 === 0 && text !== "");
}

function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
