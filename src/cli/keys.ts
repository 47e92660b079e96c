import { ConfigError, readConfig } from "../config.ts";
import { newApiKey } from "../core/api-key.ts";
import { SCOPES } from "../core/model.ts";
import type { Scope } from "../core/model.ts";
import { createVault } from "../core/vault.ts";
import { createPool } from "../db/pool.ts";
import { addApiKey, checkMasterKey, ensureAccount } from "../flow/accounts.ts";
import { openDatabase } from "./database.ts";
import { usageError } from "./exit.ts";

const UNDEFINED_TABLE = "42P01";

/**
 * `ringback keys create --database`: for the first key of an account, and when the last admin key
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
  const { config, secrets } = readConfig();
  if (config.development) {
    throw new ConfigError("--database means that of DATABASE_URL; set it, and RINGBACK_MASTER_KEY");
  }
  const database = await openDatabase(config, secrets);
  const pool = createPool({
    connectionString: database.url,
    max: 2,
    name: "keys",
    onError: () => undefined,
  });
  try {
    const vault = createVault(Buffer.from(secrets.masterKey!.reveal(), "base64"));
    const context = { pool, vault };
    if (!(await checkMasterKey(context))) {
      throw new ConfigError("RINGBACK_MASTER_KEY is not the one the data was sealed with");
    }
    const accountId = await ensureAccount(context, account);
    const text = newApiKey();
    await addApiKey(context, { accountId, name, text, scopes: scopes as Scope[] });
    return text;
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error;
    throw new ConfigError("the database of DATABASE_URL has no schema yet: run `ringback migrate`");
  } finally {
    await pool.end();
  }
}
