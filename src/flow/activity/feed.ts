import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isAfter, later } from "../../core/activity.ts";
import type { ActivityPosition } from "../../core/activity.ts";
import { findLivingKeys } from "../../db/accounts/api-keys.ts";
import { findLivingSessions } from "../../db/accounts/console-sessions.ts";
import { getHorizon, listActivity } from "../../db/activity/activity.ts";
import type { ActivityEntry } from "../../db/activity/activity.ts";
import { enter, renew } from "./interest.ts";
import { createConcurrencyLimit } from "../../core/concurrency-limit.ts";
import { createActivityWaker } from "./waker.ts";
import type { ActivityWaker } from "./waker.ts";

/** Entries of one read, for all subscribers or for one. */
const ROUND = 1_000;
const PAGE = 500;
/** Subscribers that read alone at once: when all fall behind, the pool must not be used up. */
const READERS = 4;
const KEEP_ALIVE_MS = 15_000;
const RENEW_MS = 30_000;
/** Bytes on their way to a listener beyond which it gets no more, and then reads alone. */
const MAX_WAITING = 262_144;
/** A subscriber that hasn't taken its entries after this time is dropped. */
const PATIENCE_MS = 5_000;

export type CloseReason = "stopping" | "slow" | "revoked" | "failed";

/** The consumer of activity. */
export interface ActivityHandler {
  /**
   * Begins the stream: no entry from here on is missed. `reset`: earlier entries were missed, as
   * the listener's last one is too old. No entry is sent before this has resolved.
   */
  begin(at: ActivityPosition, how: "start" | "resumed" | "reset"): Promise<void>;
  /** Sends the next entries, in order, each once. There are no others up to `upTo`. */
  send(entries: readonly ActivityEntry[], upTo: ActivityPosition): void;
}

/** A listener to the activity of an account. */
export interface Listener extends ActivityHandler {
  accountId: string;
  keyId: string;
  /** The session of the console that it listens for; null: it listens for a key. */
  sessionId: string | null;
  /** The last entry that the listener knows; null: it begins now. */
  after: ActivityPosition | null;
  /** Bytes on their way to the listener. */
  waiting(): number;
  keepAlive(): void;
  close(why: CloseReason): void;
}

/** The listeners of this process: the log is read once for all of them. */
export interface ActivityFeed {
  /** Resolves when the account's activity is being kept. Returns the function that ends it. */
  listen(listener: Listener): Promise<() => void>;
  /** Reads until all entries of transactions before this one have been sent. */
  reach(xid: bigint): void;
  /** The number of listeners. */
  count(): number;
}

interface Subscriber {
  listener: Listener;
  /** The position up to which all entries were sent. */
  position: ActivityPosition;
  /** Whether it is sent the entries that are read for all; else it reads up for itself. */
  caughtUp: boolean;
}

type FeedContext = Pick<Context, "pool" | "notifier" | "telemetry" | "stopping">;

/** Makes the feed of a process, which reads nothing while nobody listens. */
export function createActivityFeed(context: FeedContext): ActivityFeed {
  return new SharedFeed(context);
}

class SharedFeed implements ActivityFeed {
  readonly #context: FeedContext;
  readonly #listeners = new Set<Listener>();
  readonly #subscribers = new Map<Listener, Subscriber>();
  /** The position of all subscribers that have caught up; null: there are none. */
  #position: ActivityPosition | null = null;
  #waker: ActivityWaker | null = null;
  readonly #turns = createConcurrencyLimit(READERS);

  constructor(context: FeedContext) {
    this.#context = context;
    context.stopping.addEventListener("abort", () => this.#closeAll());
  }

  count(): number {
    return this.#listeners.size;
  }

  reach(xid: bigint): void {
    this.#waker?.reach(xid);
  }

  async listen(listener: Listener): Promise<() => void> {
    this.#listeners.add(listener);
    this.#start();
    const leave = (): void => this.#leave(listener);
    try {
      const complete = await enter(this.#context, listener.accountId);
      if (this.#context.stopping.aborted) this.#close(listener, "stopping");
      else void this.#begin(listener, complete);
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #begin(listener: Listener, complete: () => Promise<bigint>): Promise<void> {
    try {
      const from = await complete();
      if (!this.#listeners.has(listener)) return;
      const { oldest, next } = await getHorizon(this.#context.pool);
      const { after } = listener;
      const known = after !== null && after.xid >= from && after.xid <= next;
      const position = known ? after : { xid: oldest, seq: 0n };
      await listener.begin(position, known ? "resumed" : after === null ? "start" : "reset");
      if (!this.#listeners.has(listener)) return;
      const subscriber = { listener, position, caughtUp: false };
      this.#subscribers.set(listener, subscriber);
      await this.#readUp(subscriber);
    } catch (error) {
      this.#fail(listener, error);
    }
  }

  /**
   * Reads for one subscriber until it has caught up with the others, at the pace of its client. So
   * at most a page and one round wait for a client.
   */
  async #readUp(subscriber: Subscriber): Promise<void> {
    const { listener } = subscriber;
    while (this.#subscribers.get(listener) === subscriber) {
      await this.#drained(listener);
      const { entries, horizon } = await this.#turns(() =>
        listActivity(this.#context.pool, [listener.accountId], subscriber.position, PAGE),
      );
      if (this.#subscribers.get(listener) !== subscriber) return;
      const last = entries.length < PAGE ? { xid: horizon.oldest, seq: 0n } : undefined;
      this.#send(subscriber, entries, last ?? entries.at(-1)!.position);
      if (last !== undefined && !this.#isAhead(subscriber)) {
        this.#position ??= subscriber.position;
        subscriber.caughtUp = true;
        return;
      }
    }
  }

  #isAhead(subscriber: Subscriber): boolean {
    return this.#position !== null && isAfter(this.#position, subscriber.position);
  }

  async #drained(listener: Listener): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#listeners.has(listener) && listener.waiting() > MAX_WAITING) {
      if (performance.now() > deadline) return this.#close(listener, "slow");
      await sleep(50);
    }
  }

  /** Reads once for all subscribers that have caught up. */
  async #round(): Promise<{ reached: bigint; next: bigint }> {
    const from = this.#position;
    const accounts = new Set([...this.#subscribers.values()].map((m) => m.listener.accountId));
    if (from === null) return await this.#look();
    const { entries, horizon } = await listActivity(this.#context.pool, [...accounts], from, ROUND);
    const upTo =
      entries.length < ROUND ? { xid: horizon.oldest, seq: 0n } : entries.at(-1)!.position;
    if (this.#position !== from) return { reached: 0n, next: horizon.next };
    this.#position = later(from, upTo);
    const byAccount = Map.groupBy(entries, (entry) => entry.account_id);
    for (const subscriber of this.#subscribers.values()) {
      if (!subscriber.caughtUp) continue;
      const { accountId } = subscriber.listener;
      // the subscriber came in the middle of this round, which was not for its account
      const missed = !accounts.has(accountId) || isAfter(from, subscriber.position);
      if (missed || subscriber.listener.waiting() > MAX_WAITING) {
        subscriber.caughtUp = false;
        this.#readUp(subscriber).catch((error: unknown) => this.#fail(subscriber.listener, error));
      } else {
        const own = byAccount.get(accountId) ?? [];
        const fresh = own.filter(({ position }) => isAfter(position, subscriber.position));
        this.#send(subscriber, fresh, this.#position);
      }
    }
    return { reached: this.#position.xid, next: horizon.next };
  }

  async #look(): Promise<{ reached: bigint; next: bigint }> {
    const { oldest, next } = await getHorizon(this.#context.pool);
    return { reached: oldest, next };
  }

  #send(subscriber: Subscriber, entries: readonly ActivityEntry[], upTo: ActivityPosition): void {
    subscriber.position = later(subscriber.position, upTo);
    subscriber.listener.send(entries, subscriber.position);
    this.#context.telemetry.metrics.activitySent.inc(entries.length);
  }

  #start(): void {
    this.#waker ??= createActivityWaker(this.#context, {
      round: () => this.#round(),
      every: [
        { ms: KEEP_ALIVE_MS, work: async () => this.#keepAlive() },
        { ms: RENEW_MS, work: () => this.#renew() },
      ],
    });
  }

  #keepAlive(): void {
    for (const listener of this.#listeners) listener.keepAlive();
  }

  /** Renews the interest, and ends listeners whose key or session has ended or, after an outage, a gap. */
  async #renew(): Promise<void> {
    const keys = await findLivingKeys(this.#context.pool, [
      ...new Set([...this.#listeners].map(({ keyId }) => keyId)),
    ]);
    const sessions = await findLivingSessions(
      this.#context.pool,
      [...this.#listeners].flatMap(({ sessionId }) => sessionId ?? []),
    );
    for (const one of this.#listeners) {
      const signedOut = one.sessionId !== null && !sessions.has(one.sessionId);
      if (signedOut || !keys.has(one.keyId)) this.#close(one, "revoked");
    }
    for (const accountId of new Set([...this.#listeners].map((one) => one.accountId))) {
      const from = await renew(this.#context, accountId);
      for (const [listener, subscriber] of this.#subscribers) {
        if (listener.accountId !== accountId) continue;
        // the client comes again with the last entry it knows, and learns that it missed some
        if (from === null || subscriber.position.xid < from) this.#close(listener, "failed");
      }
    }
  }

  #fail(listener: Listener, error: unknown): void {
    const { telemetry, stopping } = this.#context;
    if (!this.#listeners.has(listener)) return;
    if (!stopping.aborted) {
      telemetry.log.warn("listener lost", { error: (error as Error).message });
    }
    this.#close(listener, "failed");
  }

  #close(listener: Listener, why: CloseReason): void {
    if (!this.#listeners.has(listener)) return;
    this.#leave(listener);
    this.#context.telemetry.listenerClosed(why);
    listener.close(why);
  }

  #closeAll(): void {
    for (const listener of this.#listeners) this.#close(listener, "stopping");
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener);
    this.#subscribers.delete(listener);
    if (this.#subscribers.size === 0) this.#position = null;
    if (this.#listeners.size > 0) return;
    this.#waker?.stop();
    this.#waker = null;
  }
}
