import { randomBytes } from "node:crypto";
import pg from "pg";
import { startEmbeddedDatabase } from "../../src/server/embedded-database.ts";
import { chosenServer } from "../support/chosen-server.ts";
import { startDatabaseProxy } from "../../bench/network/database-proxy.ts";
import type { DatabaseProxy } from "../../bench/network/database-proxy.ts";

/** The role of the processes; not a superuser, so that limits count for it. */
const APP = "ringback_app";

export interface FaultDatabase {
  /** `18.4`, as the server tells it. */
  version: string;
  /** Process id of the server. */
  pid(): number;
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

/**
 * A Postgres with the settings of a real one: what it has committed survives a kill. With binaries
 * of its own it has the settings it comes with.
 */
export async function startFaultDatabase(options: {
  dataDir: string;
  /** The folder of the server's `initdb` and `postgres`; undefined: that which tests start. */
  binaries: string | undefined;
  log(line: string): void;
}): Promise<FaultDatabase> {
  const { dataDir, binaries, log } = options;
  const start = (): ReturnType<typeof startEmbeddedDatabase> =>
    startEmbeddedDatabase({
      dataDir,
      log,
      ...chosenServer(binaries),
    });
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

  const [server_version] = await query<{ server_version: string }>("show server_version");
  await query(`create role ${APP} login password '${password}'`);
  await query(`alter database ringback owner to ${APP}`);
  await query(`alter schema public owner to ${APP}`);

  return {
    version: server_version!.server_version.split(" ")[0]!,
    pid: () => server.pid,
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
