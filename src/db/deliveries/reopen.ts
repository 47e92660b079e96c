import type { DeliveryStatus } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";
import { unindexed } from "../rows.ts";

/** A delivery as a replay needs it, locked until the transaction ends. */
export interface ReplayTarget {
  id: string;
  lane_id: string;
  status: DeliveryStatus;
  endpoint_id: string | null;
  endpoint_state: string | null;
  endpoint_deleted: boolean;
}

export interface ReopenedDelivery {
  id: string;
  account_id: string;
  job_id: string | null;
  message_id: string;
  endpoint_id: string | null;
  attempt_count: number;
}

export async function findDeliveryLane(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<string | null> {
  const { rows } = await reader.query<{ lane_id: string }>(
    `select lane_id from deliveries where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0]?.lane_id ?? null;
}

export async function lockDelivery(
  tx: Tx,
  accountId: string,
  id: string,
): Promise<ReplayTarget | null> {
  const { rows } = await tx.query<ReplayTarget>(
    `select d.id, d.lane_id, d.status, d.endpoint_id, e.state as endpoint_state,
       e.deleted_at is not null as endpoint_deleted
     from deliveries d left join endpoints e on e.id = d.endpoint_id
     where d.account_id = $1 and d.id = $2 for update of d`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/**
 * Replays deliveries: `dead | delivered → pending`, due now, with a fresh budget. Attempt numbers
 * go on; their dead letters are deleted. Returns the deliveries that changed.
 */
export async function reopenDeliveries(
  tx: Tx,
  ids: readonly string[],
): Promise<ReopenedDelivery[]> {
  const { rows } = await tx.query<ReopenedDelivery>(
    `with reopened as (
       update deliveries set status = 'pending', next_attempt_at = now(), finished_at = null,
         free_attempts = attempt_count, manual = true, scheduled_at = null, budget_from = now(),
         give_up_at = now() + (overrides->>'give_up_after_s')::int * interval '1 second',
         -- made before its lane became ordered: older than all that have a position
         lane_position = coalesce(lane_position, position_by_age(id))
       where id = any($1::uuid[]) and status in ('dead', 'delivered')
       returning id, account_id, job_id, message_id, endpoint_id, attempt_count
     ), exhumed as (
       delete from dead_letters where delivery_id in (select id from reopened)
     )
     select * from reopened`,
    [ids],
  );
  return rows;
}

/** Orders a manual attempt now, beside the automatic schedule of a delivery that is still pending. */
export async function attemptNow(tx: Tx, id: string): Promise<void> {
  await tx.query(
    `update deliveries set scheduled_at = next_attempt_at, next_attempt_at = now(), manual = true,
       free_attempts = free_attempts + 1, lane_position = coalesce(lane_position, position_by_age(id))
     where id = $1 and ${unindexed("status")} = 'pending' and not manual and next_attempt_at > now()`,
    [id],
  );
}
