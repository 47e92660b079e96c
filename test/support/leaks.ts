import pg from "pg";

/**
 * The tables, of all schemas, that hold one of these texts in any column, whole or within JSON, and
 * which text. Texts must have no character that JSON escapes.
 */
export async function findInDatabase(
  databaseUrl: string,
  texts: readonly (string | RegExp)[],
): Promise<{ found: string[]; tables: string[] }> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name
       from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      for (const { row } of rows) {
        for (const text of texts) {
          const there = typeof text === "string" ? row.includes(text) : text.test(row);
          if (there) found.push(`${name}: ${text}`);
        }
      }
    }
    return { found: [...new Set(found)], tables: tables.map(({ name }) => name) };
  } finally {
    await client.end();
  }
}
