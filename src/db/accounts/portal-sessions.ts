import type { Principal } from "../../core/model.ts";
import type { PortalSession } from "../../core/portal.ts";
import type { Reader, Tx } from "../transaction.ts";

const COLUMNS = "id, endpoint_ids, permissions, event_types, theme, created_at, expires_at";

export async function insertPortalSession(
  tx: Tx,
  session: Omit<PortalSession, "created_at" | "expires_at"> & {
    accountId: string;
    keyId: string;
    hash: Buffer;
    lifetimeS: number;
  },
): Promise<PortalSession> {
  const { rows } = await tx.query<PortalSession>(
    `insert into portal_sessions
       (id, account_id, key_id, hash, endpoint_ids, permissions, event_types, theme, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 second')
     returning ${COLUMNS}`,
    [
      session.id,
      session.accountId,
      session.keyId,
      session.hash,
      session.endpoint_ids,
      session.permissions,
      session.event_types,
      session.theme,
      session.lifetimeS,
    ],
  );
  return rows[0]!;
}

/** The principal of a session that has not ended, while the key that made it lives. */
export async function findPartner(reader: Reader, hash: Buffer): Promise<Principal | null> {
  const { rows } = await reader.query<Principal>({
    name: "find_partner",
    text: `select s.account_id as "accountId", s.key_id as "keyId", null as "sessionId",
        array['webhooks'] as scopes, s.endpoint_ids as "endpointIds",
        json_build_object('permissions', s.permissions, 'event_types', s.event_types) as portal,
        a.state <> 'active' as suspended,
        json_build_object('type', 'portal', 'id', s.id,
          'name', coalesce(s.theme ->> 'title', 'partner')) as actor
      from portal_sessions s
        join api_keys k on k.id = s.key_id
        join accounts a on a.id = s.account_id
      where s.hash = $1 and s.expires_at > now() and k.revoked_at is null`,
    values: [hash],
  });
  return rows[0] ?? null;
}

/** Sessions that have not ended, newest first. */
export async function listPortalSessions(
  reader: Reader,
  accountId: string,
  page: { before?: string | undefined; limit: number },
): Promise<PortalSession[]> {
  const { rows } = await reader.query<PortalSession>(
    `select ${COLUMNS} from portal_sessions
     where account_id = $1 and ($2::uuid is null or id < $2) and expires_at > now()
     order by id desc limit $3`,
    [accountId, page.before ?? null, page.limit],
  );
  return rows;
}

export async function getPortalSession(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<PortalSession | null> {
  const { rows } = await reader.query<PortalSession>(
    `select ${COLUMNS} from portal_sessions where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** The session as it was; null: there is none. */
export async function deletePortalSession(
  tx: Tx,
  accountId: string,
  id: string,
): Promise<PortalSession | null> {
  const { rows } = await tx.query<PortalSession>(
    `delete from portal_sessions where account_id = $1 and id = $2 returning ${COLUMNS}`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

export async function deleteExpiredPortalSessions(tx: Tx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from portal_sessions where id = any(array(
       select id from portal_sessions where expires_at < now()
       order by expires_at limit $1 for update skip locked))`,
    [limit],
  );
  return rowCount ?? 0;
}
