import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isAfter, later } from "../../core/live-events.ts";
import type { EventPosition } from "../../core/live-events.ts";
import { findLivingKeys } from "../../db/accounts/api-keys.ts";
import { getHorizon, listEvents } from "../../db/activity/activity.ts";
import type { LoggedEvent } from "../../db/activity/activity.ts";
import { enter, renew } from "./interest.ts";
import { createConcurrencyLimit } from "../../core/concurrency-limit.ts";
import { createEventWaker } from "./waker.ts";
import type { EventWaker } from "./waker.ts";

/** Events of one read, for all and for one. */
const ROUND = 1_000;
const PAGE = 500;
/** Members that read for themselves at once: when all fall behind, they must not take the pool. */
const READERS = 4;
const KEEP_ALIVE_MS = 15_000;
const RENEW_MS = 30_000;
/** Bytes on their way to a listener beyond which it gets no more; it then reads up for itself. */
const MAX_WAITING = 262_144;
/** One that hasn't taken them after this time is dropped. */
const PATIENCE_MS = 5_000;

export type CloseReason = "stopping" | "slow" | "revoked" | "failed";

/** Is told of events. */
export interface Ear {
  /**
   * From here on it misses nothing. `reset`: but it has missed something, what it knew is too old.
   * Nothing is told before this has resolved.
   */
  begin(at: EventPosition, how: "start" | "resumed" | "reset"): Promise<void>;
  /** In order, each once. All up to `upTo` has been told then. */
  tell(events: readonly LoggedEvent[], upTo: EventPosition): void;
}

/** Somebody who is told of the events of an account. */
export interface Listener extends Ear {
  accountId: string;
  keyId: string;
  /** The last event it knows; null: it begins now. */
  after: EventPosition | null;
  /** Bytes on their way to it. */
  waiting(): number;
  keepAlive(): void;
  close(why: CloseReason): void;
}

/** The listeners of this process, told in one go: the log is read once for all of them. */
export interface LiveEvents {
  /** Resolves when the account's events are being kept. Returns how to leave. */
  listen(listener: Listener): Promise<() => void>;
  /** Look again until all that began before this transaction has been told. */
  reach(xid: bigint): void;
  /** How many listen. */
  count(): number;
}

interface Member {
  listener: Listener;
  /** All up to here was told. */
  position: EventPosition;
  /** It is told with the others; else it reads up for itself. */
  live: boolean;
}

type LiveContext = Pick<Context, "pool" | "databaseUrl" | "telemetry" | "stopping">;

/** Nothing is connected and nothing is asked while nobody listens. */
export function createLiveEvents(context: LiveContext): LiveEvents {
  return new Hub(context);
}

class Hub implements LiveEvents {
  readonly #context: LiveContext;
  readonly #listeners = new Set<Listener>();
  readonly #members = new Map<Listener, Member>();
  /** How far the live members were told; null: there are none. */
  #position: EventPosition | null = null;
  #waker: EventWaker | null = null;
  readonly #turns = createConcurrencyLimit(READERS);

  constructor(context: LiveContext) {
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
      const member = { listener, position, live: false };
      this.#members.set(listener, member);
      await this.#readUp(member);
    } catch (error) {
      this.#fail(listener, error);
    }
  }

  /**
   * A member reads for itself until it is where the others are, at the pace at which its client
   * takes what it is told. So what waits for a client is a page at most, and one round.
   */
  async #readUp(member: Member): Promise<void> {
    const { listener } = member;
    while (this.#members.get(listener) === member) {
      await this.#drained(listener);
      const { events, horizon } = await this.#turns(() =>
        listEvents(this.#context.pool, [listener.accountId], member.position, PAGE),
      );
      if (this.#members.get(listener) !== member) return;
      const last = events.length < PAGE ? { xid: horizon.oldest, seq: 0n } : undefined;
      this.#tell(member, events, last ?? events.at(-1)!.position);
      if (last !== undefined && !this.#isAhead(member)) {
        this.#position ??= member.position;
        member.live = true;
        return;
      }
    }
  }

  #isAhead(member: Member): boolean {
    return this.#position !== null && isAfter(this.#position, member.position);
  }

  async #drained(listener: Listener): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#listeners.has(listener) && listener.waiting() > MAX_WAITING) {
      if (performance.now() > deadline) return this.#close(listener, "slow");
      await sleep(50);
    }
  }

  /** Reads once for all live members. */
  async #round(): Promise<{ reached: bigint; next: bigint }> {
    const from = this.#position;
    const accounts = new Set([...this.#members.values()].map((m) => m.listener.accountId));
    if (from === null) return await this.#look();
    const { events, horizon } = await listEvents(this.#context.pool, [...accounts], from, ROUND);
    const upTo = events.length < ROUND ? { xid: horizon.oldest, seq: 0n } : events.at(-1)!.position;
    if (this.#position !== from) return { reached: 0n, next: horizon.next };
    this.#position = later(from, upTo);
    const byAccount = Map.groupBy(events, (event) => event.account_id);
    for (const member of this.#members.values()) {
      if (!member.live) continue;
      const { accountId } = member.listener;
      // it came in the middle of this round, which was not for its account
      const missed = !accounts.has(accountId) || isAfter(from, member.position);
      if (missed || member.listener.waiting() > MAX_WAITING) {
        member.live = false;
        this.#readUp(member).catch((error: unknown) => this.#fail(member.listener, error));
      } else {
        const own = byAccount.get(accountId) ?? [];
        const fresh = own.filter(({ position }) => isAfter(position, member.position));
        this.#tell(member, fresh, this.#position);
      }
    }
    return { reached: this.#position.xid, next: horizon.next };
  }

  async #look(): Promise<{ reached: bigint; next: bigint }> {
    const { oldest, next } = await getHorizon(this.#context.pool);
    return { reached: oldest, next };
  }

  #tell(member: Member, events: readonly LoggedEvent[], upTo: EventPosition): void {
    member.position = later(member.position, upTo);
    member.listener.tell(events, member.position);
    this.#context.telemetry.metrics.eventsTold.inc(events.length);
  }

  #start(): void {
    this.#waker ??= createEventWaker(this.#context, {
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

  /** The interest goes on, keys may have been revoked, and after an outage the log may have a gap. */
  async #renew(): Promise<void> {
    const keys = await findLivingKeys(this.#context.pool, [
      ...new Set([...this.#listeners].map(({ keyId }) => keyId)),
    ]);
    for (const one of this.#listeners) if (!keys.has(one.keyId)) this.#close(one, "revoked");
    for (const accountId of new Set([...this.#listeners].map((one) => one.accountId))) {
      const from = await renew(this.#context, accountId);
      for (const [listener, member] of this.#members) {
        if (listener.accountId !== accountId) continue;
        // its client comes again with the last event it knows, and is told that it missed some
        if (from === null || member.position.xid < from) this.#close(listener, "failed");
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
    this.#members.delete(listener);
    if (this.#members.size === 0) this.#position = null;
    if (this.#listeners.size > 0) return;
    this.#waker?.stop();
    this.#waker = null;
  }
}
