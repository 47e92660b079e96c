import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseId } from "../../../src/core/ids.ts";
import type { WatchedLane } from "../watch.ts";

const HANG_MS = 1_500;
const LATEST_MS = 30;

/**
 * One server for all destinations, told apart by the first part of the path. `/steady-…` always
 * takes what comes; the others answer with what comes to their minds, until they are calmed.
 */
export interface MoodyReceivers {
  url: string;
  /** What came to the steady ones, in order. */
  steady: { messageId: string | null; url: string }[];
  total(): number;
  lastArrival(lane: WatchedLane): number | undefined;
  /** From now on everything is taken. */
  calm(): void;
  close(): Promise<void>;
}

export async function startMoodyReceivers(): Promise<MoodyReceivers> {
  const steady: MoodyReceivers["steady"] = [];
  const latest = new Map<string, number>();
  let total = 0;
  let calm = false;

  function receive(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "/";
    const name = path.split("/")[1] ?? "";
    total += 1;
    latest.set(name, Date.now());
    if (name.startsWith("steady")) {
      const id = String(request.headers["webhook-id"]);
      steady.push({ messageId: parseId("message", id), url: server.url + path });
    }
    if (calm || name.startsWith("steady")) return void response.writeHead(204).end();
    setTimeout(() => answer(request, response), Math.random() * LATEST_MS);
  }

  const http = createServer((request, response) => {
    request.resume().once("end", () => receive(request, response));
    request.on("error", () => undefined);
  });
  http.keepAliveTimeout = 60_000;
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const server: MoodyReceivers = {
    url: `http://127.0.0.1:${port}`,
    steady,
    total: () => total,
    lastArrival: ({ destination, ordered }) => latest.get(nameOf(destination ?? "", ordered)),
    calm: () => void (calm = true),
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
  return server;
}

/** Callback lanes are known by their origin only, and whether they are ordered. */
function nameOf(destination: string, ordered: boolean): string {
  return (
    new URL(destination).pathname.split("/")[1] || (ordered ? "callbacks-in-order" : "callbacks")
  );
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const mood = Math.random();
  if (mood < 0.6) response.writeHead(204).end();
  else if (mood < 0.8) response.writeHead(500).end("not now");
  else if (mood < 0.83) response.writeHead(410).end();
  else if (mood < 0.9) response.writeHead(503, { "retry-after": "1" }).end();
  else if (mood < 0.95) request.socket.destroy();
  else setTimeout(() => response.writeHead(204).end(), HANG_MS);
}
