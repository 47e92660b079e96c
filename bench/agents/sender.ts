import { randomUUID } from "node:crypto";
import { Pool } from "undici";

/** What a marked body has in the place of its key. */
export const MARK = "bench-key-goes-here-----";

/** Requests of one kind. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  /** More headers, used in turn: who sends. */
  senders?: Record<string, string>[];
  /** Used in turn. */
  bodies: string[];
  /** An `Idempotency-Key` of its own on each. */
  keyed?: boolean;
  /** Each body's MARK becomes the key of its request, or this and a number. */
  marked?: string;
  connections: number;
}

/** Sends them over a fixed number of connections, one request at a time on each. */
export interface Sender {
  /** Begun so far. */
  readonly sent: number;
  /** One request; its answer is read to the end. @throws Error anything but a 2xx */
  post(more?: Record<string, string>): Promise<void>;
  /** Runs `work` once per connection, at the same time. */
  each(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export function createSender(load: Load): Sender {
  const { url, headers, bodies, connections, senders = [{}], keyed = false, marked } = load;
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  let sent = 0;
  const next = (): { headers: Record<string, string>; body: string } => {
    const key = keyed ? { "idempotency-key": randomUUID() } : {};
    const own = { ...headers, ...senders[sent % senders.length], ...key };
    return { headers: own, body: bodies[sent % bodies.length]! };
  };
  return {
    get sent() {
      return sent;
    },
    async post(more = {}) {
      const { headers: own, body } = next();
      sent += 1;
      const all = { ...own, ...more };
      const key = more["x-request-id"] ?? `${marked}-${sent}`;
      const text = marked === undefined ? body : body.replace(MARK, key.padEnd(MARK.length, "_"));
      const answer = await pool.request({ method: "POST", path, headers: all, body: text });
      if (answer.statusCode >= 300) {
        throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`);
      }
      await answer.body.dump();
    },
    async each(work) {
      await Promise.all(Array.from({ length: connections }, work));
    },
    close: () => pool.close(),
  };
}
