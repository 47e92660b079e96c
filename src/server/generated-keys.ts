import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ConfigError, isMasterKey } from "../config.ts";
import { isApiKey, newApiKey } from "../core/api-key.ts";

const MASTER_KEY = "master-key";
const PREVIOUS_MASTER_KEY = "master-key-previous";

/** Keys that development mode makes once and keeps in the data folder, readable by its owner only. */
export function readGeneratedKeys(dataDir: string): { masterKeys: string[]; apiKey: string } {
  readOrMake(path.join(dataDir, MASTER_KEY), isMasterKey, newMasterKey);
  return {
    masterKeys: readMasterKeys(dataDir),
    apiKey: readOrMake(path.join(dataDir, "api-key"), isApiKey, newApiKey),
  };
}

export function hasMasterKey(dataDir: string): boolean {
  return existsSync(path.join(dataDir, MASTER_KEY));
}

/** The master keys of this folder, the newest first; a second one while it is being rotated out. */
export function readMasterKeys(dataDir: string): string[] {
  return [MASTER_KEY, PREVIOUS_MASTER_KEY]
    .map((name) => path.join(dataDir, name))
    .filter((file, index) => index === 0 || existsSync(file))
    .map((file) => readKey(file, isMasterKey));
}

/** Puts a new master key beside the present one, unless one was put there and not finished with. */
export function renewMasterKey(dataDir: string): void {
  const [current, previous] = readMasterKeys(dataDir) as [string, string?];
  if (previous === undefined) replaceFile(path.join(dataDir, PREVIOUS_MASTER_KEY), current);
  if (previous === undefined || previous === current) {
    replaceFile(path.join(dataDir, MASTER_KEY), newMasterKey());
  }
}

/** Nothing is sealed with the previous master key any more. */
export function dropPreviousMasterKey(dataDir: string): void {
  rmSync(path.join(dataDir, PREVIOUS_MASTER_KEY), { force: true });
}

function newMasterKey(): string {
  return randomBytes(32).toString("base64");
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
  return readKey(file, check);
}

function readKey(file: string, check: (text: string) => boolean): string {
  const text = readFileSync(file, "utf8").trim();
  if (!check(text)) throw new ConfigError(`${file} does not hold a valid key`);
  return text;
}

/** Replaces a file whole or not at all. */
function replaceFile(file: string, text: string): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, `${text}\n`, { mode: 0o600, flush: true });
  renameSync(unfinished, file);
}
