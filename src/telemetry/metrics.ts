import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { mergePages } from "./metrics-page.ts";

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

export interface MetricsOptions {
  /** Which of several processes it is; a label of what is counted in it. */
  process?: number | undefined;
  /** The pages of the others. */
  pagesOfOthers?: (() => Promise<string[]>) | undefined;
}

/** Everything counted in this process. Ids never become labels. */
export function createMetrics({ process, pagesOfOthers }: MetricsOptions = {}) {
  const registry = new Registry();
  const database = new Registry();
  if (process !== undefined) registry.setDefaultLabels({ process: String(process) });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  let rendering: Promise<string> | null = null;

  async function makePage(): Promise<string> {
    const others = pagesOfOthers?.();
    return mergePages([
      ...(await Promise.all([database.metrics(), registry.metrics()])),
      ...((await others) ?? []),
    ]);
  }
  return {
    registry,
    /** Gauges of the database, which are the same in all processes. */
    database,
    /** What was counted in this process. */
    page: async (): Promise<string> => await registry.metrics(),
    /** The page Prometheus reads, of all processes; made once for all who ask while it is being made. */
    async render(): Promise<{ contentType: string; text: string }> {
      rendering ??= makePage().finally(() => (rendering = null));
      return { contentType: registry.contentType, text: await rendering };
    },
    jobsAccepted: new Counter({
      name: "ringback_jobs_accepted_total",
      help: "Jobs accepted with a 202.",
      labelNames: ["type"],
      registers,
    }),
    jobsEnded: new Counter({
      name: "ringback_jobs_ended_total",
      help: "Jobs that reached their end, by status.",
      labelNames: ["type", "status"],
      registers,
    }),
    runSeconds: new Histogram({
      name: "ringback_run_duration_seconds",
      help: "Duration of runs, by job type and outcome; job_error: a code of the job type's own.",
      labelNames: ["type", "outcome"],
      buckets: SECONDS,
      registers,
    }),
    attempts: new Counter({
      name: "ringback_attempts_total",
      help: "HTTP attempts of deliveries, by outcome.",
      labelNames: ["outcome", "error_code"],
      registers,
    }),
    attemptSeconds: new Histogram({
      name: "ringback_attempt_duration_seconds",
      help: "Duration of HTTP attempts.",
      buckets: SECONDS,
      registers,
    }),
    retries: new Counter({
      name: "ringback_retries_total",
      help: "Attempts after the first of a delivery.",
      registers,
    }),
    deadLettered: new Counter({
      name: "ringback_dead_lettered_total",
      help: "Deliveries given up, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    submitToDelivered: new Histogram({
      name: "ringback_submit_to_delivered_seconds",
      help: "From the submission of a job to the delivery of an event of it.",
      buckets: SECONDS,
      registers,
    }),
    breakerOpened: new Counter({
      name: "ringback_breaker_opened_total",
      help: "How often the breaker of a lane opened.",
      registers,
    }),
    replayed: new Counter({
      name: "ringback_replayed_total",
      help: "Deliveries sent again by order of an admin.",
      registers,
    }),
    discarded: new Counter({
      name: "ringback_discarded_total",
      help: "Dead letters taken out of the inbox by order of an admin.",
      registers,
    }),
    canceled: new Counter({
      name: "ringback_canceled_total",
      help: "Pending deliveries canceled by order of an admin.",
      registers,
    }),
    activitySent: new Counter({
      name: "ringback_activity_sent_total",
      help: "Activity entries sent to listeners.",
      registers,
    }),
    listenersClosed: new Counter({
      name: "ringback_activity_listeners_closed_total",
      help: "Listeners to the activity that were closed by the server: slow, revoked, failed, stopping.",
      labelNames: ["why"],
      registers,
    }),
    fenced: new Counter({
      name: "ringback_fenced_writes_total",
      help: "Writes refused because their claim or lease was lost.",
      labelNames: ["what"],
      registers,
    }),
    recoveries: new Counter({
      name: "ringback_workers_recovered_total",
      help: "Dead workers whose work was taken over.",
      registers,
    }),
    repairs: new Counter({
      name: "ringback_repairs_total",
      help: "Wake-ups the reconciler had to restore; it should stay 0.",
      labelNames: ["what"],
      registers,
    }),
    requests: new Histogram({
      name: "ringback_http_request_duration_seconds",
      help: "Duration of API requests.",
      labelNames: ["method", "route", "status"],
      buckets: SECONDS,
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** A gauge read when the page is asked for. `read` returns value by label; none: it is absent. */
export function addGauge(
  register: Registry,
  options: { name: string; help: string; label?: string },
  read: () => Promise<Record<string, number>> | Record<string, number>,
): void {
  const { name, help, label } = options;
  // eslint-disable-next-line no-new -- the registry keeps it
  new Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [register],
    async collect() {
      const values = await read();
      this.reset();
      // without labels, a reset makes it 0
      if (label === undefined) this.remove();
      for (const [key, value] of Object.entries(values)) {
        if (label === undefined) this.set(value);
        else this.set({ [label]: key }, value);
      }
    },
  });
}
