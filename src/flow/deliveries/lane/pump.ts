import type { Context, Leaving, PumpHandle } from "../../context.ts";
import { leaseLane } from "./lease.ts";
import { leaveLane } from "./leave.ts";
import { LanePump } from "./loop.ts";
import { passOn } from "./pass-on.ts";

/**
 * Pumps one lane: leases it, sends and settles due deliveries, and gives the lane back with its
 * next wake-up. A lane that is leased already is left alone; its holder looks before it leaves.
 */
export async function pumpLane(context: Context, laneId: string): Promise<void> {
  for (let holder; (holder = context.pumps.get(laneId)) !== undefined; await holder.settled()) {
    if (holder.nudge()) return;
  }
  if (context.stopping.aborted) return await passOn(context, laneId);
  // noted before the lease: a lease whose answer got lost differs from one in hand
  let pump: LanePump | null = null;
  let known = Promise.withResolvers<void>();
  const handle: PumpHandle = {
    nudge(made) {
      pump?.nudge(made);
      return pump !== null;
    },
    settled: () => known.promise,
    isIdle: () => pump?.isIdle() ?? false,
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
      // the sends may take long; the wake-ups that came and come are for another pump
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
  // for the wake-ups that the pump took before it knew
  if (!left) await passOn(context, laneId);
}
