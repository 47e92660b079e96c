import type { Context } from "../../context.ts";
import { failpoint } from "../../../core/failpoint.ts";
import { afterAttempt } from "../../../core/breaker.ts";
import type { DueDelivery } from "../../../db/deliveries/due.ts";
import type { NewAttempt, Settlement } from "../../../db/deliveries/settlements.ts";
import { retryWhileUnavailable } from "../../../db/retry.ts";
import { giveUp, sendDelivery } from "../send.ts";
import type { GiveUp } from "../send.ts";
import type { LeasedLane } from "./lease.ts";

/** Callbacks into the loop of a lane, about its sends. */
export interface SenderEvents {
  /** The breaker opened or closed. */
  breakerChanged(): void;
  /** An attempt in an ordered lane failed: later deliveries wait for it. */
  headFailed(): void;
  /** An attempt is over and is being settled. */
  sent(): void;
  /** A delivery is out of hand. `accepted`: false when the lease is lost, or may be. */
  settled(delivery: DueDelivery, accepted: boolean): void;
}

/** Sends deliveries of a lane, judges its breaker and settles the attempts. */
export class LaneSender {
  readonly #context: Context;
  readonly #lane: LeasedLane;
  readonly #events: SenderEvents;
  #sending = 0;
  #settling = 0;
  /** Numbers of answers of 410; the database knows of the settled ones. */
  readonly #gone = { seen: 0, settled: 0 };

  constructor(context: Context, lane: LeasedLane, events: SenderEvents) {
    this.#context = context;
    this.#lane = lane;
    this.#events = events;
  }

  get sending(): number {
    return this.#sending;
  }

  get settling(): number {
    return this.#settling;
  }

  async send(delivery: DueDelivery): Promise<void> {
    const { load } = this.#context;
    this.#sending += 1;
    load.sends += 1;
    const { outcome, settlement } = await sendDelivery(this.#context, this.#lane, delivery);
    this.#sending -= 1;
    load.sends -= 1;
    failpoint("attempt:sent");
    this.#judge(outcome.kind === "delivered" ? null : failureOf(outcome), settlement.attempt!);
    const gone = outcome.kind === "dead" && outcome.reason === "gone";
    if (gone) {
      this.#gone.seen += 1;
      this.#disable();
    }
    if (this.#lane.config.ordered && outcome.kind === "retry") this.#events.headFailed();
    await this.#settle(delivery, settlement);
    if (gone) this.#gone.settled += 1;
  }

  /** Makes a delivery a dead letter, without an attempt. */
  async giveUp(delivery: DueDelivery, why: GiveUp): Promise<void> {
    this.#context.telemetry.deliveryGivenUp(delivery, why.reason, why.detail);
    await this.#settle(delivery, giveUp(this.#lane, delivery, why));
  }

  /**
   * Notes the 410s settled so far. The function returned, called after the endpoint was read, makes
   * those count that the database did not know of then.
   */
  watchGone(): () => void {
    const { settled } = this.#gone;
    return () => {
      if (this.#gone.seen > settled) this.#disable();
    };
  }

  async #settle(delivery: DueDelivery, settlement: Settlement): Promise<void> {
    const { telemetry, settlements } = this.#context;
    this.#settling += 1;
    this.#events.sent();
    let accepted = false;
    try {
      accepted = await retryWhileUnavailable(telemetry.log, "settle attempt", () =>
        settlements.add(settlement),
      );
      failpoint("attempt:settled");
      if (!accepted) telemetry.claimLost("settlement", delivery.id);
    } catch (error) {
      telemetry.unexpectedError(error, { delivery_id: delivery.id });
    } finally {
      this.#settling -= 1;
      this.#events.settled(delivery, accepted);
    }
  }

  #judge(failure: string | null, { statusCode: status, errorCode: error }: NewAttempt): void {
    const { breaker, evidence } = this.#lane;
    const now = this.#context.now().getTime();
    const next = afterAttempt(breaker, failure, now);
    this.#lane.breaker = next;
    this.#lane.evidence =
      failure === null
        ? { ...evidence, succeededAt: now }
        : { ...evidence, failure: { at: now, status: error === null ? status : null, error } };
    const isFailing = next.failingSince !== null;
    if (next.until !== breaker.until || isFailing !== (breaker.failingSince !== null)) {
      this.#events.breakerChanged();
    }
    if (next.opens > breaker.opens) {
      this.#context.telemetry.breakerOpened(this.#lane.config.id, next.reason, next.until!);
    }
  }

  #disable(): void {
    if (this.#lane.config.endpoint_id !== null) this.#lane.config.endpoint_state = "disabled";
  }
}

function failureOf(
  outcome: { kind: "retry"; failure: string } | { kind: "dead"; detail: string },
): string {
  return outcome.kind === "retry" ? outcome.failure : outcome.detail;
}
