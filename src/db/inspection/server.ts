import type { Reader } from "../transaction.ts";

/** A setting of the server, as a connection sees it. */
export interface ServerSetting {
  name: string;
  setting: string;
  /** The origin of the value, as PostgreSQL calls it. */
  source: string;
}

export async function listServerSettings(
  reader: Reader,
  names: readonly string[],
): Promise<ServerSetting[]> {
  const { rows } = await reader.query<ServerSetting>(
    `select lower(name) as name, setting, source from pg_settings
     where lower(name) = any($1) order by 1`,
    [names],
  );
  return rows;
}

/**
 * The five oldest transactions that keep vacuum from removing dead rows: left open, prepared, or of
 * slots of standbys that are away. `ms`: since they began; null: not known.
 * @param old the least age; `xids`: in transactions begun since, where the time is not known
 */
export async function findOldTransactions(
  reader: Reader,
  old: { ms: number; xids: number },
): Promise<{ what: string; ms: number | null }[]> {
  const { rows } = await reader.query<{ what: string; ms: number | null }>(
    `select format('pid %s (%s%s)', pid, coalesce(nullif(application_name, ''), usename),
         ', ' || state) as what,
       extract(epoch from clock_timestamp() - xact_start)::float8 * 1000 as ms
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and coalesce(backend_xid, backend_xmin) is not null
       and coalesce(xact_start < clock_timestamp() - $1 * interval '1 millisecond',
         age(backend_xmin) > $2)
     union all
     select format('prepared transaction %s', gid),
       extract(epoch from clock_timestamp() - prepared)::float8 * 1000
     from pg_prepared_xacts
     where database = current_database()
       and prepared < clock_timestamp() - $1 * interval '1 millisecond'
     union all
     select format('replication slot %s', slot_name), null
     from pg_replication_slots where not active and age(xmin) > $2
     order by ms desc nulls last limit 5`,
    [old.ms, old.xids],
  );
  return rows;
}

export async function countConnections(reader: Reader): Promise<{ used: number; most: number }> {
  const { rows } = await reader.query<{ used: number; most: number }>(
    `select (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int as most`,
  );
  return rows[0]!;
}

/** Names of the migrations that were run, in their order. */
export async function listMigrations(reader: Reader): Promise<string[]> {
  if (!(await tableExists(reader, "ringback_migrations"))) return [];
  const { rows } = await reader.query<{ name: string }>(
    `select name from ringback_migrations order by run_on, id`,
  );
  return rows.map((row) => row.name);
}

/** The newest revision of graphile-worker's schema, and the newest that breaks older programs. */
export async function findQueueRevision(
  reader: Reader,
): Promise<{ newest: number; breaking: number | null } | null> {
  if (!(await tableExists(reader, "graphile_worker.migrations"))) return null;
  const { rows } = await reader.query<{ newest: number; breaking: number | null }>(
    `select max(id) as newest, max(id) filter (where breaking) as breaking
     from graphile_worker.migrations`,
  );
  return rows[0]!;
}

async function tableExists(reader: Reader, name: string): Promise<boolean> {
  const { rows } = await reader.query<{ found: boolean }>(
    `select to_regclass($1) is not null as found`,
    [name],
  );
  return rows[0]!.found;
}
