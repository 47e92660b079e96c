import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier } from "../client/webhooks.ts";
import type { Webhook, WebhookError } from "../client/webhooks.ts";
import { fits } from "./match.ts";

/** A genuine webhook as it came, one per attempt. */
export type ReceivedWebhook = Webhook & {
  headers: Record<string, string | string[] | undefined>;
  /** The text that was signed. */
  body: string;
  /** The status that was answered; null until then. */
  answered: number | null;
};

/** A status, or more of an answer. */
export type Answer =
  number | { status: number; headers?: Record<string, string>; body?: string; delayMs?: number };

export type Responder = (webhook: ReceivedWebhook) => Answer | Promise<Answer>;

/** A part of a webhook: its members must be equal, all others may be anything. */
export interface WebhookPattern {
  type?: string;
  data?: unknown;
  [field: string]: unknown;
}

export interface Receiver {
  /** The URL to send to. */
  url: string;
  /** All genuine webhooks that came, the first first. */
  webhooks: ReceivedWebhook[];
  /** Calls that were not genuine, with the reason; answered with 401. */
  refused: { error: WebhookError; body: string }[];
  /**
   * Waits for the first webhook that fits and that `next` has not returned yet.
   * @throws Error none came within `timeoutMs` (default 5,000)
   */
  next(pattern?: WebhookPattern, options?: { timeoutMs?: number }): Promise<ReceivedWebhook>;
  /** Sets the answers, in turn; the last one from then on. Default: 204. */
  respondWith(...answers: [Answer | Responder, ...(Answer | Responder)[]]): void;
  /**
   * Checks that `times` webhooks came that fit (default: at least one).
   * @throws Error with the webhooks that came
   */
  assertReceived(pattern: WebhookPattern, times?: number): void;
  /** Ends the receiver; Ringback then finds the connection refused. */
  close(): Promise<void>;
}

/**
 * A real HTTP server that checks every webhook.
 * @param findKeys the keys that sign now, of all endpoints, and of callbacks to an origin
 */
export async function startReceiver(
  findKeys: (origin: string) => Promise<string[]>,
): Promise<Receiver> {
  const webhooks: ReceivedWebhook[] = [];
  const refused: Receiver["refused"] = [];
  const given = new Set<ReceivedWebhook>();
  const done = new Set<string>();
  let answers: (Answer | Responder)[] = [204];
  const arrivals = new EventEmitter().setMaxListeners(0);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await buffer(request);
    const body = bytes.toString();
    const verify = createVerifier(await findKeys(origin), { seen: (id) => done.has(id) });
    let webhook: ReceivedWebhook;
    try {
      const verified = await verify(bytes, request.headers);
      webhook = { ...verified, headers: request.headers, body, answered: null };
    } catch (error) {
      refused.push({ error: error as WebhookError, body });
      return void response.writeHead(401).end();
    }
    webhooks.push(webhook);
    const turn = answers.length > 1 ? answers.shift()! : answers[0]!;
    arrivals.emit("webhook");
    const answer = typeof turn === "function" ? await turn(webhook) : turn;
    const whole = typeof answer === "number" ? { status: answer } : answer;
    if (whole.delayMs !== undefined) await sleep(whole.delayMs);
    webhook.answered = whole.status;
    if (whole.status >= 200 && whole.status < 300) done.add(webhook.id);
    response.writeHead(whole.status, whole.headers).end(whole.body);
  }

  const server = createServer((request, response) => {
    // the sender has gone, or the responder threw: no answer then
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  function list(): string {
    const lines = webhooks.map(({ type, id, attempt, answered, body }) => {
      return `\n  ${type} ${id} attempt ${attempt} → ${answered}: ${body.slice(0, 200)}`;
    });
    return lines.length === 0 ? " none came" : lines.join("");
  }

  return {
    url: `${origin}/`,
    webhooks,
    refused,
    async next(pattern = {}, { timeoutMs = 5_000 } = {}) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const found = webhooks.find((one) => !given.has(one) && fits(pattern, one));
        if (found !== undefined) {
          given.add(found);
          return found;
        }
        const late = AbortSignal.timeout(Math.max(0, Math.ceil(deadline - performance.now())));
        await once(arrivals, "webhook", { signal: late }).catch(() => {
          const wanted = JSON.stringify(pattern);
          throw new Error(`no webhook ${wanted} came within ${timeoutMs} ms; received:${list()}`);
        });
      }
    },
    respondWith(...next) {
      answers = next;
    },
    assertReceived(pattern, times) {
      const count = webhooks.filter((one) => fits(pattern, one)).length;
      if (times === undefined ? count > 0 : count === times) return;
      const wanted = times === undefined ? "at least 1" : String(times);
      throw new Error(
        `${count} webhooks fit ${JSON.stringify(pattern)}, not ${wanted}; received:${list()}`,
      );
    },
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
