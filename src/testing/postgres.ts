import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startEmbeddedDatabase } from "../server/embedded-database.ts";
import { dropDatabase, ensureDatabase } from "../db/databases.ts";
import { migrate } from "../db/migrate.ts";

export interface OwnDatabase {
  url: string;
  drop(): Promise<void>;
}

interface Server {
  url: string;
  template: string;
  stop(): Promise<void>;
}

/** Settings for data that need not survive a crash. */
const SETTINGS = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off"];
/** Time for which a server waits for the next test, so that not each test starts one. */
const LINGER_MS = 100;

let shared: Promise<Server> | null = null;
let users = 0;
let lingering: NodeJS.Timeout | undefined;

/**
 * Makes a migrated database: on the given server, or on an embedded one, in a folder of its own,
 * that all databases of this process share and the last one stops.
 */
export async function openDatabase(serverUrl: string | undefined): Promise<OwnDatabase> {
  if (serverUrl !== undefined) {
    const name = newName();
    await ensureDatabase(serverUrl, name, "template1");
    return { url: urlOf(serverUrl, name), drop: () => dropDatabase(serverUrl, name) };
  }
  clearTimeout(lingering);
  users += 1;
  try {
    shared ??= startServer();
    const { url, template } = await shared;
    const name = newName();
    await ensureDatabase(url, name, template);
    return {
      url: urlOf(url, name),
      drop: () => dropDatabase(url, name).finally(leave),
    };
  } catch (error) {
    leave();
    throw error;
  }
}

function leave(): void {
  users -= 1;
  if (users > 0) return;
  const server = shared;
  lingering = setTimeout(() => {
    shared = null;
    server?.then((one) => one.stop()).catch(() => undefined);
  }, LINGER_MS);
  // a process that has nothing else to do ends at once, and the watchdog stops the server
  if (process.platform !== "win32") lingering.unref();
}

async function startServer(): Promise<Server> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "ringback-testing-"));
  const release = watchOver(dataDir);
  const clean = async (): Promise<void> => {
    await rm(dataDir, { recursive: true, force: true });
    release();
  };
  try {
    const flags = SETTINGS.flatMap((setting) => ["-c", setting]);
    const { url, stop } = await startEmbeddedDatabase({ dataDir, flags });
    // the template is migrated once, and then copied
    const template = new URL(url).pathname.slice(1);
    await migrate(url);
    return { url: urlOf(url, "postgres"), template, stop: () => stop().then(clean, clean) };
  } catch (error) {
    await clean();
    throw error;
  }
}

/**
 * Starts a shell that sees any end of this process as the end of its input, and stops the server
 * left behind.
 */
function watchOver(dataDir: string): () => void {
  if (process.platform === "win32") return () => undefined;
  const script = `cat > /dev/null
    [ -d "$1" ] || exit 0
    read -r pid < "$1/postgres/postmaster.pid" && kill -QUIT "$pid"
    sleep 1
    rm -rf "$1"`;
  const child = spawn("/bin/sh", ["-c", script, "watchdog", dataDir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  (child.stdin as typeof child.stdin & { unref?(): void }).unref?.();
  return () => void child.kill("SIGKILL");
}

function newName(): string {
  return `ringback_${randomBytes(6).toString("hex")}`;
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
