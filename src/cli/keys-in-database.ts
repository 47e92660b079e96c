import type { Pool } from "pg";
import { ConfigError, readConfig } from "../config.ts";
import type { Config, Secrets } from "../config.ts";
import { SYSTEM } from "../core/audit.ts";
import { SCOPES } from "../core/model.ts";
import type { Scope } from "../core/model.ts";
import { createVault } from "../core/vault.ts";
import type { Vault } from "../core/vault.ts";
import { findAccountByName } from "../db/accounts/accounts.ts";
import { createPool } from "../db/pool.ts";
import { ensureAccount } from "../flow/accounts/accounts.ts";
import { createApiKey } from "../flow/accounts/api-keys.ts";
import { adoptMasterKey } from "../flow/accounts/master-key.ts";
import { rotateSigningKey } from "../flow/accounts/signing-keys.ts";
import type { SigningKeys } from "../flow/accounts/signing-keys.ts";
import { databaseOf, openDatabase, type Database } from "../server/database.ts";
import { readServerVersion } from "../db/databases.ts";
import { findDatabase } from "./doctor/find-database.ts";
import { usageError } from "./exit.ts";
import { hasMasterKey, readMasterKeys } from "../server/generated-keys.ts";
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
    const by = { ...SYSTEM, actor: { ...SYSTEM.actor, name: "command line" } };
    const key = { accountId, name, scopes: scopes as Scope[], by };
    return (await createApiKey(context, key)).text;
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
  if (config.development && !hasMasterKey(config.dataDir)) {
    throw new ConfigError(
      `there is no database in ${config.dataDir}: run \`ringback serve\` there once, or set DATABASE_URL and RINGBACK_MASTER_KEY`,
    );
  }
  const generated = config.development ? readMasterKeys(config.dataDir) : [];
  const vault = createVault(masterKeysOf(secrets, generated));
  return await onDatabase(
    { config, secrets },
    async (pool) => {
      requireKeysInUse(await adoptMasterKey({ pool, vault }), vault, { config, secrets });
      return await work({ pool, vault });
    },
    await findRunning(config, secrets),
  );
}

/** Opens the database (in development, starts it, unless a running one is given), does some work with it and closes it. */
export async function onDatabase<T>(
  { config, secrets }: { config: Config; secrets: Secrets },
  work: (pool: Pool) => Promise<T>,
  running: Database | null = null,
): Promise<T> {
  const database = running ?? (await openDatabase(config, secrets));
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

/** The Postgres of the data folder, when a server has it; its file may be that of a killed one. */
async function findRunning(config: Config, secrets: Secrets): Promise<Database | null> {
  const found = config.development ? findDatabase(config, secrets) : null;
  if (found === null) return null;
  return await readServerVersion(found.databaseUrl).then(
    () => databaseOf(found.databaseUrl),
    () => null,
  );
}
