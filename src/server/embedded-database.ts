import { ensureDatabase } from "../db/databases.ts";
import { startEmbeddedPostgres } from "../embedded-postgres/start.ts";
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from "../embedded-postgres/start.ts";

/** Starts the Postgres of a data folder, with our database in it. @throws Error one line for the operator */
export async function startEmbeddedDatabase(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(options);
  try {
    const url = new URL(server.url);
    const name = url.pathname.slice(1);
    url.pathname = "/postgres";
    await ensureDatabase(url.href, name);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
