import pg from "pg";
import type { Config, Secrets } from "../config.ts";
import { ConfigError } from "../config.ts";
import { startEmbeddedPostgres } from "../embedded-postgres/start.ts";

export interface Database {
  url: string;
  /** Calls back when an embedded database ends by itself. */
  onExit(callback: (reason: string) => void): void;
  stop(): Promise<void>;
}

const OLDEST_POSTGRES = 14;

/** The database of DATABASE_URL, or an embedded one in the data folder. */
export async function openDatabase(config: Config, secrets: Secrets): Promise<Database> {
  if (secrets.databaseUrl === null) return await startEmbeddedPostgres({ dataDir: config.dataDir });
  const url = secrets.databaseUrl.reveal();
  await checkServer(url);
  return { url, onExit: () => undefined, stop: async () => undefined };
}

async function checkServer(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const { hostname, port, pathname } = new URL(connectionString);
    const where = `${hostname || "localhost"}:${port || 5432}${pathname}`;
    throw new ConfigError(`can't connect to DATABASE_URL (${where}): ${reasonOf(error)}`);
  }
  try {
    const { rows } = await client.query<{ number: number; version: string }>(
      `select current_setting('server_version_num')::int as number,
         current_setting('server_version') as version`,
    );
    const { number, version } = rows[0]!;
    if (number < OLDEST_POSTGRES * 10_000) {
      throw new ConfigError(
        `DATABASE_URL is PostgreSQL ${version}; Ringback needs ${OLDEST_POSTGRES} or newer`,
      );
    }
  } finally {
    await client.end();
  }
}

function reasonOf(error: unknown): string {
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return one instanceof Error ? one.message : String(one);
}
