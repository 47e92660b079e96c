import http from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { Agent, request } from "undici";

interface Wanted {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

interface Answer {
  status: number;
  /** The connection ends with it. */
  closes: boolean;
  body: string;
}

/** One way to make requests on connections that are kept. */
export interface Sender {
  send(port: number, wanted: Wanted): Promise<Answer>;
  close(): Promise<void>;
}

export function undiciSender(): Sender {
  const dispatcher = new Agent({ connections: 16 });
  return {
    async send(port, { path, ...rest }) {
      const url = `http://127.0.0.1:${port}${path}`;
      const { statusCode, headers, body } = await request(url, { ...rest, dispatcher });
      const closes = headers["connection"] === "close";
      return { status: statusCode, closes, body: await body.text() };
    },
    close: () => dispatcher.close(),
  };
}

export function nodeSender(): Sender {
  const agent = new http.Agent({ keepAlive: true });
  return {
    async send(port, { body, ...rest }) {
      const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
      const sent = http.request({ host: "127.0.0.1", port, agent, ...rest }, resolve);
      sent.on("error", reject).end(body);
      const answer = await promise;
      const closes = answer.headers.connection === "close";
      return { status: answer.statusCode ?? 0, closes, body: await text(answer) };
    },
    close: async () => agent.destroy(),
  };
}

export interface FailoverClient {
  /** Empty when it failed. */
  ask(
    method: string,
    path: string,
    what?: { headers?: Record<string, string>; body?: unknown },
  ): Promise<Record<string, unknown>>;
  /** Whatever was not an answer below 300 nor a connection that was refused. */
  failures: string[];
  seen: { requests: number; refused: number; closing: number };
  close(): Promise<void>;
}

/** A client that goes to the next port when a connection is refused, and for no other reason. */
export function createFailoverClient(
  sender: Sender,
  { ports, key }: { ports: readonly number[]; key: string },
): FailoverClient {
  const failures: string[] = [];
  const seen = { requests: 0, refused: 0, closing: 0 };
  let turn = 0;

  async function once(what: string, wanted: Wanted): Promise<Answer | null> {
    try {
      return await sender.send(ports[turn % ports.length]!, wanted);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED") return null;
      failures.push(`${what}: ${code} ${message}`);
      return { status: 0, closes: false, body: "{}" };
    }
  }

  return {
    failures,
    seen,
    close: sender.close,
    async ask(method, path, { headers, body } = {}) {
      const what = `${method} ${path}`;
      const json = { "content-type": "application/json" };
      const wanted = {
        method,
        path,
        headers: {
          authorization: `Bearer ${key}`,
          ...headers,
          ...(body === undefined ? {} : json),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
      seen.requests += 1;
      for (let tried = 0; tried < 20; tried += 1) {
        const answer = await once(what, wanted);
        if (answer === null) {
          seen.refused += 1;
          turn += 1;
          await sleep(20);
          continue;
        }
        if (answer.closes) seen.closing += 1;
        if (answer.status < 300) return JSON.parse(answer.body) as Record<string, unknown>;
        failures.push(`${what}: ${answer.status} ${answer.body}`);
        return {};
      }
      failures.push(`${what}: refused everywhere`);
      return {};
    },
  };
}

/** Listens to the events of all jobs, and comes back with the last id when a stream has ended. */
export function followEvents({ ports, key }: { ports: readonly number[]; key: string }) {
  const gone = new AbortController();
  const failures: string[] = [];
  const completed = new Set<string>();
  const seen = { ended: 0 };
  let lastId: string | undefined;
  const parser = createParser({
    onEvent({ id, event, data }) {
      if (id !== undefined) lastId = id;
      if (event !== "job.completed") return;
      completed.add((JSON.parse(data) as { job_id: string }).job_id);
    },
  });

  async function once(port: number): Promise<void> {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/v1/activity`, {
      headers: {
        authorization: `Bearer ${key}`,
        ...(lastId === undefined ? {} : { "last-event-id": lastId }),
      },
      signal: gone.signal,
    });
    if (statusCode !== 200) failures.push(`/v1/activity: ${statusCode}`);
    for await (const chunk of body.setEncoding("utf8")) parser.feed(String(chunk));
    parser.reset();
    seen.ended += 1;
  }

  async function follow(): Promise<void> {
    for (let turn = 0; !gone.signal.aborted; turn += 1) {
      await once(ports[turn % ports.length]!).catch((error: NodeJS.ErrnoException) => {
        if (gone.signal.aborted || error.code === "ECONNREFUSED") return;
        failures.push(`/v1/activity: ${error.code} ${error.message}`);
      });
      await sleep(20);
    }
  }
  const following = follow();

  return {
    failures,
    completed,
    seen,
    async leave() {
      gone.abort();
      await following;
    },
  };
}
