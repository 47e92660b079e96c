import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const PIECES = 12;

export interface FileServer {
  url: string;
  close(): Promise<void>;
}

/** Serves one file, piece by piece, so that it takes `durationMs` to arrive. */
export async function startFileServer(content: Buffer, durationMs: number): Promise<FileServer> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/csv", "content-length": content.length });
    const send = async (): Promise<void> => {
      for (let piece = 0; piece < PIECES && !response.destroyed; piece++) {
        const from = Math.floor((content.length * piece) / PIECES);
        const to = Math.floor((content.length * (piece + 1)) / PIECES);
        response.write(content.subarray(from, to));
        await sleep(durationMs / PIECES, undefined, { ref: false });
      }
      response.end();
    };
    void send();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
