import pg from "pg";

/** A pool whose idle connections may break without ending the process. */
export function createPool(options: {
  connectionString: string;
  max: number;
  name: string;
  onError(error: Error): void;
}): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max,
    application_name: `ringback ${options.name}`,
    connectionTimeoutMillis: 5_000,
    // statements that don't wait for each other's answers share a round trip
    pipeline: true,
    // A statement that was planned while a table was still empty must not read all of it later, nor
    // what ended since the last vacuum, as bitmap scans do.
    // PostgreSQL 18 crashes when a row that it updates by a join changed meanwhile, and partitions
    // are pruned as the join runs (docs/decisions/0016). Planning takes longer than most statements,
    // those of the queue as well: each is planned once, for any values (docs/decisions/0017).
    options:
      "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_partition_pruning=off -c plan_cache_mode=force_generic_plan",
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    // the server gives up first; the client's own limit is for a server that is out of reach
    statement_timeout: 12_000,
    query_timeout: 15_000,
    // no transaction waits for anything but the database: one that does belongs to a process that
    // is frozen or gone with its host, and its locks hold up the burial
    idle_in_transaction_session_timeout: 2_000,
  });
  pool.on("error", options.onError);
  // one that breaks while it is checked out fails its query; without a handler it ends the process
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
