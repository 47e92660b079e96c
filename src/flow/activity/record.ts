import type { ActivityType } from "../../core/activity.ts";
import { insertActivity } from "../../db/activity/activity.ts";
import type { NewActivityEntry } from "../../db/activity/activity.ts";
import type { Tx } from "../../db/transaction.ts";

/** An entry as listeners are sent it. `data` is small, and holds no bodies and no secrets. */
interface Description extends Partial<
  Pick<NewActivityEntry, "job_id" | "message_id" | "delivery_id" | "endpoint_id">
> {
  type: ActivityType;
  data?: Record<string, unknown>;
}

/**
 * Records activity of the transaction, for listeners, if it commits. The call must come after the
 * transaction's first write. Activity of every job is recorded by the statements that change it.
 * @param things the subjects of the entries, with their accounts
 */
export async function recordActivity<Thing extends { account_id: string }>(
  tx: Tx,
  things: readonly Thing[],
  describe: (thing: Thing) => Description,
): Promise<void> {
  if (things.length === 0) return;
  await insertActivity(tx, entriesOf(things, describe));
}

function entriesOf<Thing extends { account_id: string }>(
  things: readonly Thing[],
  describe: (thing: Thing) => Description,
): NewActivityEntry[] {
  return things.map((thing) => {
    const { data = {}, ...about } = describe(thing);
    const { account_id } = thing;
    return { account_id, ...NOTHING, ...about, data: JSON.stringify(data) };
  });
}

const NOTHING = { job_id: null, message_id: null, delivery_id: null, endpoint_id: null };
