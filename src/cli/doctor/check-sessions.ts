import { randomInt } from "node:crypto";
import pg from "pg";
import { fail, ok } from "./check.ts";
import type { Finding } from "./check.ts";

const PATIENCE_MS = 3_000;
const ADVICE =
  "connect directly or through a pooler in session mode: workers need session locks and LISTEN";

/**
 * Whether two connections are two sessions. Behind a pooler in transaction mode both may be given
 * the same one, which then gets a lock twice, and what it listens to is forgotten.
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
    if (await lockIsShared(one, other)) {
      return fail(name, "session locks don't hold: a pooler in transaction mode?", ADVICE);
    }
    if (!(await notificationArrives(one, other))) {
      return fail(name, "LISTEN hears nothing: a pooler in transaction mode?", ADVICE);
    }
    return ok(name, "session locks hold, and LISTEN hears");
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}

async function lockIsShared(one: pg.Client, other: pg.Client): Promise<boolean> {
  const key = [randomInt(2 ** 31), randomInt(2 ** 31)];
  await one.query(`select pg_advisory_lock($1, $2)`, key);
  try {
    const { rows } = await other.query<{ locked: boolean }>(
      `select pg_try_advisory_lock($1, $2) as locked`,
      key,
    );
    if (rows[0]?.locked === true) await other.query(`select pg_advisory_unlock($1, $2)`, key);
    return rows[0]?.locked === true;
  } finally {
    await one.query(`select pg_advisory_unlock($1, $2)`, key);
  }
}

async function notificationArrives(listener: pg.Client, sender: pg.Client): Promise<boolean> {
  const channel = `ringback_doctor_${randomInt(2 ** 31)}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), PATIENCE_MS);
  listener.on("notification", (message) => message.channel === channel && resolve(true));
  try {
    await listener.query(`listen ${channel}`);
    await sender.query(`select pg_notify($1, '')`, [channel]);
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
