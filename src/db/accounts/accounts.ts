import type { Account, AccountState } from "../../core/account.ts";
import type { Reader, Tx } from "../transaction.ts";

const COLUMNS = `id, name, state, state_reason, state_changed_at,
  deleted_rows::float8 as deleted_rows, created_at`;

/** False: the name is taken. */
export async function insertAccount(
  tx: Tx,
  account: { id: string; name: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into accounts (id, name) values ($1, $2)
     on conflict (name) where state <> 'deleted' do nothing`,
    [account.id, account.name],
  );
  return rowCount === 1;
}

/** The account that has this name, also while it is being deleted. */
export async function findAccountByName(reader: Reader, name: string): Promise<string | null> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from accounts where name = $1 and state <> 'deleted'`,
    [name],
  );
  return rows[0]?.id ?? null;
}

/** Locks an account until the transaction ends. Writes of rows that refer to it don't wait. */
export async function lockAccount(tx: Tx, id: string): Promise<Account | null> {
  const { rows } = await tx.query<Account>(
    `select ${COLUMNS} from accounts where id = $1 for no key update`,
    [id],
  );
  return rows[0] ?? null;
}

export async function getAccount(reader: Reader, id: string): Promise<Account | null> {
  const { rows } = await reader.query<Account>(`select ${COLUMNS} from accounts where id = $1`, [
    id,
  ]);
  return rows[0] ?? null;
}

/** Accounts, newest first; without those that are deleted, unless asked for. */
export async function listAccounts(
  reader: Reader,
  page: { state?: AccountState | undefined; before?: string | undefined; limit: number },
): Promise<Account[]> {
  const { rows } = await reader.query<Account>(
    `select ${COLUMNS} from accounts
     where ($1::uuid is null or id < $1)
       and (($2::text is null and state <> 'deleted') or state = $2)
     order by id desc limit $3`,
    [page.before ?? null, page.state ?? null, page.limit],
  );
  return rows;
}

/** @throws a violation of accounts_name, when another account has the name */
export async function renameAccount(tx: Tx, id: string, name: string): Promise<void> {
  await tx.query(`update accounts set name = $2 where id = $1`, [id, name]);
}

export async function setAccountState(
  tx: Tx,
  id: string,
  { state, reason }: { state: AccountState; reason: string | null },
): Promise<void> {
  await tx.query(
    `update accounts set state = $2, state_reason = $3, state_changed_at = now() where id = $1`,
    [id, state, reason],
  );
}
