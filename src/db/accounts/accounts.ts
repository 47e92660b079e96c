import type { Principal, Scope } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";

export async function insertAccount(tx: Tx, account: { id: string; name: string }): Promise<void> {
  await tx.query(`insert into accounts (id, name) values ($1, $2)`, [account.id, account.name]);
}

export async function findAccountByName(reader: Reader, name: string): Promise<string | null> {
  const { rows } = await reader.query<{ id: string }>(`select id from accounts where name = $1`, [
    name,
  ]);
  return rows[0]?.id ?? null;
}

/** Stores a key by its SHA-256; one that exists already stays as it is, but is no longer revoked. */
export async function insertApiKey(
  tx: Tx,
  key: { id: string; accountId: string; name: string; hash: Buffer; scopes: Scope[] },
): Promise<void> {
  await tx.query(
    `insert into api_keys (id, account_id, name, hash, scopes) values ($1, $2, $3, $4, $5)
     on conflict (hash) do update set revoked_at = null`,
    [key.id, key.accountId, key.name, key.hash, key.scopes],
  );
}

export async function findApiKey(reader: Reader, hash: Buffer): Promise<Principal | null> {
  const { rows } = await reader.query<Principal>({
    name: "find_api_key",
    text: `select account_id as "accountId", id as "keyId", scopes from api_keys
      where hash = $1 and revoked_at is null`,
    values: [hash],
  });
  return rows[0] ?? null;
}

/** Until the transaction ends nobody else holds the account; what refers to it is not kept waiting. */
export async function lockAccount(tx: Tx, id: string): Promise<void> {
  await tx.query(`select from accounts where id = $1 for no key update`, [id]);
}

export async function hasApiKeys(reader: Reader): Promise<boolean> {
  const { rows } = await reader.query<{ some: boolean }>(
    `select exists (select from api_keys where revoked_at is null) as some`,
  );
  return rows[0]!.some;
}

export async function readSetting(reader: Reader, name: string): Promise<string | null> {
  const { rows } = await reader.query<{ value: string }>(
    `select value from settings where name = $1`,
    [name],
  );
  return rows[0]?.value ?? null;
}

/** Writes a setting unless it exists. */
export async function insertSetting(tx: Tx, name: string, value: string): Promise<void> {
  await tx.query(`insert into settings (name, value) values ($1, $2) on conflict do nothing`, [
    name,
    value,
  ]);
}

/** Writes a setting if it still is what it was. */
export async function replaceSetting(
  tx: Tx,
  name: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update settings set value = $3 where name = $1 and value = $2`,
    [name, from, to],
  );
  return rowCount === 1;
}
