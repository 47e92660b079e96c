import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ConfigError, isMasterKey } from "../config.ts";
import { isApiKey, newApiKey } from "../core/api-key.ts";

/** Keys that development mode makes once and keeps in the data folder, readable by its owner only. */
export function readGeneratedKeys(dataDir: string): { masterKey: string; apiKey: string } {
  return {
    masterKey: readOrMake(path.join(dataDir, "master-key"), isMasterKey, () =>
      randomBytes(32).toString("base64"),
    ),
    apiKey: readOrMake(path.join(dataDir, "api-key"), isApiKey, newApiKey),
  };
}

/** The API key that a server in development keeps in this folder; null when there is none to read. */
export function findGeneratedApiKey(dataDir: string): string | null {
  try {
    const text = readFileSync(path.join(dataDir, "api-key"), "utf8").trim();
    return isApiKey(text) ? text : null;
  } catch {
    return null;
  }
}

function readOrMake(file: string, check: (text: string) => boolean, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: "wx" });
  const text = readFileSync(file, "utf8").trim();
  if (!check(text)) throw new ConfigError(`${file} does not hold a valid key`);
  return text;
}
