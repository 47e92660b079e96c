import pg from "pg";

/** Creates a database, unless one of that name exists. @param template the database to copy */
export async function ensureDatabase(
  serverUrl: string,
  name: string,
  template = "template0",
): Promise<void> {
  await onServer(serverUrl, async (client) => {
    const found = await client.query("select from pg_database where datname = $1", [name]);
    if (found.rowCount !== 0) return;
    // only the empty template takes any encoding; a copy has that of its template
    const encoding = template === "template0" ? " encoding 'UTF8'" : "";
    await client.query(
      `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}${encoding}`,
    );
  });
}

/** Drops a database, and ends the connections to it. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await onServer(serverUrl, (client) =>
    client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
  );
}

/** The version of a server: `170002` and `17.2`. @throws Error the server can't be reached */
export async function readServerVersion(url: string): Promise<{ number: number; text: string }> {
  return await onServer(url, async (client) => {
    const { rows } = await client.query<{ number: number; text: string }>(
      `select current_setting('server_version_num')::int as number,
         current_setting('server_version') as text`,
    );
    return rows[0]!;
  });
}

async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
