import type { AuditAction, AuditTarget, Author } from "../../core/audit.ts";
import { newId } from "../../core/ids.ts";
import { insertAuditEvent } from "../../db/accounts/audit-events.ts";
import type { Tx } from "../../db/transaction.ts";

/**
 * Tells the audit log of a change, in the transaction of the change. Secrets and the values of
 * headers are not given to it.
 */
export async function recordAudit(
  tx: Tx,
  { actor, address, requestId }: Author,
  change: {
    accountId: string;
    action: AuditAction;
    target: { type: AuditTarget; id: string; name?: string };
    before?: Record<string, unknown>;
    after?: Record<string, unknown>;
  },
): Promise<void> {
  const { accountId, action, target } = change;
  await insertAuditEvent(tx, {
    id: newId(),
    account_id: accountId,
    actor_type: actor.type,
    actor_id: actor.id,
    actor_name: actor.name,
    action,
    target_type: target.type,
    target_id: target.id,
    target_name: target.name ?? "",
    before: change.before ?? null,
    after: change.after ?? null,
    address,
    request_id: requestId,
  });
}
