import { LANE_DUE, LANES } from "../deliveries/lane-due.ts";
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

/** The times since which the longest due job and lane of all accounts wait; null: none is due. */
export async function findOldestDue(
  reader: Reader,
): Promise<{ jobs: Date | null; deliveries: Date | null; now: Date }> {
  const { rows } = await reader.query<{ jobs: Date | null; deliveries: Date | null; now: Date }>(
    `select now() as now,
       (select min(next_run_at) from unfinished_jobs
        where status = 'pending' and next_run_at <= now()) as jobs,
       (select min(due) from (select ${LANE_DUE} as due from ${LANES}) lane where due <= now())
         as deliveries`,
  );
  return rows[0]!;
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
