import type { Load } from "../../context.ts";
import type { DueDelivery, DueWanted } from "../../../db/deliveries/due.ts";
import { MAX_BYTES_IN_ALL } from "../due.ts";

const READ_ROWS = 200;
const MAX_IN_HAND = 600;
/** While new deliveries wait, each so manieth that is sent is a replayed one. */
const REPLAYED_TURN = 4;
/** Bytes of bodies that one lane may have in memory. */
const MAX_BYTES = 1_048_576;

/**
 * The deliveries of a lane that its holder has read: the ones that wait to be sent, and all in
 * hand, from read to settled. Their bytes count for the load of the process.
 */
export class DeliveryBuffer {
  readonly #load: Load;
  /** The deliveries to send, in this order, but for replayed ones, which give way to new ones. */
  readonly #waiting: DueDelivery[] = [];
  readonly #replayed: DueDelivery[] = [];
  #turn = 0;
  readonly #inHand = new Set<string>();
  #bytes = 0;
  /** The number to read next: more each time as many came as were asked for. */
  #rows: number;

  constructor(load: Load, maxInFlight: number) {
    this.#load = load;
    this.#rows = Math.min(READ_ROWS, 2 * maxInFlight);
  }

  /** The number of deliveries that wait to be sent. */
  get waiting(): number {
    return this.#waiting.length + this.#replayed.length;
  }

  /** Of these, the replayed ones. */
  get replayed(): number {
    return this.#replayed.length;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** Whether no more may be read. With none in hand, one delivery always may. */
  isFull(): boolean {
    if (this.#inHand.size === 0) return false;
    const isLarge = this.#bytes >= MAX_BYTES || this.#load.bytes >= MAX_BYTES_IN_ALL;
    return isLarge || this.#inHand.size >= MAX_IN_HAND;
  }

  /** The next read of this lane. */
  nextRead(laneId: string): DueWanted {
    const bytes = MAX_BYTES - this.#bytes;
    return { laneId, except: [...this.#inHand], rows: this.#rows, bytes };
  }

  /** Adds the answer of a read, whose bytes count for the load already. */
  addRead(due: readonly DueDelivery[], ordered: boolean): void {
    this.#add(due, ordered);
    if (due.length === this.#rows) this.#rows = Math.min(READ_ROWS, this.#rows * 2);
  }

  /** Adds deliveries that this process made due, without a read. */
  addMade(deliveries: readonly DueDelivery[]): void {
    for (const { body_bytes } of deliveries) this.#load.bytes += body_bytes;
    this.#add(deliveries, false);
  }

  /** The next delivery to be sent. */
  get first(): DueDelivery {
    return this.#waiting[0]!;
  }

  /** Takes the next delivery to be sent; it stays in hand. */
  shift(): DueDelivery {
    const both = this.#waiting.length > 0 && this.#replayed.length > 0;
    // new ones don't keep replayed ones out for ever
    if (both) this.#turn = (this.#turn + 1) % REPLAYED_TURN;
    const replayed = both ? this.#turn === 0 : this.#waiting.length === 0;
    return (replayed ? this.#replayed : this.#waiting).shift()!;
  }

  /** Lets go of the deliveries that wait. */
  drop(): void {
    for (const delivery of this.#waiting.splice(0)) this.letGo(delivery);
    for (const delivery of this.#replayed.splice(0)) this.letGo(delivery);
  }

  /** Lets go of a delivery that was settled or is to be read again. */
  letGo({ id, body_bytes }: DueDelivery): void {
    this.#inHand.delete(id);
    this.#bytes -= body_bytes;
    this.#load.bytes -= body_bytes;
  }

  #add(deliveries: readonly DueDelivery[], ordered: boolean): void {
    for (const delivery of deliveries) {
      (delivery.manual && !ordered ? this.#replayed : this.#waiting).push(delivery);
      this.#inHand.add(delivery.id);
      this.#bytes += delivery.body_bytes;
    }
  }
}
