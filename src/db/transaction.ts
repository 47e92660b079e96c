import type { Writable } from "node:stream";
import { isLostToNeighbour, isOutage } from "../core/outage.ts";
import type { Pool, PoolClient, QueryResult, QueryResultRow } from "pg";

declare const brand: unique symbol;

interface Queryable {
  query<R extends QueryResultRow>(
    query: { name?: string; text: string; values?: unknown[] } | string,
    values?: unknown[],
  ): Promise<QueryResult<R>>;
}

/** An open transaction. Every write takes one, so a write outside of one does not compile. */
export interface Tx extends Queryable {
  readonly [brand]: true;
}

/** An object that runs reads: a pool, or a transaction. */
export type Reader = Queryable;

const TRIES = 3;

/**
 * Runs `work` in one READ COMMITTED transaction on a connection of its own. No computation and no
 * HTTP may happen inside. A transaction that Postgres rolled back for a neighbour's sake is run
 * again, so `work` must have no effect outside of it. A connection that broke is thrown away, not
 * returned.
 */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await tryTransaction(pool, work);
    } catch (error) {
      if (tried === TRIES || !isLostToNeighbour(error)) throw error;
    }
  }
}

async function tryTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return await withClient(pool, async (client) => {
    const tx = asTx(client);
    const statements: Promise<unknown>[] = [];
    ASIDE.set(tx, { client, statements });
    try {
      const [begun, working] = inOneWrite(client, () => [client.query("begin"), work(tx)]);
      // the first statement went out right behind `begin`, and fails with it
      begun.catch(() => undefined);
      const result = await working;
      const ends = await Promise.allSettled([...statements, client.query("commit")]);
      throwFirst(ends);
      return result;
    } catch (error) {
      // a statement behind one that failed only says that the transaction is aborted
      if (isAborted(error)) throwFirst(await Promise.allSettled(statements));
      throw error;
    } finally {
      ASIDE.delete(tx);
    }
  });
}

/** The statements of a transaction that go out with its commit. */
const ASIDE = new WeakMap<Tx, { client: PoolClient; statements: Promise<unknown>[] }>();

/**
 * Sends a statement whose answer nobody needs with the next one, at last the commit, so it takes no
 * round trip of its own. When the statement fails, so does the transaction.
 */
export function withCommit(tx: Tx, send: () => Promise<unknown>): void {
  const aside = ASIDE.get(tx);
  if (aside === undefined) throw new Error("only a transaction that is open has a commit");
  const stream = streamOf(aside.client);
  stream.cork();
  process.nextTick(() => stream.uncork());
  const statement = send();
  statement.catch(() => undefined);
  aside.statements.push(statement);
}

/** Fails statements that wait longer for a lock (SQLSTATE 55P03). Takes no round trip. */
export function limitLockWaits(tx: Tx, ms: number): void {
  withCommit(tx, () => tx.query(`set local lock_timeout = ${ms}`));
}

function throwFirst(ends: readonly PromiseSettledResult<unknown>[]): void {
  const failed = ends.filter((end) => end.status === "rejected");
  const cause = failed.find(({ reason }) => !isAborted(reason)) ?? failed[0];
  if (cause !== undefined) throw cause.reason;
}

function isAborted(error: unknown): boolean {
  return (error as { code?: unknown }).code === "25P02";
}

/**
 * Runs work that issues all its statements at once, without awaiting an answer: they and the commit
 * go out together, in one round trip. When a statement fails, nothing is done.
 */
export async function inOneTrip<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return await withClient(pool, async (client) => {
    const [begun, done, committed] = inOneWrite(client, () => [
      client.query("begin"),
      work(asTx(client)),
      client.query("commit"),
    ]);
    const [, result, end] = await Promise.allSettled([begun, done, committed]);
    if (result.status === "rejected") throw result.reason;
    if (end.status === "rejected") throw end.reason;
    if (end.value.command !== "COMMIT") throw new Error("the transaction was rolled back");
    return result.value;
  });
}

/** Sends all writes of `send` in one system call, which costs more than the bytes it carries. */
function inOneWrite<T>(client: PoolClient, send: () => T): T {
  const stream = streamOf(client);
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

function streamOf(client: PoolClient): Writable {
  return (client as unknown as { connection: { stream: Writable } }).connection.stream;
}

async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    // a connection that failed may be out of reach: closing it rolls back as well
    if (isOutage(error)) broken = error as Error;
    else await client.query("rollback").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * A reader for statements whose best plan depends on their values, such as lists by a filter. It
 * plans them each time; others are planned once for all values (docs/decisions/0017).
 */
export function plannedEachTime(pool: Pool): Reader {
  return {
    async query<R extends QueryResultRow>(...query: Parameters<Reader["query"]>) {
      return await inOneTrip(pool, async (tx) => {
        const [, result] = await Promise.all([planEachTime(tx), tx.query<R>(...query)]);
        return result;
      });
    },
  };
}

/**
 * A reader for searches, whose cost nobody knows beforehand: as `plannedEachTime`, but a statement
 * ends after a while, or as soon as nobody waits for it any more.
 */
export function untilNobodyWaits(pool: Pool, ms: number, gone: AbortSignal): Reader {
  return {
    async query<R extends QueryResultRow>(...query: Parameters<Reader["query"]>) {
      gone.throwIfAborted();
      return await withClient(pool, async (client) => {
        const tx = asTx(client);
        const orders: Promise<unknown>[] = [];
        const cancel = (): void => {
          const { processID } = client as unknown as { processID: number };
          const order = pool.query("select pg_cancel_backend($1)", [processID]);
          orders.push(order.catch(() => undefined));
        };
        gone.addEventListener("abort", cancel, { once: true });
        try {
          const [, , result] = await Promise.all(
            inOneWrite(client, () => [
              tx.query("begin"),
              tx.query(`set local statement_timeout = ${ms}; ${PLAN_EACH_TIME}`),
              tx.query<R>(...query),
            ]),
          );
          await tx.query("commit");
          return result;
        } finally {
          gone.removeEventListener("abort", cancel);
          // until then the order might end another statement of this connection
          await Promise.all(orders);
        }
      });
    },
  };
}

const PLAN_EACH_TIME = "set local plan_cache_mode = force_custom_plan";

/** Plans each statement that follows in the transaction for its values. */
export async function planEachTime(tx: Tx): Promise<void> {
  await tx.query(PLAN_EACH_TIME);
}

/** A transaction of a single statement, for writes that need no more. */
export function singleStatement(pool: Pool): Tx {
  return asTx(pool);
}

/** A client whose session the caller keeps (advisory locks, LISTEN). */
export function sessionTx(client: Pick<PoolClient, "query">): Tx {
  return asTx(client);
}

function asTx(queryable: unknown): Tx {
  return queryable as Tx;
}
