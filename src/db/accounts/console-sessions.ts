import type { Principal } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";
import { PRINCIPAL } from "./api-keys.ts";

export async function insertConsoleSession(
  tx: Tx,
  session: { id: string; accountId: string; keyId: string; lifetimeS: number },
): Promise<void> {
  await tx.query(
    `insert into console_sessions (id, account_id, key_id, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 second')`,
    [session.id, session.accountId, session.keyId, session.lifetimeS],
  );
}

/** The principal of a session that has not ended, while its key lives. */
export async function findSignedIn(
  reader: Reader,
  { id, accountId, keyId }: { id: string; accountId: string; keyId: string },
): Promise<Principal | null> {
  const { rows } = await reader.query<Principal>({
    name: "find_signed_in",
    text: `${PRINCIPAL} join console_sessions s on s.key_id = k.id
      where s.id = $1 and s.expires_at > now() and k.account_id = $2 and k.id = $3
        and k.revoked_at is null`,
    values: [id, accountId, keyId],
  });
  const found = rows[0];
  if (found === undefined) return null;
  return { ...found, sessionId: id, actor: { ...found.actor, type: "console" } };
}

/** The ids, among these, of sessions that have not ended. */
export async function findLivingSessions(
  reader: Reader,
  ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from console_sessions where id = any($1::uuid[]) and expires_at > now()`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** False: it had ended before. */
export async function deleteConsoleSession(tx: Tx, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(`delete from console_sessions where id = $1`, [id]);
  return rowCount === 1;
}

export async function deleteExpiredConsoleSessions(tx: Tx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from console_sessions where id = any(array(
       select id from console_sessions where expires_at < now()
       order by expires_at limit $1 for update skip locked))`,
    [limit],
  );
  return rowCount ?? 0;
}
