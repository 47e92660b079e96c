import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { DataFolderInUse, lockDataFolder } from "./data-folder-lock.ts";
import { choosePostgresAccount, findPostgresBinaries } from "./binaries.ts";
import type { PostgresAccount, PostgresBinaries } from "./binaries.ts";
import { ensureCluster, stopOrphan } from "./cluster.ts";
import { explainFailure, findClosedFolder } from "./failure.ts";
import { launchPostgres } from "./postgres-process.ts";
import type { PostgresProcess } from "./postgres-process.ts";

const DATABASE = "ringback";

export interface EmbeddedPostgresOptions {
  /** Made when missing. Holds `postgres/`, `postgres-password` and `ringback.pid`. */
  dataDir: string;
  /** Takes the database's own log, line by line. */
  log?: (line: string) => void;
  /** More arguments for `postgres`; the last setting of a name wins. */
  flags?: string[];
  /** Those that are installed with this program, unless others are given. */
  binaries?: PostgresBinaries | undefined;
}

export interface EmbeddedPostgres {
  /** `postgres://…/ringback`, with the password in it. The database of that name is made by others. */
  url: string;
  port: number;
  pid: number;
  /** True when this start made the database. */
  firstStart: boolean;
  /** Stops the database (fast, after 10 s at once) and gives the folder free. Safe to call twice. */
  stop(): Promise<void>;
  /** Calls back once when the database ends without having been told to. */
  onExit(callback: (reason: string) => void): void;
}

/**
 * Starts a Postgres of our own in `<dataDir>/postgres`, on a free port of 127.0.0.1.
 *
 * It runs in a session of its own, so that a Ctrl-C, sent to the whole process group, leaves it up
 * while we drain. One that was orphaned by a killed ringback is stopped first. When the process
 * ends without `stop()`, the database is told to stop, and the exit code stays as it was.
 * @throws Error whose message is one line for the operator
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  const binaries = options.binaries ?? findPostgresBinaries();
  const account = await choosePostgresAccount(join(options.dataDir, "postgres"));
  const dataDir = prepareFolder(resolve(options.dataDir), account);
  const clusterDir = join(dataDir, "postgres");
  const explain = (program: string) => (cause: unknown) => {
    throw explained({ dataDir, program, binary: binaries.postgres, account }, cause);
  };

  const lock = await lockDataFolder(dataDir).catch(explain("lock"));
  let server: PostgresProcess | undefined;
  try {
    await stopOrphan(clusterDir, log);
    const cluster = await ensureCluster({ dataDir, clusterDir, binaries, account }).catch(
      explain("initdb"),
    );
    server = await launchPostgres({
      postgres: binaries.postgres,
      clusterDir,
      account,
      flags: options.flags ?? [],
      log,
      onProcessExit: lock.release,
    }).catch(explain("postgres"));
    const url = new URL(`postgres://ringback@127.0.0.1:${server.port}/${DATABASE}`);
    url.password = cluster.password;
    return publicHandle(server, url.href, cluster.made, lock.release);
  } catch (error) {
    await server?.stop();
    lock.release();
    throw error;
  }
}

function publicHandle(
  server: PostgresProcess,
  url: string,
  firstStart: boolean,
  release: () => void,
): EmbeddedPostgres {
  return {
    url,
    port: server.port,
    pid: server.pid,
    firstStart,
    onExit: server.onExit,
    async stop() {
      await server.stop();
      release();
    },
  };
}

interface Circumstances {
  dataDir: string;
  program: string;
  binary: string;
  account: PostgresAccount;
}

function explained({ dataDir, program, binary, account }: Circumstances, cause: unknown): Error {
  if (cause instanceof DataFolderInUse) return cause;
  const output = cause instanceof Error ? cause.message : String(cause);
  const closedFolder = findClosedFolder(dataDir, account) ?? findClosedFolder(binary, account);
  return new Error(explainFailure({ dataDir, program, output, closedFolder }), { cause });
}

// Started by root, the database runs as another user, who must be able to pass through the folder
// (not to list it, and not to read the files in it).
function prepareFolder(dataDir: string, account: PostgresAccount): string {
  try {
    mkdirSync(dataDir, { recursive: true, mode: account === undefined ? 0o700 : 0o711 });
    const { mode } = statSync(dataDir);
    if (account !== undefined && (mode & 0o001) === 0) chmodSync(dataDir, (mode & 0o777) | 0o011);
    return realpathSync(dataDir);
  } catch (error) {
    throw explained({ dataDir, program: "mkdir", binary: dataDir, account }, error);
  }
}
