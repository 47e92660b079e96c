import type { Context } from "../flow/context.ts";
import { GAUGES_CAPPED_AT } from "../db/statistics/gauges.ts";
import { createDatabaseGauges } from "../flow/maintenance/gauges.ts";
import type { GaugeReading } from "../flow/maintenance/gauges.ts";
import { addGauge } from "../telemetry/metrics.ts";

const CAPPED = `counted up to ${GAUGES_CAPPED_AT}, of all accounts`;

type GaugeContext = Pick<Context, "pool" | "telemetry" | "pumps">;

/**
 * Gauges of the database and of this process, read when the metrics page is. Those of the database
 * are up to 5 s old, and absent when it does not answer.
 */
export function addGauges(context: GaugeContext): void {
  const { pool, pumps } = context;
  const { metrics } = context.telemetry;
  const current = createDatabaseGauges(context);
  const gauge = (
    name: string,
    help: string,
    read: (gauges: GaugeReading) => Record<string, number>,
    label?: string,
  ): void =>
    addGauge(
      metrics.database,
      { name, help, ...(label === undefined ? {} : { label }) },
      async () => {
        const gauges = await current();
        return gauges === null ? {} : read(gauges);
      },
    );

  gauge(
    "ringback_jobs",
    `Jobs that have not ended, by state; ${CAPPED}.`,
    (now) => ({ pending: now.jobs_pending, running: now.jobs_running }),
    "status",
  );
  gauge(
    "ringback_oldest_due_seconds",
    "Time for which the oldest due job and lane have waited, without what a pause, an open breaker or a rate limit holds back; among those counted.",
    (now) => ({ job: now.oldest_job_s ?? 0, delivery: now.oldest_delivery_s ?? 0 }),
    "what",
  );
  gauge(
    "ringback_deliveries_pending",
    `Pending deliveries: all, and those due now that nothing holds back; ${CAPPED}.`,
    (now) => ({ all: now.deliveries_pending, due: now.deliveries_due }),
    "which",
  );
  gauge(
    "ringback_deliveries_held",
    `Pending deliveries that a pause or an open breaker holds back, by reason; ${CAPPED}.`,
    (now) => now.deliveries_held,
    "reason",
  );
  gauge(
    "ringback_dead_letters",
    `Dead letters, by reason; ${CAPPED} and reasons.`,
    (now) => now.dead_letters,
    "reason",
  );
  gauge(
    "ringback_lanes",
    `Lanes that fail with deliveries pending, and paused endpoints; ${CAPPED}.`,
    (now) => ({ failing: now.lanes_failing, paused: now.endpoints_paused }),
    "status",
  );
  gauge("ringback_workers_alive", "Workers that hold their session lock.", (now) => ({
    "": now.workers_alive,
  }));
  gauge(
    "ringback_queue_waiting",
    `Wake-ups that are due and wait for a worker; ${CAPPED}.`,
    (now) => now.queue_waiting,
    "task",
  );
  addGauge(
    metrics.registry,
    { name: "ringback_lanes_pumped", help: "Lanes that this process delivers now." },
    () => ({ "": pumps.size }),
  );
  addGauge(
    metrics.registry,
    {
      name: "ringback_pool_connections",
      help: "Database connections of this process.",
      label: "state",
    },
    () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  );
}
