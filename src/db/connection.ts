import pg from "pg";

/** Times (ms) after which the server ends what a session does; 0: no limit. */
interface SessionLimits {
  statementMs: number;
  idleInTransactionMs: number;
}

/** A connection of the product and its purpose. */
export interface ConnectionOptions {
  connectionString: string;
  /** Shown as `ringback <name>` in `pg_stat_activity`. */
  name: string;
  limits: SessionLimits;
  /** More settings of this session. */
  settings?: Readonly<Record<string, string>>;
}

/**
 * The settings that statements of the product rely on, whatever the server, database, role, URL and
 * pooler say.
 */
export const SETTINGS = {
  // Compiling a statement takes longer than most run, and with the switches below a plan may seem
  // to cost enough for it (docs/decisions/0022).
  jit: "off",
  // "lock, then look": a statement sees what was committed before it began.
  default_transaction_isolation: "read committed",
  // Planning takes longer than most statements, those of the queue as well: each is planned once,
  // for any values (docs/decisions/0017).
  plan_cache_mode: "force_generic_plan",
  // PostgreSQL 18 crashes when a row that it updates by a join changed meanwhile, and partitions
  // are pruned as the join runs (docs/decisions/0016).
  enable_partition_pruning: "off",
  // A statement planned while a table was empty must not read all of it later, nor the rows that
  // ended since the last vacuum, as bitmap scans do (docs/decisions/0016).
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  // Statements wait for locks as long as they may take.
  lock_timeout: "0",
  idle_session_timeout: "0",
  // A setting since PostgreSQL 17; set where the server knows it.
  transaction_timeout: "0",
  // The driver reads dates of no other form, and days begin at midnight UTC.
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  timezone: "UTC",
} as const;

/** Options of `pg.Client` and `pg.Pool`, none of which a pooler in session mode refuses. */
export function connectionConfig({ connectionString, name, limits }: ConnectionOptions) {
  return {
    connectionString,
    application_name: `ringback ${name}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    // The server gives up first; else it would go on, with its locks, for a client that has left.
    // The client's own limit is for a server that is out of reach.
    query_timeout: limits.statementMs * 1.25,
  } satisfies pg.ClientConfig;
}

/**
 * Makes the settings of a new session, in one round trip. A statement makes them, and not options
 * of the connection: `?options=` in the URL would replace those, and poolers refuse them.
 * @throws Error the connection must not be used
 */
export async function stateSettings(
  client: Pick<pg.ClientBase, "query">,
  options: ConnectionOptions,
): Promise<void> {
  const all = settingsOf(options);
  const calls = Object.entries(all).map(
    ([name, value]) =>
      `case when current_setting('${name}', true) is not null
       then set_config('${name}', ${pg.escapeLiteral(value)}, false) end`,
  );
  await client.query({
    text: `select ${calls.join(", ")}`,
    query_timeout: 5_000,
  } as pg.QueryConfig);
}

/** All settings of a session, by name. */
function settingsOf({ name, limits, settings }: ConnectionOptions): Record<string, string> {
  return {
    ...SETTINGS,
    application_name: `ringback ${name}`,
    statement_timeout: String(limits.statementMs),
    // Transactions wait for nothing but the database. An idle one belongs to a process that is
    // frozen or gone with its host, and its locks delay the recovery.
    idle_in_transaction_session_timeout: String(limits.idleInTransactionMs),
    ...settings,
  };
}

/** Opens a connection outside the pools. When it breaks later, the process goes on. */
export async function connect(options: ConnectionOptions): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionConfig(options), connectionTimeoutMillis: 3_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await stateSettings(client, options);
    return client;
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
}
