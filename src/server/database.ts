import type { Config, Secrets } from "../config.ts";
import { ConfigError } from "../config.ts";
import { readServerVersion } from "../db/databases.ts";
import { startEmbeddedDatabase } from "./embedded-database.ts";

export interface Database {
  url: string;
  /** Calls back when an embedded database ends by itself. */
  onExit(callback: (reason: string) => void): void;
  stop(): Promise<void>;
}

const OLDEST_POSTGRES = 14;
/** For so many an embedded database takes enough connections as it is. */
const EMBEDDED_PROCESSES = 6;

/** The pool's connections, and those of the signs of life, the notifier and the queue. */
export const CONNECTIONS_PER_PROCESS = 30;

/** The database of DATABASE_URL, or an embedded one in the data folder, for so many processes. */
export async function openDatabase(
  config: Config,
  secrets: Secrets,
  processes = 1,
): Promise<Database> {
  if (secrets.databaseUrl === null) {
    const connections = (processes + 1) * CONNECTIONS_PER_PROCESS;
    const flags = processes > EMBEDDED_PROCESSES ? ["-c", `max_connections=${connections}`] : [];
    return await startEmbeddedDatabase({ dataDir: config.dataDir, flags });
  }
  const url = secrets.databaseUrl.reveal();
  await checkServer(url);
  return databaseOf(url);
}

/** A database that others look after. */
export function databaseOf(url: string): Database {
  return { url, onExit: () => undefined, stop: async () => undefined };
}

async function checkServer(connectionString: string): Promise<void> {
  const version = await readServerVersion(connectionString).catch((error: unknown) => {
    const { hostname, port, pathname } = new URL(connectionString);
    const where = `${hostname || "localhost"}:${port || 5432}${pathname}`;
    throw new ConfigError(`can't connect to DATABASE_URL (${where}): ${reasonOf(error)}`);
  });
  if (version.number < OLDEST_POSTGRES * 10_000) {
    throw new ConfigError(
      `DATABASE_URL is PostgreSQL ${version.text}; Ringback needs ${OLDEST_POSTGRES} or newer`,
    );
  }
}

function reasonOf(error: unknown): string {
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return one instanceof Error ? one.message : String(one);
}
