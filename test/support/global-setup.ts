import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbeddedDatabase } from "../../src/server/embedded-database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { makePartitions } from "../../src/flow/maintenance/retain.ts";
import { chosenServer } from "./chosen-server.ts";

/** Nothing here outlives the run, so nothing needs to survive a crash. */
const THROWAWAY = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"];
const SETTINGS = [...THROWAWAY, "max_connections=300", "max_wal_size=4GB", "autovacuum=off"];

declare global {
  /** Undoes the setup; it and the teardown run in the same process. */
  var tearDownTestPostgres: (() => Promise<void>) | undefined;
}

/**
 * One Postgres for the whole run, and in it a migrated template that each test file clones.
 * Set `TEST_POSTGRES_URL` to the superuser of another server to test with that one, or
 * `TEST_POSTGRES_BIN` to the binaries of another version.
 */
export default async function globalSetup(): Promise<void> {
  const given = process.env["TEST_POSTGRES_URL"];
  const server = given === undefined ? await startThrowawayServer() : { url: given, stop };
  const prefix = `ringback_test_${randomBytes(4).toString("hex")}`;
  const template = `${prefix}_template`;
  globalThis.tearDownTestPostgres = async () => {
    try {
      await dropDatabases(server.url, prefix);
    } finally {
      await server.stop();
    }
  };
  try {
    await onServer(server.url, (client) => client.query(`create database ${template}`));
    const url = new URL(server.url);
    url.pathname = `/${template}`;
    await migrate(url.href);
    const pool = new pg.Pool({ connectionString: url.href, max: 1 });
    try {
      await makePartitions(pool, new Date());
    } finally {
      await pool.end();
    }
  } catch (error) {
    await globalThis.tearDownTestPostgres();
    throw error;
  }
  process.env["TEST_POSTGRES_URL"] = server.url;
  process.env["TEST_POSTGRES_TEMPLATE"] = template;
}

async function stop(): Promise<void> {
  // A server that was given stays up.
}

async function startThrowawayServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), "ringback-test-"));
  const watchdog = startWatchdog(dataDir);
  const clean = (): void => {
    watchdog.kill("SIGKILL");
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const { binaries, flags } = chosenServer();
    for (const setting of SETTINGS) flags.push("-c", setting);
    const server = await startEmbeddedDatabase({ dataDir, flags, binaries });
    return { url: server.url, stop: () => server.stop().finally(clean) };
  } catch (error) {
    clean();
    throw error;
  }
}

/**
 * Sees the end of this process, however it comes, as the end of its input; then stops the database
 * and removes the folder.
 */
function startWatchdog(dataDir: string): ChildProcess {
  const script = `cat > /dev/null
    read -r pid < "$1/postgres/postmaster.pid" && kill -QUIT "$pid"
    sleep 1
    rm -rf "$1"`;
  const child = spawn("/bin/sh", ["-c", script, "watchdog", dataDir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  return child;
}

async function dropDatabases(url: string, prefix: string): Promise<void> {
  await onServer(url, async (client) => {
    const found = await client.query<{ name: string }>(
      "select datname as name from pg_database where starts_with(datname, $1)",
      [prefix],
    );
    for (const { name } of found.rows) {
      await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
    }
  });
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
