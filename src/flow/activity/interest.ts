import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import {
  awaitJobEnds,
  completeInterest,
  getHorizon,
  registerInterest,
} from "../../db/activity/activity.ts";
import { singleStatement } from "../../db/transaction.ts";

/** Time for which activity is kept for a listener that may come back. */
const INTEREST_S = 600;
const LOOK_MS = 10;
const AWAIT_S = 60;

/**
 * Has the account's activity kept from now on. The function returned waits until the log is
 * complete, and returns the transaction from which on it is.
 *
 * A transaction that asked for listeners before this commits doesn't see the interest, and may
 * commit long after. Such a transaction had an id when it asked. So once the interest is committed,
 * the log is complete from the next id on, as soon as all older transactions have ended.
 */
export async function enter(
  { pool, stopping }: Pick<Context, "pool" | "stopping">,
  accountId: string,
): Promise<() => Promise<bigint>> {
  const known = await registerInterest(singleStatement(pool), accountId, INTEREST_S);
  return async () => {
    if (known !== null) return known;
    const { next } = await getHorizon(pool);
    while ((await getHorizon(pool)).oldest < next) {
      if (stopping.aborted) throw new Error("the process stops");
      await sleep(LOOK_MS);
    }
    return (await completeInterest(singleStatement(pool), accountId, next)) ?? next;
  };
}

/** Returns the transaction since which the log is complete; null: not kept for a while. */
export async function renew(
  { pool }: Pick<Context, "pool">,
  accountId: string,
): Promise<bigint | null> {
  return await registerInterest(singleStatement(pool), accountId, INTEREST_S);
}

/**
 * Has the ends of these accounts' jobs notified for a minute, or half of it. The transaction of a
 * job that ends right now may have asked before, and commits without a notification.
 */
export async function awaitEnds(
  { pool }: Pick<Context, "pool">,
  accountIds: readonly string[],
): Promise<void> {
  await awaitJobEnds(singleStatement(pool), accountIds, AWAIT_S);
}
