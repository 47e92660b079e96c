import type { Context } from "../context.ts";
import { countDeadLetters } from "../db/dead-letters.ts";
import { getDeliveryBacklog } from "../db/deliveries.ts";
import { countJobs } from "../db/jobs.ts";
import { countTroubledLanes } from "../db/lanes.ts";
import { countWaitingWakeUps } from "../db/queue.ts";
import { readSigns } from "../db/workers.ts";
import { addGauge } from "../telemetry/metrics.ts";

/** What the database knows, asked when the metrics page is read. */
export function addDatabaseGauges({ pool, telemetry }: Pick<Context, "pool" | "telemetry">): void {
  const { metrics } = telemetry;
  const gauge = (
    name: string,
    help: string,
    read: () => Promise<Record<string, number>> | Record<string, number>,
    label?: string,
  ): void => addGauge(metrics, { name, help, ...(label === undefined ? {} : { label }) }, read);

  gauge(
    "ringback_jobs",
    "Jobs that have not ended, by state.",
    async () => ({
      pending: 0,
      running: 0,
      ...Object.fromEntries((await countJobs(pool)).map((row) => [row.status, row.count])),
    }),
    "status",
  );
  gauge(
    "ringback_oldest_due_seconds",
    "Age of the oldest due pending job and delivery.",
    async () => {
      const [jobs, deliveries] = await Promise.all([countJobs(pool), getDeliveryBacklog(pool)]);
      const job = jobs.find(({ status }) => status === "pending")?.oldest_due_s ?? 0;
      return { job: Math.max(0, job), delivery: Math.max(0, deliveries.oldest_due_s ?? 0) };
    },
    "what",
  );
  gauge(
    "ringback_deliveries_pending",
    "Pending deliveries: all, and those due now.",
    async () => {
      const { pending, due } = await getDeliveryBacklog(pool);
      return { all: pending, due };
    },
    "which",
  );
  gauge(
    "ringback_dead_letters",
    "Dead letters, by reason.",
    async () =>
      Object.fromEntries((await countDeadLetters(pool)).map((row) => [row.reason, row.count])),
    "reason",
  );
  gauge(
    "ringback_lanes",
    "Lanes whose breaker is open, whose endpoint is paused, or that are being pumped.",
    async () => ({ ...(await countTroubledLanes(pool)) }),
    "state",
  );
  gauge("ringback_workers_alive", "Workers that hold their session lock.", async () => ({
    "": (await readSigns(pool)).filter(({ lock_free }) => !lock_free).length,
  }));
  gauge(
    "ringback_queue_waiting",
    "Wake-ups that are due and wait for a worker.",
    async () => await countWaitingWakeUps(pool),
    "task",
  );
  gauge(
    "ringback_pool_connections",
    "Database connections of this process.",
    () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    "state",
  );
}
