import { randomBytes } from "node:crypto";
import pg from "pg";
import { startEmbeddedPostgres } from "../../src/cli/embedded-postgres.ts";
import { chosenServer } from "../support/chosen-server.ts";
import { startDatabaseProxy } from "./database-proxy.ts";
import type { DatabaseProxy } from "./database-proxy.ts";

/** The role of the processes; not a superuser, so that limits count for it. */
const APP = "ringback_app";

export interface FaultDatabase {
  /** For the processes: through the proxy, as a plain role. */
  appUrl: string;
  appRole: string;
  proxy: DatabaseProxy;
  /** For the program: direct, as a superuser. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  /** A connection of its own, for locks and limits that end with it. */
  connect(): Promise<pg.Client>;
  /** Ends the server in the given way and starts it again; resolves when it takes connections. */
  restart(signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void>;
  stop(): Promise<void>;
}

/** A Postgres with the settings of a real one: what it has committed survives a kill. */
export async function startFaultDatabase(
  dataDir: string,
  log: (line: string) => void,
): Promise<FaultDatabase> {
  const start = (): ReturnType<typeof startEmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir, log, ...chosenServer() });
  let server = await start();
  const proxy = await startDatabaseProxy(server.port);
  const password = randomBytes(12).toString("hex");

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: server.url,
      application_name: "faults",
      connectionTimeoutMillis: 5_000,
      query_timeout: 30_000,
    });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  async function query<R extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<R[]> {
    const client = await connect();
    try {
      return (await client.query<R>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  await query(`create role ${APP} login password '${password}'`);
  await query(`alter database ringback owner to ${APP}`);
  await query(`alter schema public owner to ${APP}`);

  return {
    appUrl: `postgres://${APP}:${password}@127.0.0.1:${proxy.port}/ringback`,
    appRole: APP,
    proxy,
    query,
    connect,
    async restart(signal) {
      process.kill(server.pid, signal);
      await proxy.pointTo(null);
      await server.stop();
      server = await start();
      await proxy.pointTo(server.port);
    },
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}
