import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { newId } from "../../core/ids.ts";
import { writeStats } from "../../db/statistics/counters.ts";
import { singleStatement } from "../../db/transaction.ts";

const FLUSH_MS = 5_000;
const ROWS = 500;

type StatsContext = Pick<Context, "pool" | "telemetry" | "stopping">;

/** Writes this process's counts for charts every 5 s, and a last time when it stops. */
export function startStats(context: StatsContext): { stop(): Promise<void> } {
  const source = newId();
  const flush = (): Promise<void> =>
    flushStats(context, source).catch((error: unknown) => {
      context.telemetry.log.warn("stats not written", { error: (error as Error).message });
    });
  async function loop(): Promise<void> {
    while (!context.stopping.aborted) {
      await sleep(FLUSH_MS, undefined, { signal: context.stopping }).catch(() => undefined);
      await flush();
    }
  }
  const looping = loop();
  return {
    async stop() {
      await looping;
      await flush();
    },
  };
}

/** @param source the name of the process, which writes only rows of its own */
export async function flushStats(
  { pool, telemetry }: Pick<Context, "pool" | "telemetry">,
  source: string,
): Promise<void> {
  const rows = telemetry.stats.changed();
  for (let first = 0; first < rows.length; first += ROWS) {
    await writeStats(singleStatement(pool), source, rows.slice(first, first + ROWS));
  }
  telemetry.stats.written(rows);
}
