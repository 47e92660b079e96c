import { readFileSync } from "node:fs";
import path from "node:path";
import type { Config, Secrets } from "../../config.ts";
import { readMasterKeys } from "../../server/generated-keys.ts";
import { masterKeysOf } from "../../server/master-keys.ts";

/** The database, and the keys that open its secrets. */
export interface Whereabouts {
  databaseUrl: string;
  /** The master keys, the newest first. */
  masterKeys: string[];
}

/** Finds the database, and starts nothing. Null: development, with nothing running here. */
export function findDatabase(config: Config, secrets: Secrets): Whereabouts | null {
  if (secrets.databaseUrl !== null) {
    return {
      databaseUrl: secrets.databaseUrl.reveal(),
      masterKeys: masterKeysOf(secrets, []),
    };
  }
  try {
    const read = (...names: string[]): string =>
      readFileSync(path.join(config.dataDir, ...names), "utf8");
    // Postgres writes its port into line 4 (src/include/utils/pidfile.h)
    const port = read("postgres", "postmaster.pid").split("\n")[3]!.trim();
    const url = new URL(`postgres://ringback@127.0.0.1:${port}/ringback`);
    url.password = read("postgres-password").trim();
    return {
      databaseUrl: url.href,
      masterKeys: masterKeysOf(
        secrets,
        secrets.masterKey === null ? readMasterKeys(config.dataDir) : [],
      ),
    };
  } catch {
    return null;
  }
}
