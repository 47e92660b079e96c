import type { Context } from "../context.ts";
import { newApiKey } from "../../core/api-key.ts";
import { newId } from "../../core/ids.ts";
import type { Scope } from "../../core/model.ts";
import { findAccountByName, insertAccount, lockAccount } from "../../db/accounts/accounts.ts";
import { hasApiKeys } from "../../db/accounts/api-keys.ts";
import { inTransaction, singleStatement } from "../../db/transaction.ts";
import { readMoment } from "../../db/accounts/signing-keys.ts";
import { addApiKey } from "./api-keys.ts";
import { addSecret } from "./secrets.ts";
import { addSigningKey } from "./signing-keys.ts";

const FIRST_ACCOUNT = "default";

/** The account of this name, made with its secret and its Ed25519 key if it does not exist. */
export async function ensureAccount(
  context: Pick<Context, "pool" | "vault">,
  name: string,
): Promise<string> {
  const found = await findAccountByName(context.pool, name);
  if (found !== null) return found;
  const id = newId();
  try {
    await inTransaction(context.pool, async (tx) => {
      await insertAccount(tx, { id, name });
      await addSigningKey(tx, context, id, await readMoment(tx, 0));
      await addSecret(tx, context, { accountId: id, endpointId: null }, null);
    });
    return id;
  } catch (error) {
    // another process was first
    const other = await findAccountByName(context.pool, name);
    if (other !== null) return other;
    throw error;
  }
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
