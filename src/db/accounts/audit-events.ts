import type { AuditEvent } from "../../core/audit.ts";
import { uuidAt } from "../../core/ids.ts";
import type { Reader, Tx } from "../transaction.ts";

const COLUMNS = `id, account_id, created_at, actor_type, actor_id, actor_name, action, target_type,
  target_id, target_name, before, after, address, request_id`;

export async function insertAuditEvent(
  tx: Tx,
  event: Omit<AuditEvent, "created_at">,
): Promise<void> {
  await tx.query(
    `insert into audit_events (id, account_id, actor_type, actor_id, actor_name, action,
       target_type, target_id, target_name, before, after, address, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      event.id,
      event.account_id,
      event.actor_type,
      event.actor_id,
      event.actor_name,
      event.action,
      event.target_type,
      event.target_id,
      event.target_name,
      event.before && JSON.stringify(event.before),
      event.after && JSON.stringify(event.after),
      event.address,
      event.request_id,
    ],
  );
}

export interface AuditFilter {
  actorId?: string | undefined;
  /** Only what the program did by itself. */
  bySystem?: boolean | undefined;
  action?: string | undefined;
  targetId?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

/** What was changed in an account, newest first. */
export async function listAuditEvents(
  reader: Reader,
  accountId: string,
  filter: AuditFilter & { before?: string | undefined; limit: number },
): Promise<AuditEvent[]> {
  const { rows } = await reader.query<AuditEvent>(
    `select ${COLUMNS} from audit_events
     where account_id = $1
       and ($2::uuid is null or id < $2) and ($3::uuid is null or id >= $3)
       and ($4::uuid is null or id < $4)
       and ($5::uuid is null or actor_id = $5) and (not $6::boolean or actor_id is null)
       and ($7::text is null or action = $7) and ($8::uuid is null or target_id = $8)
     order by id desc limit $9`,
    [
      accountId,
      filter.before ?? null,
      filter.since === undefined ? null : uuidAt(filter.since),
      filter.until === undefined ? null : uuidAt(filter.until),
      filter.actorId ?? null,
      filter.bySystem ?? false,
      filter.action ?? null,
      filter.targetId ?? null,
      filter.limit,
    ],
  );
  return rows;
}

/** Deletes the oldest events from before a time. Nothing else may delete any. */
export async function deleteOldAuditEvents(tx: Tx, before: Date, limit: number): Promise<number> {
  await tx.query(`set local ringback.audit_retention = 'on'`);
  const { rowCount } = await tx.query(
    `delete from audit_events where id = any(array(
       select id from audit_events where id < $1 order by id limit $2))`,
    [uuidAt(before), limit],
  );
  return rowCount ?? 0;
}
