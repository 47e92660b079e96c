import { isOutage } from "../core/outage.ts";
import type { Pool, PoolClient, QueryResult, QueryResultRow } from "pg";

declare const brand: unique symbol;

interface Queryable {
  query<R extends QueryResultRow>(
    query: { name?: string; text: string; values?: unknown[] } | string,
    values?: unknown[],
  ): Promise<QueryResult<R>>;
}

/** An open transaction. Every write takes one, so a write outside a transaction does not compile. */
export interface Tx extends Queryable {
  readonly [brand]: true;
}

/** Where a read may run: a pool, or inside a transaction. */
export type Reader = Queryable;

const TRIES = 3;

/**
 * Runs `work` in one READ COMMITTED transaction on a connection of its own, which is held for
 * nothing else: no computation and no HTTP may happen inside. One that Postgres rolled back for a
 * neighbour's sake is run again, so `work` must have no effect outside of it.
 * A connection that broke is thrown away, not returned.
 */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await tryTransaction(pool, work);
    } catch (error) {
      if (tried === TRIES || !lostToNeighbour(error)) throw error;
    }
  }
}

/** Deadlock victims and serialization failures: nothing was done, and doing it again may work. */
function lostToNeighbour(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "40P01" || code === "40001";
}

async function tryTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(asTx(client));
    await client.query("commit");
    return result;
  } catch (error) {
    // a connection that failed may be out of reach: closing it rolls back as well
    if (isOutage(error)) broken = error as Error;
    else await client.query("rollback").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

/** One statement is a transaction of its own; for writes that are a single statement. */
export function singleStatement(pool: Pool): Tx {
  return asTx(pool);
}

/** A client on which the caller keeps the session (advisory locks, LISTEN). */
export function sessionTx(client: Pick<PoolClient, "query">): Tx {
  return asTx(client);
}

function asTx(queryable: unknown): Tx {
  return queryable as Tx;
}
