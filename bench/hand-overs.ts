import type { Bench } from "./bench.ts";
import type { BenchDatabase } from "./database.ts";
import { readWaits, withChildren } from "./proc.ts";
import type { ProductProcess } from "./product.ts";

/** How often one hands on to another, per job or message. */
export interface HandOvers {
  /** Transactions that write. */
  transactions: number;
  /** Times that a thread had nothing to do, by part. Zeros where there is no /proc. */
  waits: Record<string, number>;
}

/** Begins to count; the function returned tells what `count` jobs or messages took meanwhile. */
export async function watchHandOvers(
  { postgresPid }: Pick<Bench, "postgresPid">,
  { pool }: BenchDatabase,
  processes: readonly ProductProcess[],
): Promise<(count: number) => Promise<HandOvers>> {
  const read = async (): Promise<HandOvers> => {
    const { rows } = await pool.query<{ next: number }>(
      `select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as next`,
    );
    const waits: Record<string, number> = {};
    for (const { roles, pid } of processes) waits[roles] = readWaits(pid);
    if (postgresPid !== null) {
      waits["postgres"] = withChildren(postgresPid).reduce((sum, pid) => sum + readWaits(pid), 0);
    }
    return { transactions: rows[0]!.next, waits };
  };
  const before = await read();
  return async (count) => {
    const after = await read();
    const each = (now: number, then: number): number =>
      Math.round(((now - then) / count) * 10) / 10;
    return {
      transactions: each(after.transactions, before.transactions),
      waits: Object.fromEntries(
        Object.entries(after.waits).map(([part, now]) => [part, each(now, before.waits[part]!)]),
      ),
    };
  };
}
