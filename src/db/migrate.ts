import path from "node:path";
import { fileURLToPath } from "node:url";
import { Logger, runMigrations } from "graphile-worker";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { reached } from "../core/checkpoint.ts";
import { createPool } from "./pool.ts";

const DIRECTORY = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../migrations");

/**
 * Brings the database to the schema of this program: our migrations, then graphile-worker's.
 * Several processes may call it at once; an advisory lock lets one work while the others wait.
 */
export async function migrate(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, application_name: "ringback migrate" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: "up",
      migrationsTable: "ringback_migrations",
      advisoryLockMode: "wait",
      log: () => undefined,
    });
    reached("migrate:between");
    const pool = createPool({
      connectionString,
      max: 2,
      name: "migrate",
      onError: () => undefined,
    });
    try {
      await runMigrations({ pgPool: pool, logger: new Logger(() => () => undefined) });
    } finally {
      await pool.end();
    }
  } finally {
    await client.end();
  }
}
