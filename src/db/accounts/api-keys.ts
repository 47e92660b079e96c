import type { Principal, Scope } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface ApiKey {
  id: string;
  name: string;
  scopes: Scope[];
  endpoint_ids: string[] | null;
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const KEY_COLUMNS = "id, name, scopes, endpoint_ids, created_at, last_used_at, revoked_at";

/** Stores a key by its SHA-256. An existing key stays as it is, but is no longer revoked. */
export async function insertApiKey(
  tx: Tx,
  key: {
    id: string;
    accountId: string;
    name: string;
    hash: Buffer;
    scopes: readonly Scope[];
    endpointIds: readonly string[] | null;
  },
): Promise<void> {
  await tx.query(
    `insert into api_keys (id, account_id, name, hash, scopes, endpoint_ids)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (hash) do update set revoked_at = null`,
    [key.id, key.accountId, key.name, key.hash, key.scopes, key.endpointIds],
  );
}

/** The principal of a key, as far as `from` and its joins. */
export const PRINCIPAL = `select k.account_id as "accountId", k.id as "keyId", k.scopes,
    k.endpoint_ids as "endpointIds", a.state <> 'active' as suspended,
    null as "sessionId", null as portal,
    json_build_object('type', 'api_key', 'id', k.id, 'name', k.name) as actor
  from api_keys k join accounts a on a.id = k.account_id`;

export async function findApiKey(reader: Reader, hash: Buffer): Promise<Principal | null> {
  const { rows } = await reader.query<Principal>({
    name: "find_api_key",
    text: `${PRINCIPAL} where k.hash = $1 and k.revoked_at is null`,
    values: [hash],
  });
  return rows[0] ?? null;
}

export async function hasApiKeys(reader: Reader): Promise<boolean> {
  const { rows } = await reader.query<{ some: boolean }>(
    `select exists (select from api_keys where revoked_at is null) as some`,
  );
  return rows[0]!.some;
}

/** The keys of an account, also revoked ones, newest first. */
export async function listApiKeys(
  reader: Reader,
  accountId: string,
  page: { before?: string | undefined; limit: number },
): Promise<ApiKey[]> {
  const { rows } = await reader.query<ApiKey>(
    `select ${KEY_COLUMNS} from api_keys
     where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
    [accountId, page.before ?? null, page.limit],
  );
  return rows;
}

export async function getApiKey(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<ApiKey | null> {
  const { rows } = await reader.query<ApiKey>(
    `select ${KEY_COLUMNS} from api_keys where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** The ids, among these, of keys that are not revoked. */
export async function findLivingKeys(reader: Reader, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from api_keys where id = any($1::uuid[]) and revoked_at is null`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Locks the working admin keys of an account, so that no two of them are revoked at once. */
export async function lockAdminKeys(tx: Tx, accountId: string): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from api_keys
     where account_id = $1 and revoked_at is null and 'admin' = any(scopes)
     order by id for update`,
    [accountId],
  );
  return rows.map(({ id }) => id);
}

export async function revokeKey(tx: Tx, accountId: string, id: string): Promise<void> {
  await tx.query(
    `update api_keys set revoked_at = now()
     where account_id = $1 and id = $2 and revoked_at is null`,
    [accountId, id],
  );
}

export async function revokeAllKeys(tx: Tx, accountId: string): Promise<void> {
  await tx.query(
    `update api_keys set revoked_at = now() where account_id = $1 and revoked_at is null`,
    [accountId],
  );
}

/** Notes the use of a key to the minute, so that a busy key is not written all the time. */
export async function touchKey(tx: Tx, id: string): Promise<void> {
  await tx.query({
    name: "touch_key",
    text: `update api_keys set last_used_at = now()
      where id = $1 and coalesce(last_used_at < now() - interval '1 minute', true)`,
    values: [id],
  });
}
