import type { Pool } from "pg";
import { ConfigError, readConfig } from "../config.ts";
import type { Config, Secrets } from "../config.ts";
import { newApiKey } from "../core/api-key.ts";
import { SCOPES } from "../core/model.ts";
import type { Scope } from "../core/model.ts";
import { createVault } from "../core/vault.ts";
import type { Vault } from "../core/vault.ts";
import { findAccountByName } from "../db/accounts/accounts.ts";
import { createPool } from "../db/pool.ts";
import { ensureAccount } from "../flow/accounts/accounts.ts";
import { addApiKey } from "../flow/accounts/api-keys.ts";
import { singleStatement } from "../db/transaction.ts";
import { adoptMasterKey } from "../flow/accounts/master-key.ts";
import { rotateSigningKey } from "../flow/accounts/signing-keys.ts";
import type { SigningKeys } from "../flow/accounts/signing-keys.ts";
import { openDatabase } from "../server/database.ts";
import { usageError } from "./exit.ts";
import { masterKeysOf, requireKeysInUse } from "../server/master-keys.ts";

const UNDEFINED_TABLE = "42P01";

/**
 * `ringback keys create --database`: for the first key of an account, or when the last admin key
 * is lost. Returns the key's text.
 */
export async function createKeyInDatabase(options: {
  account: string;
  name: string;
  scopes: string[];
}): Promise<string> {
  const { account, name, scopes } = options;
  const unknown = scopes.find((scope) => !SCOPES.some((known) => known === scope));
  if (unknown !== undefined) {
    throw usageError(`unknown scope ${JSON.stringify(unknown)} (known: ${SCOPES.join(", ")})`);
  }
  return await onDatabaseUrl(async (context) => {
    const accountId = await ensureAccount(context, account);
    const text = newApiKey();
    await addApiKey(singleStatement(context.pool), {
      accountId,
      name,
      text,
      scopes: scopes as Scope[],
    });
    return text;
  });
}

/** `ringback keys rotate signing --database` */
export async function rotateSigningInDatabase(options: {
  account: string;
  overlapS: number;
  activateInS: number;
}): Promise<SigningKeys> {
  return await onDatabaseUrl(async (context) => {
    const accountId = await findAccountByName(context.pool, options.account);
    if (accountId === null) {
      throw new ConfigError(`there is no account ${JSON.stringify(options.account)}`);
    }
    return await rotateSigningKey(context, { ...options, accountId });
  });
}

async function onDatabaseUrl<T>(
  work: (context: { pool: Pool; vault: Vault }) => Promise<T>,
): Promise<T> {
  const { config, secrets } = readConfig();
  if (config.development) {
    throw new ConfigError("--database means that of DATABASE_URL; set it, and RINGBACK_MASTER_KEY");
  }
  const vault = createVault(masterKeysOf(secrets, []));
  return await onDatabase({ config, secrets }, async (pool) => {
    requireKeysInUse(await adoptMasterKey({ pool, vault }), vault, { config, secrets });
    return await work({ pool, vault });
  });
}

/** Opens the database (in development, starts it), does some work with it and closes it. */
export async function onDatabase<T>(
  { config, secrets }: { config: Config; secrets: Secrets },
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(config, secrets);
  const pool = createPool({
    connectionString: database.url,
    max: 4,
    name: "keys",
    onError: () => undefined,
  });
  try {
    return await work(pool);
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error;
    const migrate = config.development ? "ringback serve" : "ringback migrate";
    throw new ConfigError(`the database has no schema yet, or an old one: run \`${migrate}\``);
  } finally {
    await pool.end();
    await database.stop();
  }
}
