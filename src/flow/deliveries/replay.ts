import type { Context } from "../context.ts";
import { SYSTEM, type Author } from "../../core/audit.ts";
import type { Delivery } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import {
  attemptNow,
  findDeliveryLane,
  lockDelivery,
  reopenDeliveries,
} from "../../db/deliveries/reopen.ts";
import { getDelivery } from "../../db/deliveries/deliveries.ts";
import type { ReopenedDelivery, ReplayTarget } from "../../db/deliveries/reopen.ts";
import { shareLanes } from "../../db/deliveries/lanes.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { wakeSharedLanes } from "./publish.ts";
import { recordAudit } from "../accounts/audit.ts";
import { recordActivity } from "../activity/record.ts";

/**
 * Replays one delivery. A dead or delivered one starts a fresh budget, its attempt numbers go on; a
 * pending one gets one attempt now, and its automatic schedule stays as it was.
 * @throws Problem not_found, delivery_state, endpoint_state
 */
export async function replayDelivery(
  context: Pick<Context, "pool" | "telemetry">,
  { accountId, deliveryId, by = SYSTEM }: { accountId: string; deliveryId: string; by?: Author },
): Promise<Delivery> {
  const delivery = await inTransaction(context.pool, async (tx) => {
    const laneId = await findDeliveryLane(tx, accountId, deliveryId);
    if (laneId === null) throw new Problem("not_found", "no such delivery");
    const lanes = await shareLanes(tx, [laneId]);
    const target = (await lockDelivery(tx, accountId, deliveryId))!;
    refuseUnsendable(target);
    if (target.status === "pending") await attemptNow(tx, target.id);
    else await reopen(tx, [target.id]);
    await wakeSharedLanes(tx, lanes);
    const found = (await getDelivery(tx, accountId, deliveryId))!;
    await recordAudit(tx, by, {
      accountId,
      action: "delivery.replayed",
      target: { type: "delivery", id: deliveryId, name: found.event_type },
      before: { status: target.status },
      after: { status: found.status },
    });
    return found;
  });
  context.telemetry.replayed(1, null);
  return delivery;
}

/** Opens deliveries again whose lanes the caller shares. */
export async function reopen(tx: Tx, ids: readonly string[]): Promise<ReopenedDelivery[]> {
  const reopened = await reopenDeliveries(tx, ids);
  await recordActivity(tx, reopened, ({ id, job_id, message_id, endpoint_id }) => ({
    type: "delivery.replayed",
    job_id,
    message_id,
    delivery_id: id,
    endpoint_id,
  }));
  return reopened;
}

function refuseUnsendable(target: ReplayTarget): void {
  if (target.status === "canceled") {
    throw new Problem("delivery_state", "the delivery was canceled");
  }
  if (target.endpoint_deleted) {
    throw new Problem("endpoint_state", "the endpoint was deleted");
  }
  if (target.endpoint_state === "disabled") {
    throw new Problem(
      "endpoint_state",
      "the endpoint is disabled; enable it (POST /v1/endpoints/{id}/enable), then replay",
    );
  }
}
