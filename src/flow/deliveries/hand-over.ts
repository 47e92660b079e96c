import type { Context } from "../context.ts";
import { inTransaction, limitLockWaits } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import type { OwnLanes } from "./publish.ts";

/**
 * Runs a transaction that makes deliveries due, and then hands those in lanes of this process to
 * their pumps, which need not read them (docs/decisions/0020).
 */
export async function handOver<T>(
  { pool, worker, pumps }: Pick<Context, "pool" | "worker" | "pumps">,
  lockWaitMs: number,
  work: (tx: Tx, own: OwnLanes) => Promise<T>,
): Promise<T> {
  const { result, toNudge, since } = await inTransaction(pool, async (tx) => {
    const own: OwnLanes = { workerId: worker.id, toNudge: new Map() };
    limitLockWaits(tx, lockWaitMs);
    const began = performance.now();
    return { result: await work(tx, own), toNudge: own.toNudge, since: began };
  });
  for (const [laneId, deliveries] of toNudge) pumps.get(laneId)?.nudge({ deliveries, since });
  return result;
}
