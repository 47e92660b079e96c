import type { Context } from "../context.ts";
import { DEFAULT_GIVE_UP_AFTER_S } from "../../core/backoff.ts";
import { expireDeliveries, findLanesOverAge, lockFreeLane } from "../../db/deliveries/expiry.ts";
import type { ExpiredDelivery } from "../../db/deliveries/expiry.ts";
import { inTransaction } from "../../db/transaction.ts";
import { expiredText, limitOf } from "../deliveries/age.ts";
import { wakeLanes } from "../deliveries/publish.ts";

/** Lanes with pending deliveries examined in one turn. */
const LANES_PER_TURN = 1_000;
/** Deliveries given up in one transaction, and transactions in one turn. */
const STEP = 500;
const STEPS = 20;

/**
 * Gives up what is past its age in lanes that nobody holds: paused ones, and those whose breaker or
 * rate lets nothing through. The holder of a lane does the same as it comes to each delivery.
 */
export function createExpiry(context: Pick<Context, "pool" | "telemetry" | "stopping">): {
  /** Makes one turn. Returns how many were given up. */
  turn(): Promise<number>;
} {
  let after: string | null = null;
  return {
    async turn() {
      const look = { defaultS: DEFAULT_GIVE_UP_AFTER_S, after, limit: LANES_PER_TURN };
      const { lanes, last } = await findLanesOverAge(context.pool, look);
      after = last;
      let count = 0;
      let steps = 0;
      for (const laneId of lanes) {
        for (let full = true; full && steps < STEPS && !context.stopping.aborted; steps += 1) {
          const expired = await expireSome(context, laneId);
          count += expired;
          full = expired === STEP;
        }
      }
      return count;
    },
  };
}

async function expireSome(
  { pool, telemetry }: Pick<Context, "pool" | "telemetry">,
  laneId: string,
): Promise<number> {
  const { expired, detail } = await inTransaction(pool, async (tx) => {
    const lane = await lockFreeLane(tx, laneId);
    if (lane === null) return { expired: [] as ExpiredDelivery[], detail: "" };
    const order = {
      defaultS: DEFAULT_GIVE_UP_AFTER_S,
      limit: STEP,
      detail: expiredText(limitOf(lane)),
      detailOfOwn: expiredText(null),
    };
    const given = await expireDeliveries(tx, laneId, order);
    // the next in order may be due before the one that is gone would have been
    if (lane.ordered && given.length > 0) await wakeLanes(tx, [laneId]);
    return { expired: given, detail: order.detail };
  });
  for (const delivery of expired) telemetry.deliveryGivenUp(delivery, "expired", detail);
  return expired.length;
}
