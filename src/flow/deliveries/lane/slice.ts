import type { Context } from "../../context.ts";

/** Lanes pumped at once by one process; pumps mostly wait. */
export const MAX_PUMPS = 2_000;
const SLICE_MS = 2_000;
const SLICE_DELIVERIES = 1_000;
/** Time for which a lane whose slice is over waits for its sends before it works on. */
const DRAIN_MS = 100;

/** A lane's turn, so that each lane gets one when a process has many or others deliver too. */
export class Slice {
  readonly #context: Pick<Context, "pumps" | "worker">;
  #end = 0;
  #left = 0;

  constructor(context: Pick<Context, "pumps" | "worker">) {
    this.#context = context;
    this.renew();
  }

  get msLeft(): number {
    return this.#end - performance.now();
  }

  /** Milliseconds until a lane that waits for its sends works on. */
  get msToDrain(): number {
    return this.msLeft + DRAIN_MS + 1;
  }

  hasRoom(): boolean {
    return this.#left > 0;
  }

  /** Counts a delivery that begins. */
  spend(): void {
    this.#left -= 1;
  }

  /** Whether the process pumps as many lanes as it may. */
  isCrowded(): boolean {
    return this.#context.pumps.size >= MAX_PUMPS;
  }

  /** Whether other lanes may have their turn. A slice that is over is renewed when nobody waits. */
  isOver(isSending: boolean): boolean {
    const now = performance.now();
    if (now < this.#end && this.#left > 0) return false;
    // a slow answer keeps the lease anyway, so the lane works on beside it
    if (isSending && now > this.#end + DRAIN_MS) this.renew();
    if (!this.isCrowded() && this.#context.worker.peers === 0) this.renew();
    return now >= this.#end || this.#left <= 0;
  }

  /** Begins a new turn. */
  renew(): void {
    this.#end = performance.now() + SLICE_MS;
    this.#left = SLICE_DELIVERIES;
  }
}
