import { hashApiKey, newPortalToken } from "../../core/api-key.ts";
import type { Author } from "../../core/audit.ts";
import { formatId, newId } from "../../core/ids.ts";
import { PERMISSIONS, type Permission, type PortalSession } from "../../core/portal.ts";
import { Problem } from "../../core/problem.ts";
import { deletePortalSession, insertPortalSession } from "../../db/accounts/portal-sessions.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Context } from "../context.ts";
import { requireAccount, requireEndpoints } from "./api-keys.ts";
import { recordAudit } from "./audit.ts";

interface NewPortalSession {
  accountId: string;
  /** It ends with this key. */
  keyId: string;
  endpointIds: readonly string[];
  can: readonly Permission[];
  eventTypes: readonly string[];
  theme: PortalSession["theme"];
  lifetimeS: number;
  by: Author;
}

/**
 * Makes a portal session. Returns its token, this once: only a hash is kept.
 * @throws Problem account_state, endpoint_unknown
 */
export async function createPortalSession(
  { pool }: Pick<Context, "pool">,
  { accountId, keyId, by, ...wanted }: NewPortalSession,
): Promise<{ session: PortalSession; token: string }> {
  const token = newPortalToken();
  const session = await inTransaction(pool, async (tx) => {
    await requireAccount(tx, accountId);
    await requireEndpoints(tx, { accountId, endpointIds: wanted.endpointIds });
    const made = await insertPortalSession(tx, {
      id: newId(),
      accountId,
      keyId,
      hash: hashApiKey(token),
      endpoint_ids: [...new Set(wanted.endpointIds)],
      permissions: PERMISSIONS.filter((one) => one === "read" || wanted.can.includes(one)),
      event_types: [...new Set(wanted.eventTypes)],
      theme: wanted.theme,
      lifetimeS: wanted.lifetimeS,
    });
    await recordAudit(tx, by, {
      accountId,
      action: "portal_session.created",
      target: targetOf(made),
      after: factsOf(made),
    });
    return made;
  });
  return { session, token };
}

/** Ends a session at once. @throws Problem not_found */
export async function revokePortalSession(
  { pool }: Pick<Context, "pool">,
  { accountId, sessionId, by }: { accountId: string; sessionId: string; by: Author },
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const ended = await deletePortalSession(tx, accountId, sessionId);
    if (ended === null) throw new Problem("not_found", "There is no such portal session.");
    await recordAudit(tx, by, {
      accountId,
      action: "portal_session.revoked",
      target: targetOf(ended),
      before: factsOf(ended),
    });
  });
}

function targetOf({ id, theme }: PortalSession) {
  return { type: "portal_session" as const, id, name: theme.title ?? "" };
}

function factsOf({ endpoint_ids, permissions, event_types, expires_at }: PortalSession) {
  return {
    endpoint_ids: endpoint_ids.map((id) => formatId("endpoint", id)),
    can: permissions,
    event_types,
    expires_at: expires_at.toISOString(),
  };
}
