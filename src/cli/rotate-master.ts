import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError, readConfig } from "../config.ts";
import { createVault } from "../core/vault.ts";
import { findWorkersWithoutKey } from "../db/maintenance/workers.ts";
import {
  declareMasterKey,
  FOLLOW_MS,
  forgetOtherMasterKeys,
  readKeysInUse,
} from "../flow/accounts/master-key.ts";
import { countRemaining, resealAll } from "../flow/accounts/reseal.ts";
import type { Remaining, ResealStep } from "../flow/accounts/reseal.ts";
import {
  dropPreviousMasterKey,
  hasMasterKey,
  readMasterKeys,
  renewMasterKey,
} from "../server/generated-keys.ts";
import { onDatabase } from "./keys-in-database.ts";
import { masterKeysOf, requireKeysInUse } from "../server/master-keys.ts";

export interface MasterKeyRotation {
  /** Id of the key that seals everything now. */
  master_key: string;
  /** Rows sealed anew. */
  resealed: number;
  /** Rows sealed with others of the given keys. */
  remaining: number;
  /** Rows that look sealed and that no given key opens. */
  unknown: number;
}

/**
 * `ringback keys rotate master`: lets the newest master key seal from now on, and seals anew all
 * texts of other keys, beside running processes. After an interruption, another run goes on.
 * @param check only counts, without changes
 */
export async function rotateMasterKey(options: {
  check: boolean;
  onStep(step: ResealStep): void;
}): Promise<MasterKeyRotation> {
  const settings = readConfig();
  const { config, secrets } = settings;
  const generated = config.development && secrets.masterKey === null;
  if (generated && !hasMasterKey(config.dataDir)) {
    throw new ConfigError(
      `there is no master key in ${config.dataDir}; set DATABASE_URL, or RINGBACK_DATA_DIR`,
    );
  }
  return await onDatabase(settings, async (pool) => {
    // the database of this folder is ours now: no process seals with the key of its files
    if (generated && !options.check) renewMasterKey(config.dataDir);
    const vault = createVault(
      masterKeysOf(secrets, generated ? readMasterKeys(config.dataDir) : []),
    );
    const context = { pool, vault };
    const inUse = await readKeysInUse(pool, vault);
    requireKeysInUse(inUse, vault, settings);
    let resealed = 0;
    let remaining: Remaining = { known: 0, unknown: 0 };
    if (options.check) {
      remaining = await countRemaining(context, options.onStep);
    } else if (inUse.used.length > 0) {
      const newest = vault.keyIds[0]!;
      const behind = config.development ? [] : await findWorkersWithoutKey(pool, newest);
      if (behind.length > 0) {
        throw new ConfigError(
          `the new master key (${newest}) is not known to all: start ${behind.join(", ")} anew with it in RINGBACK_MASTER_KEY or RINGBACK_MASTER_KEYS_PREVIOUS first`,
        );
      }
      await declareMasterKey(context);
      if (!config.development) await sleep(FOLLOW_MS * 3);
      resealed = await resealAll(context, options.onStep);
      remaining = await countRemaining(context);
      if (remaining.known === 0) {
        await forgetOtherMasterKeys(context);
        if (generated) dropPreviousMasterKey(config.dataDir);
      }
    }
    const { known, unknown } = remaining;
    return { master_key: vault.keyIds[0]!, resealed, remaining: known, unknown };
  });
}
