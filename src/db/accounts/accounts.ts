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

/** Locks an account until the transaction ends. Writes of rows that refer to it don't wait. */
export async function lockAccount(tx: Tx, id: string): Promise<void> {
  await tx.query(`select from accounts where id = $1 for no key update`, [id]);
}

export async function getAccountName(reader: Reader, accountId: string): Promise<string> {
  const { rows } = await reader.query<{ name: string }>(`select name from accounts where id = $1`, [
    accountId,
  ]);
  return rows[0]!.name;
}
