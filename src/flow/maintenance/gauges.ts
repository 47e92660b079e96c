import type { Context } from "../context.ts";
import { limitStatements, readGauges } from "../../db/statistics/gauges.ts";
import type { DatabaseGauges } from "../../db/statistics/gauges.ts";
import { inOneTrip } from "../../db/transaction.ts";
import { readSigns } from "../../db/maintenance/workers.ts";

/** Time for which all requests share one reading. */
const FRESH_MS = 5_000;
const TIMEOUT_MS = 2_000;

export interface GaugeReading extends DatabaseGauges {
  workers_alive: number;
}

/**
 * Makes the reader of the database's gauges, for metrics. Many requests share one connection and
 * one reading in 5 s, in bounded time. Null: the database did not answer.
 */
export function createDatabaseGauges({
  pool,
  telemetry,
}: Pick<Context, "pool" | "telemetry">): () => Promise<GaugeReading | null> {
  let latest: Promise<GaugeReading | null> | null = null;
  let readAt = -Infinity;
  let reading = false;

  async function read(): Promise<GaugeReading | null> {
    reading = true;
    try {
      return await inOneTrip(pool, async (tx) => {
        const [, gauges, signs] = await Promise.all([
          limitStatements(tx, TIMEOUT_MS),
          readGauges(tx),
          readSigns(tx),
        ]);
        const workersAlive = signs.filter(({ lock_free }) => !lock_free).length;
        return { ...gauges, workers_alive: workersAlive };
      });
    } catch (error) {
      telemetry.log.warn("gauges not read", { error: (error as Error).message });
      return null;
    } finally {
      reading = false;
      readAt = performance.now();
    }
  }

  return async function current() {
    if (!reading && performance.now() - readAt > FRESH_MS) latest = read();
    return await latest;
  };
}
