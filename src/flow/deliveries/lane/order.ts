import type { Context } from "../../context.ts";
import type { LaneConfig } from "../../../db/deliveries/leases.ts";
import {
  endOrdering,
  positionPending,
  readTransactionIds,
} from "../../../db/deliveries/lane-positions.ts";
import type { WalkCursor } from "../../../db/deliveries/lane-positions.ts";
import { singleStatement } from "../../../db/transaction.ts";

/** A walk over the pending deliveries of a lane whose order was switched on. */
export interface OrderingWalk {
  /** The change that asks for the walk. */
  xid: string;
  /** Transactions below this id may have added deliveries without knowing of the order. */
  producersBelow: bigint;
  /** Whether those producers had all ended when the walk began, so that it is the last. */
  last: boolean;
  position: WalkCursor | null;
  /** Whether the walk was once over all: deliveries with a position may be sent. */
  walked: boolean;
  /** The time of the next walk, by `performance.now()`. */
  againAt: number;
}

const AGAIN_MS = 1_000;

interface OrderedLane {
  config: LaneConfig;
  ordering: OrderingWalk | null;
}

/** Whether a step of the walk is due now. */
export function mustPosition({ config, ordering }: OrderedLane): boolean {
  if (!config.ordered || config.ordering_xid === null) return false;
  return ordering?.xid !== config.ordering_xid || performance.now() >= ordering.againAt;
}

/** Whether pending deliveries may still lack positions, without which order can't be kept. */
export function lacksPositions({ config, ordering }: OrderedLane): boolean {
  if (!config.ordered || config.ordering_xid === null) return false;
  return ordering?.xid !== config.ordering_xid || !ordering.walked;
}

/**
 * Makes one step of the walk, a transaction over a bounded number of deliveries. The walk is
 * repeated until one begins after all producers that did not know of the order have ended.
 */
export async function positionStep(
  { pool }: Pick<Context, "pool">,
  lane: OrderedLane,
): Promise<void> {
  const { config } = lane;
  const xid = config.ordering_xid!;
  const ids = await readTransactionIds(pool);
  if (lane.ordering?.xid !== xid) {
    const start = { position: null, last: false, walked: false, againAt: 0 };
    lane.ordering = { xid, producersBelow: ids.next, ...start };
  }
  const { ordering } = lane;
  if (ordering.position === null) ordering.last = ids.oldest >= ordering.producersBelow;
  const tx = singleStatement(pool);
  ordering.position = await positionPending(tx, config, ordering.position);
  if (ordering.position !== null) return;
  ordering.walked = true;
  ordering.againAt = performance.now() + AGAIN_MS;
  if (!ordering.last) return;
  await endOrdering(tx, config);
  config.ordering_xid = null;
}
