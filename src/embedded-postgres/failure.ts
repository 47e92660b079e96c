import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { PostgresAccount } from "./binaries.ts";

/** The facts that are known when the embedded database did not start. */
export interface PostgresFailure {
  dataDir: string;
  /** The program that was run: `initdb` or `postgres`. */
  program: string;
  /** The program's last output, or the message of the error. */
  output: string;
  /** A folder on the way which the database's user may not enter. */
  closedFolder: string | undefined;
}

/** One line that names the fault and, where there is one, the remedy. */
export function explainFailure(failure: PostgresFailure): string {
  const { dataDir, output, closedFolder } = failure;
  if (/no space left on device|ENOSPC|disk quota exceeded|EDQUOT/i.test(output)) {
    return `disk full: the embedded database in ${dataDir} can't write`;
  }
  const versions = /initialized by PostgreSQL version (\S+?),.*this version (\d+)/.exec(output);
  if (versions !== null) {
    return `data folder ${dataDir} was made by PostgreSQL ${versions[1]}, this ringback brings ${versions[2]}: use the older ringback, or move its data over by dump and restore`;
  }
  if (/error while loading shared libraries|Library not loaded/i.test(output)) {
    return "the embedded database's libraries are incomplete (install scripts were not run): run `npm rebuild`, or set DATABASE_URL";
  }
  if (/ENOTDIR|EEXIST/.test(output)) return `data folder ${dataDir} is not a folder`;
  if (closedFolder !== undefined) {
    return `the embedded database may not enter ${closedFolder}: let its user pass (chmod o+x ${closedFolder}), or choose another RINGBACK_DATA_DIR`;
  }
  if (/EACCES|EPERM|EROFS|permission denied|read-only file system|wrong ownership/i.test(output)) {
    return `data folder ${dataDir} is not writable, or belongs to another user`;
  }
  return `the embedded database in ${dataDir} did not start: ${failure.program}: ${lastWords(output)}`;
}

/**
 * The first folder, from the root down, that the account may not enter. Looks at plain modes only,
 * so it names a suspect after a failure; it doesn't decide.
 */
export function findClosedFolder(path: string, account: PostgresAccount): string | undefined {
  if (account === undefined) return undefined;
  const parent = dirname(path);
  const above = parent === path ? undefined : findClosedFolder(parent, account);
  if (above !== undefined) return above;
  try {
    const { mode, uid, gid } = statSync(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    return (mode & bit) === 0 ? path : undefined;
  } catch {
    return undefined;
  }
}

function lastWords(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^.*?(?=(FATAL|PANIC|ERROR|error):)/, "").trim())
    .filter((line) => line !== "");
  return (
    lines.find((line) => /^(FATAL|PANIC|ERROR|error):/.test(line)) ?? lines.at(-1) ?? "no output"
  );
}
