import { Pool } from "undici";

/** Requests of one kind. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  /** Used in turn. */
  bodies: string[];
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

export function createSender({ url, headers, bodies, connections }: Load): Sender {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections, pipelining: 1 });
  let sent = 0;
  return {
    get sent() {
      return sent;
    },
    async post(more = {}) {
      const body = bodies[sent % bodies.length]!;
      sent += 1;
      const all = { ...headers, ...more };
      const answer = await pool.request({ method: "POST", path, headers: all, body });
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
