import type { Context, MadeDue } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { breakerState } from "../../../core/breaker.ts";
import { hindranceOf } from "../../../core/outage.ts";
import { rateLimitAfterSend, rateLimitDelay } from "../../../core/rate-limit.ts";
import { whyGiveUp } from "../send.ts";
import { DeliveryBuffer } from "./buffer.ts";
import { refreshLane } from "./lease.ts";
import type { LeasedLane } from "./lease.ts";
import { lacksPositions, mustPosition, positionStep } from "./order.ts";
import { LaneSender } from "./sender.ts";
import { Slice } from "./slice.ts";

/** Time for which an empty lane is kept, so that the next delivery needs no lease. */
const LINGER_MS = 300;
/** The same for a lane with nothing planned, in a process that doesn't pump many. */
const LONG_LINGER_MS = 1_000;
const MANY_LANES = 500;
/** A pause, a new secret or a new limit takes effect within this time. */
const REFRESH_MS = 500;
/** Sends that are in flight when the lease is lost are over by then. */
const LONGEST_SEND_MS = 60_000;
/** A lane that takes deliveries made due by this process still looks this often for others. */
const TAKE_MS = 200;
/** Time after which a lane with free slots looks again while an answer is slow. */
const LOOK_AGAIN_MS = 1_000;
const DEFAULT_IN_FLIGHT = 10;
/**
 * The number of sends under way in a process from which on each lane has one at a time: more would
 * only queue up. Fewer do so too when the process is busy, as each lane has its own connections.
 */
const MANY_SENDS = 1_000;
const MANY_SENDS_WHEN_BUSY = 200;

/**
 * The loop of a leased lane: reads due deliveries, sends and settles them, all three at once, until
 * there is nothing to do or the lane is to be left.
 */
export class LanePump {
  readonly #context: Context;
  readonly #lane: LeasedLane;
  /** Called when the lease is found lost. */
  readonly #onLost: () => void;
  readonly #buffer: DeliveryBuffer;
  readonly #slice: Slice;
  readonly #sender: LaneSender;
  #reading = false;
  /** Whether there may be more to read. */
  #more = true;
  /** Whether there may be new ones behind the replayed ones that wait. */
  #mayBeNew = false;
  #lost = false;
  /** The loop sends no more. */
  #ended = false;
  #refreshAt: number;
  #readAt = performance.now();
  /** The time since which there is nothing to do. */
  #idleSince = Infinity;
  /** Whether the lane, empty, may be kept for long, as nothing is planned that it would miss. */
  #keeping: "unknown" | "asked" | "yes" | "no" = "unknown";
  #wake: () => void = () => undefined;
  #alarm: NodeJS.Timeout | undefined;
  #alarmAt = Infinity;

  constructor(context: Context, lane: LeasedLane, onLost: () => void) {
    this.#context = context;
    this.#lane = lane;
    this.#onLost = onLost;
    this.#refreshAt = performance.now() + REFRESH_MS;
    const inFlight = lane.config.max_in_flight ?? DEFAULT_IN_FLIGHT;
    this.#buffer = new DeliveryBuffer(context.load, inFlight);
    this.#slice = new Slice(context);
    this.#sender = new LaneSender(context, lane, {
      // the breaker is written at once: an attempt that hangs may keep the lease for long
      breakerChanged: () => (this.#refreshAt = 0),
      headFailed: () => this.#dropBuffer(),
      sent: () => this.#wake(),
      settled: (delivery, accepted) => {
        if (!accepted) this.#lost = true;
        this.#buffer.letGo(delivery);
        this.#wake();
      },
    });
  }

  /** Takes the deliveries that became due, or looks again. */
  nudge(made?: MadeDue): void {
    this.#keeping = "unknown";
    // the endpoint may have been changed while the lane was kept without work
    if (this.#buffer.inHand === 0 && this.#lane.config.endpoint_id !== null) this.#refreshAt = 0;
    if (made !== undefined && this.#canTake(made)) this.#buffer.addMade(made.deliveries);
    else this.#more = this.#mayBeNew = true;
    this.#wake();
  }

  /** Whether no read has seen the deliveries, and no earlier ones are left to be read. */
  #canTake({ deliveries, since }: MadeDue): boolean {
    const { ordered, endpoint_state } = this.#lane.config;
    const hasRead = !this.#reading && !this.#more && this.#buffer.waiting === 0;
    const recently = this.#readAt < since && since - this.#readAt < TAKE_MS;
    const free = !ordered && (endpoint_state ?? "active") === "active" && !this.#buffer.isFull();
    return deliveries.length > 0 && hasRead && recently && free && !this.#lost && !this.#ended;
  }

  /** Whether the lane is empty, and kept for what may come. */
  isIdle(): boolean {
    return this.#idleSince < Infinity && this.#buffer.inHand === 0 && !this.#reading;
  }

  /** Works until there is nothing to do, or the lane is to be left; may be called again. */
  async run(): Promise<void> {
    this.#ended = false;
    this.#more = true;
    this.#idleSince = Infinity;
    this.#keeping = "unknown";
    try {
      await this.#work();
    } finally {
      this.#ended = true;
      this.#clearAlarm();
      this.#dropBuffer();
    }
  }

  async #work(): Promise<void> {
    while (true) {
      if (this.#mustRefresh()) {
        const refreshed = this.#refresh();
        if (!this.#isOver()) this.#read();
        await refreshed;
        // a nudge that came meanwhile may tell of a later change
        continue;
      }
      const over = this.#isOver();
      if (!over) {
        this.#launch();
        this.#read();
      }
      const busy = this.#sender.sending + this.#sender.settling > 0 || this.#reading;
      if (!busy && (over || this.#held() || this.#isLeft())) return;
      await this.#event(over);
    }
  }

  /** Whether the lane could be kept after a run: nothing but its being empty spoke against it. */
  mayStay(): boolean {
    return !this.#isOver() && !this.#held() && !this.#slice.isCrowded();
  }

  /** Whether it is time to read the endpoint; an empty lane does so when it is nudged. */
  #mustRefresh(): boolean {
    if (this.#refreshAt === 0) return true;
    return this.#idleSince === Infinity && performance.now() >= this.#refreshAt;
  }

  /** Whether the lane has been empty for a while, or the process has other lanes to pump. */
  #isLeft(): boolean {
    if (this.#buffer.waiting > 0 || lacksPositions(this.#lane)) {
      this.#idleSince = Infinity;
      return false;
    }
    const now = performance.now();
    this.#idleSince = Math.min(this.#idleSince, now);
    // an empty lane takes no turn from others
    this.#slice.renew();
    if (this.#slice.isCrowded()) return true;
    if (now - this.#idleSince < LINGER_MS) return false;
    if (this.#context.pumps.size > MANY_LANES) return true;
    if (this.#keeping === "unknown") void this.#askToKeep();
    return this.#keeping === "no" || now - this.#idleSince >= LONG_LINGER_MS;
  }

  /** Looks whether something is planned for later, for which the lane is to be left to a wake-up. */
  async #askToKeep(): Promise<void> {
    this.#keeping = "asked";
    try {
      const planned = await this.#context.dueReads.pending.add(this.#lane.config.id);
      // a nudge that came meanwhile is looked for first
      if (this.#keeping === "asked") this.#keeping = planned ? "no" : "yes";
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#wake();
    }
  }

  /** Whether to begin no more: the lease is lost, the process stops, or others have a turn. */
  #isOver(): boolean {
    if (this.#lost || this.#context.stopping.aborted) return true;
    return this.#slice.isOver(this.#sender.sending > 0);
  }

  /** Whether due deliveries must stay: a pause, an open breaker, or a rate used up for long. */
  #held(): boolean {
    const { config, breaker } = this.#lane;
    const now = this.#context.now().getTime();
    // what is pending for it is given up, which nothing holds back
    if (config.endpoint_state === "disabled" && !config.endpoint_deleted) return false;
    return (
      config.endpoint_deleted ||
      config.endpoint_state === "paused" ||
      breakerState(breaker, now) === "open" ||
      rateLimitDelay(this.#lane, now) > this.#slice.msLeft
    );
  }

  #slots(): number {
    const { config, breaker } = this.#lane;
    if (breakerState(breaker, this.#context.now().getTime()) !== "closed") return 1;
    if (config.ordered || this.#isProcessFull()) return 1;
    return config.max_in_flight ?? DEFAULT_IN_FLIGHT;
  }

  #isProcessFull(): boolean {
    const { load } = this.#context;
    if (load.sends < MANY_SENDS_WHEN_BUSY) return false;
    return load.sends >= MANY_SENDS || load.isBusy();
  }

  #launch(): void {
    while (this.#buffer.waiting > 0 && this.#slice.hasRoom() && !this.#held()) {
      const now = this.#context.now().getTime();
      const why = whyGiveUp(this.#lane, this.#buffer.first, now);
      if (why === null) {
        // in an ordered lane a delivery is sent only after the one before is settled
        const used = this.#sender.sending + (this.#lane.config.ordered ? this.#sender.settling : 0);
        if (used >= this.#slots() || rateLimitDelay(this.#lane, now) > 0) return;
        this.#lane.nextSendAt = rateLimitAfterSend(
          this.#lane,
          this.#lane.config.rate_limit_per_s,
          now,
        ).nextSendAt;
      }
      const delivery = this.#buffer.shift();
      this.#idleSince = Infinity;
      this.#keeping = "unknown";
      this.#slice.spend();
      void (why === null ? this.#sender.send(delivery) : this.#sender.giveUp(delivery, why));
    }
  }

  #read(): void {
    const { config } = this.#lane;
    const slow = this.#sender.sending > 0 && performance.now() - this.#readAt > LOOK_AGAIN_MS;
    if (slow) this.#more = this.#mayBeNew = true;
    if (mustPosition(this.#lane) && !this.#reading && !this.#held()) void this.#positionPending();
    if (lacksPositions(this.#lane)) return;
    if (this.#buffer.isFull() || this.#reading || this.#held()) return;
    const { waiting, replayed } = this.#buffer;
    const enough = config.max_in_flight ?? DEFAULT_IN_FLIGHT;
    if (waiting >= enough) {
      if (this.#mayBeNew && replayed > 0 && waiting - replayed < enough) void this.#readNewest();
      return;
    }
    if (!this.#more) return;
    // ordered lanes read from the head, so no delivery may be in hand
    if (config.ordered && this.#buffer.inHand > 0) return;
    void this.#readMore();
  }

  async #readMore(): Promise<void> {
    this.#reading = true;
    this.#more = false;
    this.#readAt = performance.now();
    try {
      const { id, ordered, endpoint_state } = this.#lane.config;
      const reads = this.#context.dueReads[ordered ? "ordered" : "free"];
      const { due, more } = await reads.add(this.#buffer.nextRead(id));
      this.#buffer.addRead(due, ordered);
      failpoint("lane:read");
      if (more) this.#more = this.#mayBeNew = true;
      // the endpoint may have been enabled again, and these be replays
      if (due.length > 0 && endpoint_state === "disabled") await this.#refresh();
      if (this.#lane.config.ordered !== ordered) this.#dropBuffer();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
      this.#wake();
    }
  }

  /** Reads new deliveries, which go before the replayed ones that wait. */
  async #readNewest(): Promise<void> {
    this.#reading = true;
    this.#mayBeNew = false;
    this.#readAt = performance.now();
    try {
      const wanted = this.#buffer.nextRead(this.#lane.config.id);
      const { due, more } = await this.#context.dueReads.newest.add(wanted);
      this.#buffer.addRead(due, false);
      if (more) this.#mayBeNew = true;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
      this.#wake();
    }
  }

  /** Gives positions to some of the deliveries pending when order was switched on. */
  async #positionPending(): Promise<void> {
    this.#reading = true;
    try {
      await positionStep(this.#context, this.#lane);
      this.#more = true;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
      this.#wake();
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshAt = performance.now() + REFRESH_MS;
    const { ordered } = this.#lane.config;
    const countGone = this.#sender.watchGone();
    try {
      if (!(await refreshLane(this.#context, this.#lane))) {
        this.#lost = true;
        this.#refreshAt += LONGEST_SEND_MS;
        this.#onLost();
      }
      countGone();
      if (this.#lane.config.ordered !== ordered) this.#dropBuffer();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Leaves the lane after an error, so that it is taken up again properly. */
  #fail(error: unknown): void {
    this.#lost = true;
    const hindrance = hindranceOf(error);
    if (hindrance !== null) {
      this.#context.telemetry.log.warn(hindrance, { what: "pump lane" });
    } else {
      this.#context.telemetry.unexpectedError(error, { lane_id: this.#lane.config.id });
    }
  }

  /** Drops the deliveries that were read; they are read again, in the order of now. */
  #dropBuffer(): void {
    this.#more = true;
    this.#buffer.drop();
  }

  /** Resolves at the next event, or when it is time to act. */
  async #event(over: boolean): Promise<void> {
    const now = performance.now();
    const rateMs = rateLimitDelay(this.#lane, this.#context.now().getTime());
    const idle = this.#idleSince < Infinity;
    const lingerMs = this.#keeping === "yes" ? LONG_LINGER_MS : LINGER_MS;
    const waits = [idle ? this.#idleSince + lingerMs - now : this.#refreshAt - now];
    if (this.#buffer.waiting > 0 && rateMs > 0 && !over) waits.push(rateMs);
    if (over && this.#sender.sending > 0 && !this.#lost) waits.push(this.#slice.msToDrain);
    this.#setAlarm(now, Math.max(1, Math.min(...waits)));
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = () => undefined;
  }

  /** Most turns need no timer of their own: one that is set earlier only makes the loop look. */
  #setAlarm(now: number, waitMs: number): void {
    if (this.#alarmAt <= now + waitMs) return;
    clearTimeout(this.#alarm);
    this.#alarmAt = now + waitMs;
    this.#alarm = setTimeout(() => {
      this.#alarmAt = Infinity;
      this.#wake();
    }, waitMs);
  }

  #clearAlarm(): void {
    clearTimeout(this.#alarm);
    this.#alarmAt = Infinity;
  }
}
