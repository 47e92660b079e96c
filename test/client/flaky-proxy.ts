import { once } from "node:events";
import { createServer, request as send } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/**
 * What becomes of a request: `pass` it on; `lose` its answer, after it was passed on and answered;
 * `refuse` it by a cut; let it `hang`; `cut` the answer after its first bytes; or answer it here.
 */
export type Fate =
  | "pass"
  | "lose"
  | "refuse"
  | "hang"
  | "cut"
  | { status: number; headers?: OutgoingHttpHeaders; body?: string };

export interface FlakyProxy {
  url: string;
  /** The fates of the next requests; the others pass. */
  fates: Fate[];
  /** What came, as `METHOD path`, with its headers. */
  requests: { line: string; headers: IncomingMessage["headers"]; at: number }[];
  close(): Promise<void>;
}

/** A bad network in front of the API. */
export async function startFlakyProxy(port: number): Promise<FlakyProxy> {
  const fates: Fate[] = [];
  const requests: FlakyProxy["requests"] = [];

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    requests.push({ line: `${method} ${url}`, headers, at: performance.now() });
    const fate = fates.shift() ?? "pass";
    if (fate === "hang") return;
    if (fate === "refuse") return void request.socket.destroy();
    if (typeof fate === "object") {
      return void response.writeHead(fate.status, fate.headers).end(fate.body);
    }
    const passed = send({ port, host: "127.0.0.1", method, path: url, headers });
    passed.end(await buffer(request));
    const [answer] = (await once(passed, "response")) as [IncomingMessage];
    if (fate === "lose") {
      await buffer(answer);
      return void request.socket.destroy();
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    response.flushHeaders();
    response.once("close", () => passed.destroy());
    answer.on("error", () => response.destroy());
    if (fate === "cut")
      answer.once("data", (bytes: Buffer) => response.write(bytes, () => response.destroy()));
    else answer.pipe(response);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fates,
    requests,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
