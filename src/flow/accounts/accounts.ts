import type { Context } from "../context.ts";
import { FIRST_ACCOUNT } from "../../core/account.ts";
import { newApiKey } from "../../core/api-key.ts";
import { newId } from "../../core/ids.ts";
import type { Scope } from "../../core/model.ts";
import { findAccountByName, insertAccount, lockAccount } from "../../db/accounts/accounts.ts";
import { hasApiKeys } from "../../db/accounts/api-keys.ts";
import { inTransaction, singleStatement, type Tx } from "../../db/transaction.ts";
import { readMoment } from "../../db/accounts/signing-keys.ts";
import { addApiKey } from "./api-keys.ts";
import { addSecret } from "./secrets.ts";
import { addSigningKey } from "./signing-keys.ts";

/** False: the name is taken. */
export async function makeAccount(
  tx: Tx,
  context: Pick<Context, "vault">,
  account: { id: string; name: string },
): Promise<boolean> {
  if (!(await insertAccount(tx, account))) return false;
  await addSigningKey(tx, context, account.id, await readMoment(tx, 0));
  await addSecret(tx, context, { accountId: account.id, endpointId: null }, null);
  return true;
}

/** The account of this name, made with its secret and its Ed25519 key if it does not exist. */
export async function ensureAccount(
  context: Pick<Context, "pool" | "vault">,
  name: string,
): Promise<string> {
  const found = await findAccountByName(context.pool, name);
  if (found !== null) return found;
  const id = newId();
  const made = await inTransaction(context.pool, (tx) => makeAccount(tx, context, { id, name }));
  // another process may be first
  return made ? id : await ensureAccount(context, name);
}

/**
 * Makes the first account and its key, which may operate the service too. With no key given and
 * none in the database, makes a key and returns it: the only time it can be shown.
 */
export async function ensureFirstAccount(
  context: Pick<Context, "pool" | "vault">,
  apiKey: string | null,
): Promise<{ newKey: string | null }> {
  const accountId = await ensureAccount(context, FIRST_ACCOUNT);
  const key = { accountId, name: "first", scopes: ["admin", "operator"] as Scope[] };
  if (apiKey !== null) {
    await addApiKey(singleStatement(context.pool), { ...key, text: apiKey });
    return { newKey: null };
  }
  return await inTransaction(context.pool, async (tx) => {
    await lockAccount(tx, accountId);
    if (await hasApiKeys(tx)) return { newKey: null };
    const newKey = newApiKey();
    await addApiKey(tx, { ...key, text: newKey });
    return { newKey };
  });
}
