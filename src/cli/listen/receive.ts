import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebhookError, createVerifier } from "../../client/webhooks.ts";
import { parseExactly } from "../../core/json-text.ts";
import { CliError, EXIT } from "../exit.ts";

/** A call as it came, with the verdict and the answer. */
export interface ReceivedCall {
  at: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** The body, parsed when it is JSON. */
  body: unknown;
  webhook_id: string | null;
  type: string | null;
  attempt: number | null;
  /** Whether the id has been seen before. */
  repeated: boolean;
  /** Whether the call is genuine; null: no key to check with. */
  verified: boolean | null;
  /** The signatures that fit; null: none of that kind came, or no key for it. */
  signatures: { v1: boolean | null; v1a: boolean | null };
  /** The reason why the call is not genuine. */
  error: string | null;
  /** The status of the answer. */
  status: number;
}

export interface Keys {
  /** `whsec_…` */
  secrets: string[];
  /** `whpk_…` */
  publicKeys: string[];
}

export interface ReceiverOptions {
  host: string;
  port: number;
  /** Finds the keys, once, when the URL of this receiver is known. */
  findKeys(url: string): Promise<Keys>;
  nextStatus(): number;
  delayMs: number;
  onCall(call: ReceivedCall): void;
}

const MAX_BODY = 16 * 1024 * 1024;

/** Starts a receiver on this machine. A call that is not genuine is answered with 401. */
export async function startReceiver(
  options: ReceiverOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const { host, port, delayMs, findKeys, nextStatus, onCall } = options;
  const ready = Promise.withResolvers<ReturnType<typeof createJudge>>();
  const stopped = new AbortController();
  const server = createServer((request, response) => {
    receive(request)
      .then(async (bytes) => {
        const judge = await ready.promise;
        const verdict = await judge(bytes, request);
        const status = verdict.verified === false ? 401 : nextStatus();
        if (delayMs > 0) await sleep(delayMs, undefined, { signal: stopped.signal });
        // reported when the answer is out, so that a wait for the last one may end
        response.writeHead(status).end(() => onCall({ ...verdict, status }));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE" ? "the port is in use: choose a --port" : error.message;
      reject(new CliError(EXIT.failed, `can't listen on ${host}:${port}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
  async function close(): Promise<void> {
    stopped.abort();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
  const { port: actual } = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${actual}/`;
  try {
    ready.resolve(createJudge(await findKeys(url)));
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close };
}

async function receive(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Verdict = Omit<ReceivedCall, "status">;

function createJudge({ secrets, publicKeys }: Keys) {
  const verifiers = {
    v1: secrets.length === 0 ? null : createVerifier(secrets),
    v1a: publicKeys.length === 0 ? null : createVerifier(publicKeys),
  };
  const hasKeys = secrets.length + publicKeys.length > 0;
  const seen = new Set<string>();

  return async function judge(bytes: Buffer, request: IncomingMessage): Promise<Verdict> {
    const { headers } = request;
    const faults: string[] = [];
    const sent = String(headers["webhook-signature"]).split(" ");
    async function fits(version: "v1" | "v1a"): Promise<boolean | null> {
      const verify = verifiers[version];
      if (verify === null) return null;
      try {
        await verify(bytes, headers);
        return true;
      } catch (error) {
        faults.push(error instanceof WebhookError ? error.message : String(error));
        return sent.some((one) => one.startsWith(`${version},`)) ? false : null;
      }
    }
    const signatures = { v1: await fits("v1"), v1a: await fits("v1a") };
    const id = headers["webhook-id"];
    const known = typeof id === "string" ? id : null;
    const repeated = known !== null && seen.has(known);
    if (known !== null) seen.add(known);
    const body = parse(bytes);
    const attempt = Number(headers["ringback-attempt"]);
    // endpoints and callback URLs have different secrets: one signature that fits is enough
    const verified = hasKeys ? Object.values(signatures).includes(true) : null;
    return {
      at: new Date().toISOString(),
      method: request.method ?? "",
      path: request.url ?? "",
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, String(value)]),
      ),
      body,
      webhook_id: known,
      type: typeOf(body),
      attempt: Number.isInteger(attempt) ? attempt : null,
      repeated,
      verified,
      signatures,
      error: verified === false ? (faults[0] ?? null) : null,
    };
  };
}

function parse(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  try {
    return parseExactly(text);
  } catch {
    return text;
  }
}

function typeOf(body: unknown): string | null {
  const { type } = (body ?? {}) as { type?: unknown };
  return typeof type === "string" ? type : null;
}
