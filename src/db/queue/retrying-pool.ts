import type { Pool, PoolClient, QueryConfig } from "pg";
import { hindranceOf } from "../../core/outage.ts";
import { retryWhileUnavailable } from "../retry.ts";
import type { RetryLog } from "../retry.ts";
import { replaceWakeUps } from "./wake.ts";

// graphile-worker 0.18 names its statements
const COMPLETION = /^(complete|fail|return)_job/;
const FETCH = /^get_job/;

/**
 * The pool of one graphile-worker runner, made so that the runner outlives an outage. The first
 * completion that fails makes a runner give up (batched) or ends the process (unbatched, nobody
 * awaits it), so completions are tried until the database takes them. A fetch whose answer was lost
 * may have locked wake-ups for a runner that doesn't know of them, so before the next fetch all
 * wake-ups of the runner get successors: one already in hand comes twice, and finds nothing to do.
 */
export function createRetryingPool(pool: Pool, log: RetryLog): Pool {
  let fetchLost = false;

  async function fetch(client: PoolClient, q: QueryConfig): Promise<unknown> {
    try {
      if (fetchLost) {
        const [poolId] = q.values as [string];
        await replaceWakeUps(pool, poolId);
        fetchLost = false;
      }
      return await client.query(q);
    } catch (error) {
      if (hindranceOf(error) === null) throw error;
      fetchLost = true;
      // an error without code, as for some codes graphile-worker waits for minutes
      throw new Error((error as Error).message, { cause: error });
    }
  }

  function connect(callback?: Parameters<Pool["connect"]>[0]): Promise<unknown> | void {
    if (callback !== undefined) return pool.connect(callback);
    let client: PoolClient | undefined;
    async function query(q: QueryConfig, values?: unknown[]): Promise<unknown> {
      const { name = "" } = q;
      if (COMPLETION.test(name)) return await retryWhileUnavailable(log, name, () => pool.query(q));
      client ??= await pool.connect();
      return FETCH.test(name) ? await fetch(client, q) : await client.query(q, values);
    }
    return Promise.resolve({ query, release: () => client?.release() });
  }

  return Object.assign(Object.create(pool) as Pool, { connect });
}
