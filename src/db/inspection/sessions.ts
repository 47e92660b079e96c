import { randomInt } from "node:crypto";
import type { Client } from "pg";

/** Whether two connections are one session: the other can take a session lock that one has. */
export async function isLockShared(one: Client, other: Client): Promise<boolean> {
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

/** Whether a notification that one connection sends reaches the other, which listens. */
export async function isNotified(
  listener: Client,
  sender: Client,
  patienceMs: number,
): Promise<boolean> {
  const channel = `ringback_doctor_${randomInt(2 ** 31)}`;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  listener.on("notification", (message) => message.channel === channel && resolve(true));
  try {
    await listener.query(`listen ${channel}`);
    await sender.query(`select pg_notify($1, '')`, [channel]);
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
