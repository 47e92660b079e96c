import type { Context } from "../context.ts";
import { hashApiKey, newApiKey } from "../core/api-key.ts";
import { newId } from "../core/ids.ts";
import type { Scope } from "../core/model.ts";
import { newKeyPair } from "../core/signature.ts";
import {
  countApiKeys,
  findAccountByName,
  insertAccount,
  insertApiKey,
  insertSetting,
  readSetting,
} from "../db/accounts.ts";
import { inTransaction, singleStatement } from "../db/transaction.ts";
import { addSecret } from "./secrets.ts";

const FIRST_ACCOUNT = "default";

/** The account of this name, made with its secret and its Ed25519 key if it does not exist. */
export async function ensureAccount(
  context: Pick<Context, "pool" | "vault">,
  name: string,
): Promise<string> {
  const found = await findAccountByName(context.pool, name);
  if (found !== null) return found;
  const { publicKey, privateKey } = newKeyPair();
  const id = newId();
  try {
    await inTransaction(context.pool, async (tx) => {
      await insertAccount(tx, {
        id,
        name,
        publicKey,
        sealedPrivateKey: context.vault.seal(privateKey),
      });
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

/** Stores a key for an account; only its hash is kept. */
export async function addApiKey(
  context: Pick<Context, "pool">,
  key: { accountId: string; name: string; text: string; scopes: Scope[] },
): Promise<void> {
  await insertApiKey(singleStatement(context.pool), {
    id: newId(),
    accountId: key.accountId,
    name: key.name,
    hash: hashApiKey(key.text),
    scopes: key.scopes,
  });
}

/**
 * The first account and its admin key. With no key given and none in the database, makes one and
 * returns it: the only time it can be shown.
 */
export async function ensureFirstAccount(
  context: Pick<Context, "pool" | "vault">,
  apiKey: string | null,
): Promise<{ newKey: string | null }> {
  const accountId = await ensureAccount(context, FIRST_ACCOUNT);
  const made = apiKey === null && (await countApiKeys(context.pool)) === 0 ? newApiKey() : null;
  const text = apiKey ?? made;
  if (text !== null) {
    await addApiKey(context, { accountId, name: "first", text, scopes: ["admin"] });
  }
  return { newKey: made };
}

const CHECK = "master_key_check";

/**
 * Proves that this master key is the one the data was sealed with, or, on a new database, makes
 * it so. False: it is another.
 */
export async function checkMasterKey(context: Pick<Context, "pool" | "vault">): Promise<boolean> {
  const { pool, vault } = context;
  await insertSetting(singleStatement(pool), CHECK, vault.seal(CHECK));
  const sealed = await readSetting(pool, CHECK);
  try {
    return sealed !== null && vault.open(sealed) === CHECK;
  } catch {
    return false;
  }
}
