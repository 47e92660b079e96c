import type { ActivityType } from "../../core/live-events.ts";
import { insertEvents } from "../../db/activity/activity.ts";
import type { NewEvent } from "../../db/activity/activity.ts";
import type { Tx } from "../../db/transaction.ts";

/** What listeners are told. `data` is small, and holds no bodies and no secrets. */
interface Told extends Partial<
  Pick<NewEvent, "job_id" | "message_id" | "delivery_id" | "endpoint_id">
> {
  type: ActivityType;
  data?: Record<string, unknown>;
}

/**
 * Tells listeners of what the transaction has done, if it commits. It must come after the first
 * write of the transaction. What happens with every job is told by the statements that do it.
 * @param things what it is about, with the accounts they belong to
 */
export async function recordEvents<Thing extends { account_id: string }>(
  tx: Tx,
  things: readonly Thing[],
  describe: (thing: Thing) => Told,
): Promise<void> {
  if (things.length === 0) return;
  await insertEvents(tx, eventsOf(things, describe));
}

function eventsOf<Thing extends { account_id: string }>(
  things: readonly Thing[],
  describe: (thing: Thing) => Told,
): NewEvent[] {
  return things.map((thing) => {
    const { data = {}, ...about } = describe(thing);
    const { account_id } = thing;
    return { account_id, ...NOTHING, ...about, data: JSON.stringify(data) };
  });
}

const NOTHING = { job_id: null, message_id: null, delivery_id: null, endpoint_id: null };
