import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { connect } from "./connection.ts";
import type { RetryLog } from "./retry.ts";

/** The topics of notifications and their channels. The migration names the last two. */
export const CHANNELS = {
  /** Work may be waiting for another process; see nudges.ts. */
  nudges: "ringback_nudges",
  /** The log of activity has new entries. */
  activity: "ringback_activity",
  /** Jobs that somebody waits for have ended; the payload is their ids. */
  endedJobs: "ringback_ended_jobs",
} as const;

export type Topic = keyof typeof CHANNELS;

export interface NotificationHandler {
  notified(payload: string): void;
  /** Looks again, as notifications until now may have been missed. */
  missed(): void;
}

/** The one connection on which a process listens to notifications. */
export interface Notifier {
  /**
   * Handles every notification of a topic from now on, or calls `missed` after it. The first
   * subscription connects. Returns the function that ends the subscription.
   */
  subscribe(topic: Topic, handler: NotificationHandler): () => void;
  /** Resolves when all topics with a subscription are listened to, or the notifier is closed. */
  listening(): Promise<void>;
  close(): Promise<void>;
}

/** Where connections are scarce, the signs of life come first: they try again sooner. */
const RETRY_MS = { first: 250, last: 2_000 };
/** A connection may break without either side noticing, so an idle one is tried this often. */
const CHECK_MS = 2_000;
const CLOSE_MS = 1_000;

export function createNotifier(options: { databaseUrl: string; log: RetryLog }): Notifier {
  return new ReconnectingNotifier(options);
}

class ReconnectingNotifier implements Notifier {
  readonly #databaseUrl: string;
  readonly #log: RetryLog;
  readonly #handlers = new Map<Topic, Set<NotificationHandler>>();
  /** The topics that the present connection listens to. */
  #listened = new Set<Topic>();
  #changed = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;

  constructor({ databaseUrl, log }: { databaseUrl: string; log: RetryLog }) {
    this.#databaseUrl = databaseUrl;
    this.#log = log;
  }

  subscribe(topic: Topic, handler: NotificationHandler): () => void {
    const handlers = this.#handlers.get(topic) ?? new Set();
    this.#handlers.set(topic, handlers.add(handler));
    if (!this.#closed) this.#running ??= this.#run();
    this.#change();
    return () => handlers.delete(handler);
  }

  async listening(): Promise<void> {
    while (!this.#closed && this.#notListened().length > 0) await this.#changed.promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#change();
    await Promise.race([this.#running, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Wakes the waiters for a change. */
  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #notListened(): Topic[] {
    return [...this.#handlers.keys()].filter((topic) => !this.#listened.has(topic));
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MS.first;
    while (!this.#closed) {
      let client: pg.Client | null = null;
      try {
        client = await this.#connect();
        await this.#listen(client, () => (retryMs = RETRY_MS.first));
      } catch (error) {
        if (!this.#closed) {
          this.#log.warn("notifications are missed", { error: (error as Error).message });
        }
      }
      this.#listened = new Set();
      const ended = client?.end().catch(() => undefined);
      if (this.#closed) return await ended;
      await sleep(retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, RETRY_MS.last);
    }
  }

  async #connect(): Promise<pg.Client> {
    return await connect({
      connectionString: this.#databaseUrl,
      name: "notifier",
      limits: { statementMs: 4_000, idleInTransactionMs: 2_000 },
    });
  }

  /** Returns when the notifier is closed. @throws Error the connection is lost */
  async #listen(client: pg.Client, onListening: () => void): Promise<void> {
    const lost = Promise.withResolvers<never>();
    // the connection may be lost while nobody waits for this promise
    lost.promise.catch(() => undefined);
    client.on("error", lost.reject);
    client.on("end", () => lost.reject(new Error("the connection has ended")));
    client.on("notification", ({ channel, payload = "" }) => {
      for (const [topic, handlers] of this.#handlers) {
        if (CHANNELS[topic] === channel) for (const one of handlers) one.notified(payload);
      }
    });
    while (!this.#closed) {
      const fresh = this.#notListened();
      for (const topic of fresh) await client.query(`listen ${CHANNELS[topic]}`);
      for (const topic of fresh) this.#listened.add(topic);
      if (fresh.length > 0) {
        onListening();
        for (const topic of fresh) for (const one of this.#handlers.get(topic)!) one.missed();
        this.#change();
      }
      if (this.#notListened().length > 0) continue;
      const timer = new AbortController();
      const idle = sleep(CHECK_MS, "idle", { signal: timer.signal }).catch(() => "over");
      const woken = await Promise.race([lost.promise, this.#changed.promise, idle]);
      timer.abort();
      if (woken === "idle") await client.query("select");
    }
  }
}
