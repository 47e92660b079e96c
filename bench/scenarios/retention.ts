import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "../../src/db/pool.ts";
import { retain } from "../../src/flow/maintenance/retain.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import type { Sent } from "../agents/open-loop.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { count, figure, ms } from "../figure.ts";
import { makeOldWeek } from "../old-week.ts";
import { latencies, quantile } from "../stats.ts";

const RATE = 50;
/** One stretch of the load beside retention. */
const STRETCH_S = 2;

export const retentionScenario: Scenario = {
  about: "50 jobs/s of one account while a week of another is retained, much of it kept",
  quick: false,
  async run(bench) {
    return await bench.withDatabase(async (database) => {
      const { history } = bench.sizes;
      const dead = await makeOldWeek(bench, database, history);
      // the bench says when
      await database.pool.query("update retention set next_at = 'infinity'");
      await bench.receiver.call("reset");
      return await bench.withProduct(database, bench.processes, async (processes) => {
        const { without, beside, tookMs } = await measure(bench, database, apiOf(processes));
        await check(database, dead);
        const [least, took] = [quantile(without, 0.99), quantile(beside, 0.99)];
        bench.tell(`p99: ${ms(took)}, without ${ms(least)}; retention ${count(tookMs / 1000)} s`);
        return [
          figure({
            variant: `p99 beside ${count(history)} attempts, ${count(dead)} dead letters`,
            measured: ms(took),
            ceiling: `${ms(least)} without`,
            ratio: took / least,
            goal: { atMost: 1.5 },
            detail: {
              samples: beside.length,
              samples_without: without.length,
              p50_ms: quantile(beside, 0.5),
              p50_without_ms: quantile(without, 0.5),
              worst_ms: Math.max(...beside),
              worst_without_ms: Math.max(...without),
              retention_ms: Math.round(tookMs),
            },
          }),
        ];
      });
    });
  },
};

/** The quiet account's latencies, without retention and beside it. */
async function measure(
  bench: Bench,
  { url }: BenchDatabase,
  apiUrl: string,
): Promise<{ without: number[]; beside: number[]; tookMs: number }> {
  const { client, fixture, receiver, receiverUrl, sizes } = bench;
  let sent = 0;
  const send = async (label: string, seconds: number): Promise<Sent> => {
    const loop = await client.call("openLoop", {
      url: `${apiUrl}/v1/jobs`,
      headers: apiHeaders(fixture.quiet.apiKey),
      bodies: jobRequests(`${receiverUrl}/quiet`),
      connections: 64,
      rate: RATE,
      seconds,
      label,
    });
    sent += loop.keys.length;
    return loop;
  };
  await send("warm", WARM_S);
  const without = await send("without", sizes.seconds);
  await untilArrived(bench, sent);

  const startedAt = performance.now();
  let tookMs: number | null = null;
  const retaining = retainIn(url).then(() => (tookMs = performance.now() - startedAt));
  // it may fail while nobody looks
  retaining.catch(() => undefined);
  const stretches: Sent[] = [];
  while (tookMs === null) {
    const stretch = send(`beside-${stretches.length}`, STRETCH_S);
    stretches.push(await stretch);
    await Promise.race([retaining, sleep(1)]);
  }
  await untilArrived(bench, sent);
  const arrivals = await receiver.call("arrivals");
  return {
    without: latencies(without, arrivals),
    beside: stretches.flatMap((stretch) => latencies(stretch, arrivals)),
    tookMs,
  };
}

/** As a worker of the product does it. */
async function retainIn(connectionString: string): Promise<void> {
  const onError = (): void => undefined;
  const pool = createPool({ connectionString, max: 2, name: "retention", onError });
  const log = createLogger({ level: "info", readable: true });
  try {
    await retain({
      pool,
      now: () => new Date(),
      telemetry: createTelemetry(log, createMetrics()),
      stopping: new AbortController().signal,
      config: {
        retention: { jobsDays: 30, deliveriesDays: 30, deadLettersDays: 90, auditDays: 400 },
      },
    });
  } finally {
    await pool.end();
  }
}

/** @throws Error something was lost, or is still there */
async function check({ pool }: BenchDatabase, dead: number): Promise<void> {
  const { rows } = await pool.query<{ dead: number; old: number; unbalanced: number }>(
    `select (select count(*)::int from deliveries where status = 'dead') as dead,
       (select count(*)::int from deliveries where created_at < now() - interval '30 days') as old,
       (select count(*)::int from books where not balanced) as unbalanced`,
  );
  const found = rows[0]!;
  if (found.dead !== dead || found.old !== dead || found.unbalanced > 0) {
    throw new Error(`${dead} dead letters are to be left, but ${JSON.stringify(found)}`);
  }
}
