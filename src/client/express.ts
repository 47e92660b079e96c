import type { IncomingMessage, ServerResponse } from "node:http";
import { createVerifier, WebhookError } from "./webhooks.ts";
import type { VerifyOptions, Webhook, WebhookKeySource } from "./webhooks.ts";

declare global {
  // eslint-disable-next-line typescript/no-namespace -- the way Express's own types are extended
  namespace Express {
    interface Request {
      /** The verified webhook, behind `receiveWebhooks`. */
      webhook?: Webhook;
    }
  }
}

export interface ReceiveOptions extends VerifyOptions {
  /** Longest body, in bytes. Default: 1 MiB. */
  limit?: number;
  /** Called with the id once the request was answered with a 2xx; `seen` should know it then. */
  remember?: ((id: string) => void | Promise<void>) | undefined;
}

/** A request of Express, or of anything else that hands on Node's. */
export type ReceivedRequest = IncomingMessage & { body?: unknown; webhook?: Webhook };

export type WebhookMiddleware = (
  request: ReceivedRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const DEFAULT_LIMIT = 1_048_576;

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/**
 * Middleware that lets genuine webhooks pass, as `request.webhook`. It reads the body itself, or
 * takes what `express.raw()` has read. Others are answered with a problem: 401 when the signature
 * or the time does not fit, 400 when it is malformed, 413 when it is too long. A duplicate is
 * answered with 200 and not passed on.
 * @throws TypeError a key is no key
 */
export function receiveWebhooks(
  keys: WebhookKeySource | readonly WebhookKeySource[],
  options: ReceiveOptions = {},
): WebhookMiddleware {
  const { limit = DEFAULT_LIMIT, remember, ...rest } = options;
  const verify = createVerifier(keys, rest);

  async function receive(request: ReceivedRequest, response: ServerResponse): Promise<boolean> {
    const webhook = await verify(await rawBody(request, limit), request.headers);
    if (webhook.duplicate) {
      response.writeHead(200).end();
      return false;
    }
    request.webhook = webhook;
    if (remember !== undefined) {
      response.once("finish", () => {
        if (response.statusCode < 200 || response.statusCode > 299) return;
        // what can't be kept comes again at worst
        void (async () => await remember(webhook.id))().catch(() => undefined);
      });
    }
    return true;
  }

  return function webhookReceiver(request, response, next) {
    receive(request, response).then(
      (genuine) => {
        if (genuine) next();
      },
      (error: unknown) => {
        const refusal = refusalOf(error);
        if (refusal === null) next(error);
        else refuse(response, refusal);
      },
    );
  };
}

/** The ids of the webhooks handled last, in memory: for one process, until it ends. */
export function recentWebhooks(most = 10_000): {
  seen: (id: string) => boolean;
  remember: (id: string) => void;
} {
  const ids = new Set<string>();
  return {
    seen: (id) => ids.has(id),
    remember(id) {
      ids.add(id);
      if (ids.size > most) ids.delete(ids.values().next().value ?? id);
    },
  };
}

async function rawBody(request: ReceivedRequest, limit: number): Promise<Uint8Array> {
  if (request.body instanceof Uint8Array) return request.body;
  if (request.readableEnded || request.body !== undefined) {
    throw new TypeError(
      "the body was parsed before receiveWebhooks could see its bytes; put it before express.json()",
    );
  }
  return await new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    // not `for await`: leaving it early would end the connection before the answer is written
    request.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= limit) return void chunks.push(chunk);
      request.removeAllListeners("data").pause();
      reject(new Refusal(413, "body_too_large", `the body is longer than ${limit} bytes`));
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the body ended early")));
  });
}

const UNAUTHENTIC = new Set(["timestamp_too_old", "timestamp_too_new", "no_matching_signature"]);

function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (!(error instanceof WebhookError)) return null;
  return new Refusal(UNAUTHENTIC.has(error.code) ? 401 : 400, error.code, error.message);
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  const title = { 400: "Bad Request", 401: "Unauthorized", 413: "Content Too Large" }[status];
  response.writeHead(status, {
    "content-type": "application/problem+json",
    ...(status === 413 ? { connection: "close" } : {}),
  });
  response.end(JSON.stringify({ type: "about:blank", title, status, code, detail: message }));
}
