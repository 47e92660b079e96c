import type { Pool } from "pg";

interface Statement {
  query: string;
  calls: number;
  total_ms: number;
  mean_ms: number;
  rows: number;
  wal_bytes: number;
}

const TOP = 15;

export async function resetStatements(pool: Pool): Promise<void> {
  try {
    await pool.query("create extension if not exists pg_stat_statements");
    await pool.query("select pg_stat_statements_reset()");
  } catch (error) {
    throw new Error(
      `--explain needs pg_stat_statements in shared_preload_libraries: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** What took the database's time. */
export async function printStatements(pool: Pool, tell: (text: string) => void): Promise<void> {
  const { rows } = await pool.query<Statement>(
    `select regexp_replace(query, '\\s+', ' ', 'g') as query, calls::int as calls,
       total_exec_time as total_ms, mean_exec_time as mean_ms, rows::int as rows,
       wal_bytes::float8 as wal_bytes
     from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
     order by total_exec_time desc limit $1`,
    [TOP],
  );
  tell("     total ms     calls   mean ms      rows    WAL kB  statement");
  for (const { query, calls, total_ms, mean_ms, rows: count, wal_bytes } of rows) {
    const cells = [
      total_ms.toFixed(0).padStart(13),
      String(calls).padStart(9),
      mean_ms.toFixed(3).padStart(9),
      String(count).padStart(9),
      (wal_bytes / 1024).toFixed(0).padStart(9),
    ];
    tell(`${cells.join(" ")}  ${query.slice(0, 110)}`);
  }
}
