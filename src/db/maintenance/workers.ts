import type { Reader, Tx } from "../transaction.ts";

/** First key of the session advisory locks of living workers; the second is each worker's. */
const LOCK_SPACE = 0x7269; // "ri"
/** Key of the transaction lock under which one worker recovers another. */
const RECOVERY_LOCK = 0x72696e67; // "ring"

export interface WorkerIdentity {
  id: string;
  hostname: string;
  pid: number;
  version: string;
  roles: string[];
  /** The number of runs that it computes at once. */
  threads: number;
  /** Ids of the master keys that the worker knows. */
  masterKeys: readonly string[];
}

/** Registers a process and takes its session lock on the same connection. */
export async function registerWorker(session: Tx, worker: WorkerIdentity): Promise<void> {
  await session.query(
    `with w as (insert into workers (id, hostname, pid, version, roles, threads, master_keys)
       values ($1, $2, $3, $4, $5, $6, $7) returning lock_key)
     select pg_advisory_lock(${LOCK_SPACE}, lock_key) from w`,
    [
      ...[worker.id, worker.hostname, worker.pid, worker.version, worker.roles, worker.threads],
      worker.masterKeys,
    ],
  );
}

/** The first ten live workers that don't know this master key, as `host (process 42)`. */
export async function findWorkersWithoutKey(reader: Reader, keyId: string): Promise<string[]> {
  const { rows } = await reader.query<{ name: string }>(
    `select format('%s (process %s)', hostname, pid) as name from workers
     where heartbeat_at > now() - interval '10 seconds' and not master_keys @> array[$1]
     order by id limit 10`,
    [keyId],
  );
  return rows.map(({ name }) => name);
}

/** Locks the worker anew after a lost connection. False: it was declared dead meanwhile. */
export async function relockWorker(session: Tx, id: string): Promise<boolean> {
  // the old session may keep the lock until the server notices that it is gone; meanwhile the
  // heartbeat shows that the worker lives, and the next beat tries again
  const { rowCount } = await session.query(
    `select pg_try_advisory_lock(${LOCK_SPACE}, lock_key) from workers where id = $1`,
    [id],
  );
  return rowCount === 1;
}

/** Writes the heartbeat. Null: declared dead. `locked`: this session has the worker's lock. */
export async function beat(session: Tx, id: string): Promise<{ locked: boolean } | null> {
  const { rows } = await session.query<{ locked: boolean }>({
    name: "beat",
    text: `update workers set heartbeat = heartbeat + 1, heartbeat_at = now() where id = $1
      returning exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.granted
        and l.pid = pg_backend_pid() and l.classid = ${LOCK_SPACE} and l.objid = lock_key) as locked`,
    values: [id],
  });
  return rows[0] ?? null;
}

/** False: the worker was declared dead, and is refused claims and leases. */
export async function isRegistered(reader: Reader, id: string): Promise<boolean> {
  const { rowCount } = await reader.query(`select from workers where id = $1`, [id]);
  return rowCount === 1;
}

export async function setPoolIds(tx: Tx, id: string, poolIds: readonly string[]): Promise<void> {
  await tx.query(`update workers set pool_ids = $2 where id = $1`, [id, poolIds]);
}

export interface WorkerSign {
  id: string;
  heartbeat: string;
  delivers: boolean;
  lock_free: boolean;
}

/** The two signs of life of every worker. */
export async function readSigns(reader: Reader): Promise<WorkerSign[]> {
  const { rows } = await reader.query<WorkerSign>({
    name: "read_signs",
    text: `select w.id, w.heartbeat, 'deliver' = any(w.roles) as delivers, not exists (
        select 1 from pg_locks l where l.locktype = 'advisory' and l.granted
          and l.database = (select oid from pg_database where datname = current_database())
          and l.classid = ${LOCK_SPACE} and l.objid = w.lock_key) as lock_free
      from workers w order by w.id`,
  });
  return rows;
}

/** Locks out other recoveries, and recoveries while all workers take their locks again. */
export async function lockRecoveries(tx: Tx): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(${RECOVERY_LOCK})`);
}

/** The worker's row, locked, if its heartbeat is still the one seen and its lock is still free. */
export async function lockDeadWorker(
  tx: Tx,
  id: string,
  heartbeat: string,
): Promise<{ pool_ids: string[] } | null> {
  const { rows } = await tx.query<{ pool_ids: string[]; free: boolean }>(
    `select pool_ids, pg_try_advisory_xact_lock(${LOCK_SPACE}, lock_key) as free from workers
     where id = $1 and heartbeat = $2 for update`,
    [id, heartbeat],
  );
  const row = rows[0];
  return row?.free === true ? { pool_ids: row.pool_ids } : null;
}

/** The worker's row, locked until the transaction ends. */
export async function lockWorker(tx: Tx, id: string): Promise<{ pool_ids: string[] } | null> {
  const { rows } = await tx.query<{ pool_ids: string[] }>(
    `select pool_ids from workers where id = $1 for update`,
    [id],
  );
  return rows[0] ?? null;
}

export async function deleteWorker(tx: Tx, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(`delete from workers where id = $1`, [id]);
  return rowCount === 1;
}
