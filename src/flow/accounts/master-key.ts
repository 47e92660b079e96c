import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isOutage } from "../../core/outage.ts";
import { sealedBy } from "../../core/vault.ts";
import type { Vault } from "../../core/vault.ts";
import { insertSetting, readSetting, replaceSetting } from "../../db/accounts/settings.ts";
import { singleStatement } from "../../db/transaction.ts";
import type { Reader } from "../../db/transaction.ts";

/**
 * The setting that says which master keys seal data: a text sealed by each, separated by spaces.
 * The first is of the key that seals now; the others sealed data that is not sealed anew yet.
 */
const CHECK = "master_key_check";

/** The time within which a process seals with the key that the database names. */
export const FOLLOW_MS = 1_000;

/** The master keys that data is sealed with, and the ones that a vault does not have. */
export interface KeysInUse {
  /** Ids of keys; the first seals. Empty: nothing is sealed yet. */
  used: string[];
  missing: string[];
}

export async function readKeysInUse(
  reader: Reader,
  vault: Pick<Vault, "open">,
): Promise<KeysInUse> {
  const checks = ((await readSetting(reader, CHECK)) ?? "").split(" ").filter(Boolean);
  const opens = (sealed: string): boolean => {
    try {
      return vault.open(sealed) === CHECK;
    } catch {
      return false;
    }
  };
  return {
    used: checks.map(sealedBy),
    missing: checks.filter((check) => !opens(check)).map(sealedBy),
  };
}

/**
 * Has the vault seal with the key that the database names; on a new database with its newest key.
 * So processes may get a new key one after the other: none seals with it until `ringback keys
 * rotate master` says so, when all know the key.
 */
export async function adoptMasterKey(context: Pick<Context, "pool" | "vault">): Promise<KeysInUse> {
  const { pool, vault } = context;
  await insertSetting(singleStatement(pool), CHECK, vault.seal(CHECK));
  const keys = await readKeysInUse(pool, vault);
  vault.sealWith(keys.used[0]!);
  return keys;
}

/** Follows the key that the database names, while the process runs. */
export function followMasterKey(
  context: Pick<Context, "pool" | "vault" | "telemetry" | "stopping">,
): { stop(): Promise<void> } {
  const { pool, vault, telemetry, stopping } = context;
  let logged = "";
  async function look(): Promise<void> {
    const { used, missing } = await readKeysInUse(pool, vault);
    if (used[0] !== undefined) vault.sealWith(used[0]);
    if (missing.join() === logged) return;
    logged = missing.join();
    if (missing.length === 0) return;
    telemetry.log.error("data is sealed with a master key that this process was not given", {
      master_keys: missing,
      advice: "start it anew with RINGBACK_MASTER_KEY or RINGBACK_MASTER_KEYS_PREVIOUS holding it",
    });
  }
  async function loop(): Promise<void> {
    while (!stopping.aborted) {
      await sleep(FOLLOW_MS, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      await look().catch((error: unknown) => {
        if (!isOutage(error)) telemetry.unexpectedError(error, { task: "follow master key" });
      });
    }
  }
  const looping = loop();
  return { stop: () => looping };
}

/** Lets the vault's newest key seal from now on, here and, within a moment, in all processes. */
export async function declareMasterKey({
  pool,
  vault,
}: Pick<Context, "pool" | "vault">): Promise<void> {
  const newest = vault.keyIds[0]!;
  vault.sealWith(newest);
  await changeChecks(pool, (checks) => [
    vault.seal(CHECK),
    ...checks.filter((check) => sealedBy(check) !== newest),
  ]);
}

/** Removes the other keys from the setting, when nothing is sealed with them any more. */
export async function forgetOtherMasterKeys({
  pool,
  vault,
}: Pick<Context, "pool" | "vault">): Promise<void> {
  const newest = vault.keyIds[0]!;
  await changeChecks(pool, (checks) => checks.filter((check) => sealedBy(check) === newest));
}

async function changeChecks(
  pool: Context["pool"],
  change: (checks: string[]) => string[],
): Promise<void> {
  for (;;) {
    const from = (await readSetting(pool, CHECK))!;
    const to = change(from.split(" ")).join(" ");
    if (await replaceSetting(singleStatement(pool), CHECK, { from, to })) return;
  }
}
