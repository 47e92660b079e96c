import path from "node:path";
import { fileURLToPath } from "node:url";
import { Logger, runMigrations } from "graphile-worker";
import { runner } from "node-pg-migrate";
import { failpoint } from "../core/failpoint.ts";
import { connect } from "./connection.ts";
import { createPool } from "./pool.ts";

/** Key of the lock of the process that brings the queue's schema up to date. */
const QUEUE_LOCK = 7_425_061;
const DIRECTORY = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../migrations");

/**
 * Brings the database to the schema of this program: our migrations, then graphile-worker's.
 * Several processes may call it at once; an advisory lock lets one work while the others wait.
 */
export async function migrate(connectionString: string): Promise<void> {
  // other processes wait here as long as the first one takes
  const client = await connect({
    connectionString,
    name: "migrate",
    limits: { statementMs: 0, idleInTransactionMs: 0 },
  });
  try {
    await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: "up",
      migrationsTable: "ringback_migrations",
      advisoryLockMode: "wait",
      log: () => undefined,
    });
    failpoint("migrate:between");
    // one process at a time, until this connection ends: the rest is not safe to do at once
    await client.query(`select pg_advisory_lock(${QUEUE_LOCK})`);
    const pool = createPool({
      connectionString,
      max: 2,
      name: "migrate",
      onError: () => undefined,
    });
    try {
      await runMigrations({ pgPool: pool, logger: new Logger(() => () => undefined) });
      // each fetch looks for free named queues; ours have no name, so there are none
      await pool.query(
        `create index if not exists ringback_free_queues
         on graphile_worker._private_job_queues (id) where is_available`,
      );
    } finally {
      await pool.end();
    }
  } finally {
    await client.end();
  }
}
