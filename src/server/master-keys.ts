import { ConfigError } from "../config.ts";
import type { Config, Secrets } from "../config.ts";
import type { Vault } from "../core/vault.ts";
import type { KeysInUse } from "../flow/accounts/master-key.ts";

/** The master keys of the environment, or in development of the data folder; the newest first. */
export function masterKeysOf(secrets: Secrets, generated: readonly string[]): string[] {
  const { masterKey, previousMasterKeys } = secrets;
  return [
    ...(masterKey === null ? generated : [masterKey.reveal()]),
    ...previousMasterKeys.map((key) => key.reveal()),
  ];
}

/** @throws ConfigError data is sealed with a key that was not given; names the ids of keys */
export function requireKeysInUse(
  { used, missing }: KeysInUse,
  vault: Pick<Vault, "keyIds">,
  { config, secrets }: { config: Config; secrets: Secrets },
): void {
  if (missing.length === 0) return;
  const ids = `data: key ${missing.join(", ")}; given: ${vault.keyIds.join(", ")}`;
  if (missing.length < used.length) {
    throw new ConfigError(
      `some data is sealed with a master key that is not given (${ids}): give it in RINGBACK_MASTER_KEYS_PREVIOUS until \`ringback keys rotate master\` has ended`,
    );
  }
  throw new ConfigError(
    config.development && secrets.masterKey === null
      ? `the master key in ${config.dataDir} is not the one the data was sealed with (${ids})`
      : `RINGBACK_MASTER_KEY is not the one the data was sealed with (${ids})`,
  );
}
