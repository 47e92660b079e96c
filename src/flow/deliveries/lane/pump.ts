import type { Context, MadeDue, PumpHandle } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { afterAttempt, breakerState } from "../../../core/breaker.ts";
import { hindranceOf } from "../../../core/outage.ts";
import { rateLimitAfterSend, rateLimitDelay } from "../../../core/rate-limit.ts";
import type { DueDelivery } from "../../../db/deliveries/due.ts";
import type { Settlement } from "../../../db/deliveries/settlements.ts";
import { leaseLane, leaveLane, passOn, refreshLane } from "./lease.ts";
import type { LeasedLane, Leaving } from "./lease.ts";
import { retryWhileUnavailable } from "../../../db/retry.ts";
import { mustPosition, lacksPositions, positionStep } from "./order.ts";
import { MAX_BYTES_IN_ALL } from "../due.ts";
import { giveUp, sendDelivery } from "../send.ts";

/** Lanes pumped at once by one process; pumps mostly wait. */
export const MAX_PUMPS = 2_000;
/** How long an empty lane is kept, as what comes next needs no lease then. */
const LINGER_MS = 300;
const SLICE_MS = 2_000;
const SLICE_DELIVERIES = 1_000;
/** How long a lane whose slice is over waits for its sends before it works on meanwhile. */
const DRAIN_MS = 100;
/** A pause, a new secret or a new limit takes effect within this time. */
const REFRESH_MS = 500;
/** What is in flight when the lease is lost is over by then. */
const LONGEST_SEND_MS = 60_000;
/** A lane that takes what was made due beside it still looks this often for what becomes due. */
const TAKE_MS = 200;
/** How often a lane with free slots looks again while an answer is slow, unless it is nudged. */
const LOOK_AGAIN_MS = 1_000;
const READ_ROWS = 200;
const MAX_IN_HAND = 600;
/** Bytes of bodies one lane may hold in memory. */
const MAX_BYTES = 1_048_576;
const DEFAULT_IN_FLIGHT = 10;
/**
 * With so many under way in this process, each lane has one more at a time: more only queue up. So
 * do fewer when the process has no time for them, and each lane has connections of its own.
 */
const MANY_SENDS = 1_000;
const MANY_SENDS_WHEN_BUSY = 200;

/**
 * Pumps one lane: leases it, sends what is due, settles, and gives it back with its next wake-up
 * planned. A lane that is leased already is left alone; its holder looks before it leaves.
 */
export async function pumpLane(context: Context, laneId: string): Promise<void> {
  for (let holder; (holder = context.pumps.get(laneId)) !== undefined; await holder.settled()) {
    if (holder.nudge()) return;
  }
  if (context.stopping.aborted) return await passOn(context, laneId);
  // before the lease, so that a lease whose answer got lost can be told from one that is in hand
  let pump: LanePump | null = null;
  let known = Promise.withResolvers<void>();
  const handle: PumpHandle = {
    nudge(made) {
      pump?.nudge(made);
      return pump !== null;
    },
    settled: () => known.promise,
  };
  context.pumps.set(laneId, handle);
  const letGo = (): void => {
    if (context.pumps.get(laneId) === handle) context.pumps.delete(laneId);
    known.resolve();
  };
  let left = true;
  try {
    const lane = await leaseLane(context, laneId);
    if (lane === null) return;
    const holder = new LanePump(context, lane, () => {
      // its sends may take long; the wake-ups that came and come are for another pump
      letGo();
      passOn(context, laneId).catch((error: unknown) =>
        context.telemetry.unexpectedError(error, { lane_id: laneId }),
      );
    });
    let leaving: Leaving;
    do {
      pump = holder;
      known.resolve();
      await holder.run();
      pump = null;
      known = Promise.withResolvers<void>();
      leaving = await leaveLane(context, lane, holder.mayStay());
    } while (leaving === "stays");
    left = leaving === "left";
  } finally {
    letGo();
    if (!left) context.telemetry.claimLost("lane", laneId);
  }
  // the wake-ups it took while it did not know
  if (!left) await passOn(context, laneId);
}

class LanePump {
  readonly #context: Context;
  readonly #lane: LeasedLane;
  /** The lease was found lost. */
  readonly #onLost: () => void;
  /** Read and not yet sent, the first to be sent first. */
  readonly #buffer: DueDelivery[] = [];
  /** Everything in hand, from read to settled, with its bytes. */
  readonly #inHand = new Map<string, number>();
  #bytes = 0;
  /** How many to read next: more each time that all of it was sent. */
  #rows: number;
  #sending = 0;
  #settling = 0;
  #reading = false;
  /** There may be more to read. */
  #more = true;
  /** 410 answers of the endpoint; the database knows of those settled. */
  #gone = { seen: 0, settled: 0 };
  #lost = false;
  /** It sends no more. */
  #ended = false;
  #sliceEnd = 0;
  #sliceLeft = 0;
  #refreshAt: number;
  #readAt = performance.now();
  /** Since when there was nothing to do. */
  #idleSince = Infinity;
  #wake: () => void = () => undefined;

  constructor(context: Context, lane: LeasedLane, onLost: () => void) {
    this.#context = context;
    this.#lane = lane;
    this.#onLost = onLost;
    this.#refreshAt = performance.now() + REFRESH_MS;
    this.#rows = Math.min(READ_ROWS, 2 * (lane.config.max_in_flight ?? DEFAULT_IN_FLIGHT));
    this.#newSlice();
  }

  /** A delivery may have become due: take it, or look again. */
  nudge(made?: MadeDue): void {
    if (made !== undefined && this.#canTake(made)) this.#take(made.deliveries);
    else this.#more = true;
    // its endpoint may have been paused while the lane was kept for nothing
    const { endpoint_id } = this.#lane.config;
    if (this.#idleSince < Infinity && endpoint_id !== null) this.#refreshAt = 0;
    this.#wake();
  }

  /** No read has seen them, and nothing that was due before is left to be read. */
  #canTake({ deliveries, since }: MadeDue): boolean {
    const { ordered, endpoint_state } = this.#lane.config;
    const hasRead = !this.#reading && !this.#more && this.#buffer.length === 0;
    const recently = this.#readAt < since && since - this.#readAt < TAKE_MS;
    const free = !ordered && (endpoint_state ?? "active") === "active" && !this.#isFull();
    return deliveries.length > 0 && hasRead && recently && free && !this.#lost && !this.#ended;
  }

  /** Works until there is nothing to do, or the lane is to be left; may be called again. */
  async run(): Promise<void> {
    this.#ended = false;
    this.#more = true;
    this.#idleSince = Infinity;
    try {
      await this.#work();
    } finally {
      this.#ended = true;
      this.#dropBuffer();
    }
  }

  async #work(): Promise<void> {
    while (true) {
      if (performance.now() >= this.#refreshAt) {
        const refreshed = this.#refresh();
        if (!this.#isOver()) this.#read();
        await refreshed;
      }
      const over = this.#isOver();
      if (!over) {
        this.#launch();
        this.#read();
      }
      const busy = this.#sending + this.#settling > 0 || this.#reading;
      if (!busy && (over || this.#held() || this.#isLeft())) return;
      await this.#event(over);
    }
  }

  /** The lane could be kept after a run: nothing but its being empty spoke against it. */
  mayStay(): boolean {
    return !this.#isOver() && !this.#held() && !this.#isCrowded();
  }

  /** It has been empty for a while, or the process has other lanes to pump. */
  #isLeft(): boolean {
    if (this.#buffer.length > 0 || lacksPositions(this.#lane)) return false;
    const now = performance.now();
    this.#idleSince = Math.min(this.#idleSince, now);
    return now - this.#idleSince >= LINGER_MS || this.#isCrowded();
  }

  #isCrowded(): boolean {
    return this.#context.pumps.size >= MAX_PUMPS;
  }

  /** Nothing more is begun: the lease is lost, the process stops, or others may have their turn. */
  #isOver(): boolean {
    if (this.#lost || this.#context.stopping.aborted) return true;
    const now = performance.now();
    if (now < this.#sliceEnd && this.#sliceLeft > 0) return false;
    // a slow answer keeps the lease anyway, so the lane works on beside it
    if (this.#sending > 0 && now > this.#sliceEnd + DRAIN_MS) this.#newSlice();
    if (!this.#isCrowded() && this.#context.worker.peers === 0) this.#newSlice();
    return now >= this.#sliceEnd || this.#sliceLeft <= 0;
  }

  #newSlice(): void {
    this.#sliceEnd = performance.now() + SLICE_MS;
    this.#sliceLeft = SLICE_DELIVERIES;
  }

  /** What is due must stay: the receiver is paused, broken, or its rate is used up for long. */
  #held(): boolean {
    const { config, breaker } = this.#lane;
    const now = this.#context.now().getTime();
    return (
      config.endpoint_deleted ||
      config.endpoint_state === "paused" ||
      breakerState(breaker, now) === "open" ||
      rateLimitDelay(this.#lane, now) > this.#sliceEnd - performance.now()
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
    while (this.#buffer.length > 0 && this.#sliceLeft > 0 && !this.#held()) {
      const disabled = this.#lane.config.endpoint_state === "disabled";
      if (!disabled) {
        const now = this.#context.now().getTime();
        // in an ordered lane the next is sent only after the one before is settled
        const used = this.#sending + (this.#lane.config.ordered ? this.#settling : 0);
        if (used >= this.#slots() || rateLimitDelay(this.#lane, now) > 0) return;
        this.#lane.nextSendAt = rateLimitAfterSend(
          this.#lane,
          this.#lane.config.rate_limit_per_s,
          now,
        ).nextSendAt;
      }
      const delivery = this.#buffer.shift()!;
      this.#idleSince = Infinity;
      this.#sliceLeft -= 1;
      void (disabled ? this.#giveUp(delivery) : this.#send(delivery));
    }
  }

  async #send(delivery: DueDelivery): Promise<void> {
    this.#sending += 1;
    this.#context.load.sends += 1;
    const { outcome, settlement } = await sendDelivery(this.#context, this.#lane, delivery);
    this.#sending -= 1;
    this.#context.load.sends -= 1;
    failpoint("attempt:sent");
    const failure = outcome.kind === "delivered" ? null : failureOf(outcome);
    this.#judge(failure);
    const gone = outcome.kind === "dead" && outcome.reason === "gone";
    if (gone) this.#gone.seen += 1;
    if (gone) this.#disabledByReceiver();
    // what follows a failed delivery of an ordered lane waits for it
    if (this.#lane.config.ordered && outcome.kind === "retry") this.#dropBuffer();
    await this.#settle(delivery, settlement);
    if (gone) this.#gone.settled += 1;
  }

  async #giveUp(delivery: DueDelivery): Promise<void> {
    const settlement = giveUp(this.#lane, delivery);
    this.#context.telemetry.deliveryGivenUp(delivery, settlement.reason!, settlement.detail!);
    await this.#settle(delivery, settlement);
  }

  async #settle(delivery: DueDelivery, settlement: Settlement): Promise<void> {
    this.#settling += 1;
    this.#wake();
    try {
      const settled = await retryWhileUnavailable(
        this.#context.telemetry.log,
        "settle attempt",
        () => this.#context.settlements.add(settlement),
      );
      failpoint("attempt:settled");
      if (!settled) {
        this.#lost = true;
        this.#context.telemetry.claimLost("settlement", delivery.id);
      }
    } catch (error) {
      this.#lost = true;
      this.#context.telemetry.unexpectedError(error, { delivery_id: delivery.id });
    } finally {
      this.#settling -= 1;
      this.#letGo(delivery);
      this.#wake();
    }
  }

  #judge(failure: string | null): void {
    const { breaker } = this.#lane;
    const now = this.#context.now().getTime();
    const next = afterAttempt(breaker, failure, now);
    this.#lane.breaker = next;
    // told at once: an attempt that hangs may keep the lease for long
    if (next.until !== breaker.until) this.#refreshAt = 0;
    if (next.opens > breaker.opens) {
      this.#context.telemetry.breakerOpened(this.#lane.config.id, next.reason, next.until!);
    }
  }

  #disabledByReceiver(): void {
    if (this.#lane.config.endpoint_id !== null) this.#lane.config.endpoint_state = "disabled";
  }

  #read(): void {
    const { config } = this.#lane;
    const slow = this.#sending > 0 && performance.now() - this.#readAt > LOOK_AGAIN_MS;
    if (slow) this.#more = true;
    if (mustPosition(this.#lane) && !this.#reading && !this.#held()) void this.#place();
    if (lacksPositions(this.#lane)) return;
    const low = this.#buffer.length < (config.max_in_flight ?? DEFAULT_IN_FLIGHT);
    if (!this.#more || !low || this.#isFull() || this.#reading || this.#held()) return;
    // ordered lanes read from the head, so nothing of it may be in hand
    if (config.ordered && this.#inHand.size > 0) return;
    void this.#readMore();
  }

  /** One delivery may always be read when none is in hand. */
  #isFull(): boolean {
    if (this.#inHand.size === 0) return false;
    const bytesLeft = MAX_BYTES_IN_ALL - this.#context.load.bytes;
    return this.#inHand.size >= MAX_IN_HAND || this.#bytes >= MAX_BYTES || bytesLeft <= 0;
  }

  async #readMore(): Promise<void> {
    this.#reading = true;
    this.#more = false;
    this.#readAt = performance.now();
    try {
      const { id, ordered, endpoint_state } = this.#lane.config;
      const reads = this.#context.dueReads[ordered ? "ordered" : "free"];
      const { due, more } = await reads.add({
        laneId: id,
        except: [...this.#inHand.keys()],
        rows: this.#rows,
        bytes: MAX_BYTES - this.#bytes,
      });
      this.#add(due);
      failpoint("lane:read");
      if (more) this.#more = true;
      if (due.length === this.#rows) this.#rows = Math.min(READ_ROWS, this.#rows * 2);
      // it may have been enabled again, and these be replays
      if (due.length > 0 && endpoint_state === "disabled") await this.#refresh();
      if (this.#lane.config.ordered !== ordered) this.#dropBuffer();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
      this.#wake();
    }
  }

  /** Gives places to some of what was pending when order was switched on. */
  async #place(): Promise<void> {
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

  #take(deliveries: readonly DueDelivery[]): void {
    for (const { body_bytes } of deliveries) this.#context.load.bytes += body_bytes;
    this.#add(deliveries);
  }

  #add(deliveries: readonly DueDelivery[]): void {
    for (const delivery of deliveries) {
      this.#buffer.push(delivery);
      this.#inHand.set(delivery.id, delivery.body_bytes);
      this.#bytes += delivery.body_bytes;
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshAt = performance.now() + REFRESH_MS;
    const { ordered } = this.#lane.config;
    const { settled } = this.#gone;
    try {
      if (!(await refreshLane(this.#context, this.#lane))) {
        this.#lost = true;
        this.#refreshAt += LONGEST_SEND_MS;
        this.#onLost();
      }
      // a 410 that was not settled before the look counts
      if (this.#gone.seen > settled) this.#disabledByReceiver();
      if (this.#lane.config.ordered !== ordered) this.#dropBuffer();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The lane is left, so that it is taken up again in order. */
  #fail(error: unknown): void {
    this.#lost = true;
    const hindrance = hindranceOf(error);
    if (hindrance !== null) {
      this.#context.telemetry.log.warn(hindrance, { what: "pump lane" });
    } else {
      this.#context.telemetry.unexpectedError(error, { lane_id: this.#lane.config.id });
    }
  }

  /** What was read is read again, in the order of now. */
  #dropBuffer(): void {
    this.#more = true;
    for (const delivery of this.#buffer.splice(0)) this.#letGo(delivery);
  }

  #letGo(delivery: DueDelivery): void {
    this.#inHand.delete(delivery.id);
    this.#bytes -= delivery.body_bytes;
    this.#context.load.bytes -= delivery.body_bytes;
  }

  /** Until something happens, or the time comes for something. */
  async #event(over: boolean): Promise<void> {
    const now = performance.now();
    const pace = rateLimitDelay(this.#lane, this.#context.now().getTime());
    const waits = [this.#refreshAt - now];
    if (this.#buffer.length > 0 && pace > 0 && !over) waits.push(pace);
    if (this.#idleSince < Infinity) waits.push(this.#idleSince + LINGER_MS - now);
    if (over && this.#sending > 0 && !this.#lost) waits.push(this.#sliceEnd + DRAIN_MS + 1 - now);
    const waitMs = Math.max(1, Math.min(...waits));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}

function failureOf(
  outcome: { kind: "retry"; failure: string } | { kind: "dead"; detail: string },
): string {
  return outcome.kind === "retry" ? outcome.failure : outcome.detail;
}
