import pg from "pg";
import { fail, ok } from "./check.ts";
import type { Finding } from "./check.ts";
import { isLockShared, isNotified } from "../../db/inspection/sessions.ts";

const PATIENCE_MS = 3_000;
const ADVICE =
  "connect directly or through a pooler in session mode: workers need session locks and LISTEN";

/**
 * Checks whether two connections are two sessions. A pooler in transaction mode may give both the
 * same session, which then gets a lock twice, and its LISTEN is forgotten.
 */
export async function checkSessions(connectionString: string): Promise<Finding> {
  const name = "sessions";
  const clients = [0, 1].map(() => {
    const client = new pg.Client({ connectionString, query_timeout: 5_000 });
    client.on("error", () => undefined);
    return client;
  }) as [pg.Client, pg.Client];
  const [one, other] = clients;
  try {
    await Promise.all(clients.map((client) => client.connect()));
    if (await isLockShared(one, other)) {
      return fail(name, "session locks don't hold: a pooler in transaction mode?", ADVICE);
    }
    if (!(await isNotified(one, other, PATIENCE_MS))) {
      return fail(name, "LISTEN hears nothing: a pooler in transaction mode?", ADVICE);
    }
    return ok(name, "session locks hold, and LISTEN hears");
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}
