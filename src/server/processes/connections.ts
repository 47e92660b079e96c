import type { Logger } from "winston";
import { connect } from "../../db/connection.ts";
import { countConnections } from "../../db/inspection/server.ts";
import { CONNECTIONS_PER_PROCESS } from "../database.ts";

/** Tells when the database takes fewer connections than so many processes may make. */
export async function warnOfFewConnections(
  connectionString: string,
  processes: number,
  log: Logger,
): Promise<void> {
  const client = await connect({
    connectionString,
    name: "supervisor",
    limits: { statementMs: 4_000, idleInTransactionMs: 2_000 },
  });
  try {
    const needed = processes * CONNECTIONS_PER_PROCESS;
    const { most } = await countConnections(client);
    if (needed > most) log.warn("max_connections may not be enough", { processes, needed, most });
  } finally {
    await client.end();
  }
}
