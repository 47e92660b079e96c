import type { Context } from "../../context.ts";
import type { LaneConfig } from "../../../db/deliveries/leases.ts";
import {
  endPlacing,
  placePending,
  readTransactionIds,
} from "../../../db/deliveries/lane-positions.ts";
import type { PendingPosition } from "../../../db/deliveries/lane-positions.ts";
import { singleStatement } from "../../../db/transaction.ts";

/** A walk over the pending deliveries of a lane whose order was switched on. */
export interface Placing {
  /** The change that asks for it. */
  xid: string;
  /** Transactions below this id may have added deliveries without knowing of the order. */
  producersBelow: bigint;
  /** They had all ended when the walk began, so it is the last. */
  last: boolean;
  position: PendingPosition | null;
  /** Once over all: what has a place now may be sent. */
  walked: boolean;
  /** When to walk again, by `performance.now()`. */
  againAt: number;
}

const AGAIN_MS = 1_000;

interface PlacedLane {
  config: LaneConfig;
  placing: Placing | null;
}

/** Whether a step of the walk has to be done now. */
export function hasToPlace({ config, placing }: PlacedLane): boolean {
  if (!config.ordered || config.placing_xid === null) return false;
  return placing?.xid !== config.placing_xid || performance.now() >= placing.againAt;
}

/** Whether what is pending may still have to be placed before it can be sent in order. */
export function isUnplaced({ config, placing }: PlacedLane): boolean {
  if (!config.ordered || config.placing_xid === null) return false;
  return placing?.xid !== config.placing_xid || !placing.walked;
}

/**
 * One step of the walk, a transaction over a bounded number of deliveries. The walk is repeated
 * until it began after all producers had ended that did not know of the order.
 */
export async function placeStep({ pool }: Pick<Context, "pool">, lane: PlacedLane): Promise<void> {
  const { config } = lane;
  const xid = config.placing_xid!;
  const ids = await readTransactionIds(pool);
  if (lane.placing?.xid !== xid) {
    const start = { position: null, last: false, walked: false, againAt: 0 };
    lane.placing = { xid, producersBelow: ids.next, ...start };
  }
  const { placing } = lane;
  if (placing.position === null) placing.last = ids.oldest >= placing.producersBelow;
  const tx = singleStatement(pool);
  placing.position = await placePending(tx, config, placing.position);
  if (placing.position !== null) return;
  placing.walked = true;
  placing.againAt = performance.now() + AGAIN_MS;
  if (!placing.last) return;
  await endPlacing(tx, config);
  config.placing_xid = null;
}
