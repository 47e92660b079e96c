import { toCapped } from "../../core/capped-count.ts";
import { heldBy } from "../../core/held.ts";
import type { Delivery } from "../../core/model.ts";
import { listHeldFacts } from "../../db/deliveries/held.ts";
import type { HttpContext } from "../http-context.ts";
import type { HeldBody } from "../schemas/delivery.ts";
import { isoTime } from "./common.ts";

/** Why a delivery waits. */
export interface MayBeHeld {
  held: HeldBody | null;
}

export type ShownDelivery = Delivery & MayBeHeld;

/**
 * Deliveries with the reasons why pending ones wait: one look more, for all of them.
 * @param counted whether to say how many wait in the same lane
 */
export async function withHeld<Row extends Pick<Delivery, "id" | "status">>(
  { lookups, now }: Pick<HttpContext, "lookups" | "now">,
  deliveries: readonly Row[],
  counted = false,
): Promise<(Row & MayBeHeld)[]> {
  const pending = deliveries.filter(({ status }) => status === "pending").map(({ id }) => id);
  const facts = pending.length === 0 ? [] : await listHeldFacts(lookups, pending, counted);
  const held = new Map(facts.map((row) => [row.id, row]));
  return deliveries.map((delivery) => {
    const found = held.get(delivery.id);
    const by = found === undefined ? null : heldBy(delivery.id, found, now());
    if (found === undefined || by === null) return { ...delivery, held: null };
    const waiting = found.lane_pending === null ? {} : { waiting: toCapped(found.lane_pending) };
    const { reason, since, until, detail } = by;
    const body = { reason, since: isoTime(since), until: isoTime(until), detail, ...waiting };
    return { ...delivery, held: body };
  });
}
