import pg from "pg";
import { connectionConfig, stateSettings } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";

/** A pool whose idle connections may break without ending the process. */
export function createPool(options: {
  connectionString: string;
  max: number;
  name: string;
  onError(error: Error): void;
}): pg.Pool {
  const connection: ConnectionOptions = {
    ...options,
    limits: { statementMs: 12_000, idleInTransactionMs: 2_000 },
  };
  const pool = new pg.Pool({
    ...connectionConfig(connection),
    max: options.max,
    connectionTimeoutMillis: 5_000,
    // statements that don't wait for each other's answers share a round trip
    pipeline: true,
    // before a new connection is used; one that doesn't take its settings is closed
    verify: (client, done) => void stateSettings(client, connection).then(() => done(), done),
  });
  pool.on("error", options.onError);
  // a connection that breaks in use fails its query; without a handler it ends the process
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
