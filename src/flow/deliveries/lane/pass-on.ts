import type { Context } from "../../context.ts";
import { shareLanes } from "../../../db/deliveries/lanes.ts";
import { wake } from "../../../db/queue/wake.ts";
import { inTransaction } from "../../../db/transaction.ts";

/** Time after which a lane that was refused to this process is offered again. */
const REFUSED_WAIT_MS = 500;

/** Queues again the wake-up of a lane that this process, declared dead or stopping, can't pump. */
export async function passOn({ pool }: Pick<Context, "pool">, laneId: string): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await shareLanes(tx, [laneId]);
    await wake(tx, [{ task: "pump-lane", id: laneId, delayMs: REFUSED_WAIT_MS }]);
  });
}
