import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import pg from "pg";

/**
 * A pooler in transaction mode at its worst: every client is given the one session there is,
 * for one exchange at a time. Notifications of that session are dropped, as poolers do.
 */
export async function startTransactionPooler(
  url: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const upstream = new pg.Client({ connectionString: url });
  upstream.on("error", () => undefined);
  await upstream.connect();
  const session = (upstream as unknown as { connection: { stream: Socket } }).connection.stream;
  session.removeAllListeners("data");

  let turn: Promise<void> = Promise.resolve();
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => undefined);
    let greeted = false;
    let pending = Buffer.alloc(0);
    client.on("data", (bytes) => {
      if (!greeted) {
        greeted = true;
        // AuthenticationOk, ReadyForQuery
        client.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]));
        return;
      }
      pending = Buffer.concat([pending, bytes]);
      // a whole exchange ends with Query or Sync
      if (!endsExchange(pending)) return;
      const exchange = pending;
      pending = Buffer.alloc(0);
      turn = turn.then(async () => void client.write(await ask(session, exchange)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(url), { hostname: "127.0.0.1", port: String(port) }).href,
    async close() {
      for (const client of clients) client.destroy();
      session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function messages(bytes: Buffer): { type: string; whole: Buffer }[] {
  const found = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 1) + 1;
    if (at + length > bytes.length) break;
    found.push({ type: String.fromCharCode(bytes[at]!), whole: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function endsExchange(bytes: Buffer): boolean {
  return ["Q", "S", "X"].includes(messages(bytes).at(-1)?.type ?? "");
}

async function ask(session: Socket, exchange: Buffer): Promise<Buffer> {
  if (messages(exchange).at(-1)?.type === "X") return Buffer.alloc(0);
  session.write(exchange);
  let answer = Buffer.alloc(0);
  return await new Promise((resolve) => {
    function collect(bytes: Buffer): void {
      answer = Buffer.concat([answer, bytes]);
      const seen = messages(answer);
      if (seen.at(-1)?.type !== "Z") return;
      session.off("data", collect);
      const kept = seen.filter(({ type }) => type !== "A").map(({ whole }) => whole);
      resolve(Buffer.concat(kept));
    }
    session.on("data", collect);
  });
}
