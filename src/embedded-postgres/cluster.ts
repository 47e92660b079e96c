import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PostgresAccount, PostgresBinaries } from "./binaries.ts";
import { processCommand, processExists, waitForProcessEnd } from "./process-info.ts";

/**
 * The environment of the database's programs. Not ours: that one holds secrets, and may hold PG…
 * variables that mean another server.
 */
export const POSTGRES_ENV = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

interface ClusterOptions {
  dataDir: string;
  clusterDir: string;
  binaries: PostgresBinaries;
  account: PostgresAccount;
}

/** Makes the database cluster unless it is there. It appears whole or not at all. */
export async function ensureCluster(
  options: ClusterOptions,
): Promise<{ password: string; made: boolean }> {
  const { dataDir, clusterDir, account } = options;
  const passwordFile = join(dataDir, "postgres-password");
  if (existsSync(clusterDir)) {
    if (existsSync(passwordFile)) {
      return { password: readFileSync(passwordFile, "utf8").trim(), made: false };
    }
    throw new Error(`${passwordFile} is missing; the database can't be opened without it`);
  }

  for (const name of readdirSync(dataDir)) {
    if (name.startsWith("postgres.new-")) rmSync(join(dataDir, name), { recursive: true });
  }
  const password = randomBytes(24).toString("base64url");
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: "wx" });
  const draft = join(dataDir, `postgres.new-${randomBytes(6).toString("hex")}`);
  mkdirSync(draft, { mode: 0o700 });
  if (account !== undefined) {
    // initdb, run as that user, reads the password from the file.
    chownSync(passwordFile, account.uid, account.gid);
    chownSync(draft, account.uid, account.gid);
  }
  try {
    await initialise(options, draft, passwordFile);
    renameSync(draft, clusterDir);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
  return { password, made: true };
}

async function initialise(
  { binaries, account, dataDir }: ClusterOptions,
  pgdata: string,
  passwordFile: string,
): Promise<void> {
  const args = [
    `--pgdata=${pgdata}`,
    `--pwfile=${passwordFile}`,
    "--username=ringback",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
  ];
  try {
    const options = { env: POSTGRES_ENV, cwd: account === undefined ? dataDir : "/", ...account };
    await promisify(execFile)(binaries.initdb, args, options);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(stderr === undefined || stderr.trim() === "" ? message : stderr, {
      cause: error,
    });
  }
}

/**
 * Stops the server that a killed ringback left behind in this folder. Call it only as the owner of
 * the folder's lock: then no living ringback uses that server.
 */
export async function stopOrphan(clusterDir: string, log: (line: string) => void): Promise<void> {
  const pid = readPostmasterFile(clusterDir)?.pid;
  if (pid === undefined || !processExists(pid)) return;
  const command = processCommand(pid);
  if (command !== undefined && !`${command} `.includes(`-D ${clusterDir} `)) {
    // The file outlives a crash of the machine or container, and the id may belong to anyone since.
    // Postgres itself would take that process for its predecessor and refuse to start.
    rmSync(join(clusterDir, "postmaster.pid"), { force: true });
    return;
  }
  log(`stopping the database (pid ${pid}) that an earlier ringback left behind`);
  const endings = [
    ["SIGINT", 5_000],
    ["SIGQUIT", 10_000],
  ] as const;
  for (const [signal, patienceMs] of endings) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ESRCH") return;
      throw new Error(`the database of ${clusterDir} runs as another user (pid ${pid}): stop it`, {
        cause: error,
      });
    }
    if (await waitForProcessEnd(pid, patienceMs)) return;
  }
  throw new Error(`the database of ${clusterDir} (pid ${pid}) does not stop`);
}

/** The server's own file about itself; undefined when the server doesn't run, or not that far yet. */
export function readPostmasterFile(
  clusterDir: string,
): { pid: number; ready: boolean } | undefined {
  try {
    const lines = readFileSync(join(clusterDir, "postmaster.pid"), "utf8").split("\n");
    const pid = Number(lines[0]);
    // Line 8 is the status pg_ctl waits for (src/include/utils/pidfile.h).
    return pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
  } catch {
    return undefined;
  }
}
