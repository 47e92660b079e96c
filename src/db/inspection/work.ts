import type { Reader } from "../transaction.ts";

/** Roles of the registered workers. `alive`: a heartbeat in the last 10 s. */
export async function listWorkerRoles(
  reader: Reader,
): Promise<{ roles: string[]; alive: boolean }[]> {
  const { rows } = await reader.query<{ roles: string[]; alive: boolean }>(
    `select roles, heartbeat_at > now() - interval '10 seconds' as alive from workers`,
  );
  return rows;
}

/** The newest sealed secrets and private keys, `limit` of each. */
export async function listNewestSealed(reader: Reader, limit: number): Promise<string[]> {
  const { rows } = await reader.query<{ sealed: string }>(
    `(select sealed from signing_secrets where expires_at is null or expires_at > now()
      order by id desc limit $1)
     union all (select sealed from signing_keys order by id desc limit $1)`,
    [limit],
  );
  return rows.map(({ sealed }) => sealed);
}
