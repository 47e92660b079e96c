import type { Logger } from "winston";
import { formatId, idTime } from "../core/ids.ts";
import type { DisabledReason } from "../core/endpoint.ts";
import type { Exchange } from "../core/exchange.ts";
import type { JobStatus } from "../core/model.ts";
import type { Outcome } from "../core/outcome.ts";
import { outcomeLabel } from "../core/run-failures.ts";
import { attemptCounter, counterSlot, durationSlot } from "../core/stats.ts";
import { errorFields, logOften } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { createStatsCounters } from "./stats.ts";
import type { StatsCounters } from "./stats.ts";

interface JobFacts {
  id: string;
  account_id: string;
  type: string;
  request_id: string;
}

interface DeliveryFacts {
  id: string;
  account_id: string;
  endpoint_id: string | null;
}

interface AttemptFacts extends DeliveryFacts {
  job_id: string | null;
  message_id: string;
  event_type: string;
  request_id: string;
  manual: boolean;
  created_at: Date;
}

interface EndedFacts extends JobFacts {
  run: number;
  status: JobStatus;
  error_code: string | null;
}

/** One function per business event; each feeds log, metrics and the counters behind charts. */
export interface Telemetry {
  log: Logger;
  metrics: Metrics;
  stats: StatsCounters;
  jobAccepted(job: JobFacts): void;
  runEnded(job: JobFacts & { run: number }, outcome: string, durationMs: number): void;
  jobEnded(job: EndedFacts): void;
  attemptMade(d: AttemptFacts, number: number, exchange: Exchange, outcome: Outcome): void;
  /** A test says nothing of how the endpoint does, so it counts in no statistics. */
  endpointTested(delivery: Pick<AttemptFacts, "id" | "request_id">, exchange: Exchange): void;
  deliveryGivenUp(delivery: DeliveryFacts, reason: string, detail: string): void;
  breakerOpened(laneId: string, reason: string | null, untilMs: number): void;
  endpointDisabled(endpointId: string, reason: DisabledReason): void;
  claimLost(what: "run" | "lane" | "settlement", id: string): void;
  replayed(count: number, replayId: string | null): void;
  discarded(count: number, replayId: string): void;
  canceled(count: number, replayId: string): void;
  listenerClosed(why: string): void;
  workerRecovered(id: string, found: { runs: number; lanes: number }): void;
  repaired(
    what: "job" | "lane" | "replay" | "deletion" | "lease" | "run",
    ids: readonly string[],
  ): void;
  requestFinished(request: {
    method: string;
    route: string;
    status: number;
    durationMs: number;
    requestId: string;
    accountId: string | null;
  }): void;
  unexpectedError(error: unknown, fields: Record<string, unknown>): void;
}

export function createTelemetry(log: Logger, metrics: Metrics): Telemetry {
  const stats = createStatsCounters();
  return {
    log,
    metrics,
    stats,
    jobAccepted(job) {
      stats.count(job.account_id, null, [counterSlot("jobs.accepted")]);
      metrics.jobsAccepted.inc({ type: job.type });
      log.info("job accepted", jobFields(job));
    },
    runEnded(job, outcome, durationMs) {
      const labels = { type: job.type, outcome: outcomeLabel(outcome) };
      metrics.runSeconds.observe(labels, durationMs / 1000);
      log.debug("run ended", { ...jobFields(job), run: job.run, outcome, duration_ms: durationMs });
    },
    jobEnded(job) {
      metrics.jobsEnded.inc({ type: job.type, status: job.status });
      if (job.status !== "pending" && job.status !== "running") {
        stats.count(job.account_id, null, [counterSlot(`jobs.${job.status}`)]);
      }
      const { run, status, error_code } = job;
      log.info("job ended", {
        ...jobFields(job),
        run,
        status,
        ...(error_code === null ? {} : { error_code }),
      });
    },
    attemptMade(d, number, exchange, outcome) {
      metrics.attempts.inc({ outcome: outcome.kind, error_code: exchange.error?.code ?? "" });
      metrics.attemptSeconds.observe(exchange.durationMs / 1000);
      stats.count(d.account_id, d.endpoint_id, attemptSlots(d, exchange, outcome));
      if (number > 1) metrics.retries.inc();
      if (outcome.kind === "delivered" && d.job_id !== null) {
        const ended = exchange.startedAt.getTime() + exchange.durationMs;
        metrics.submitToDelivered.observe(Math.max(0, ended - idTime(d.job_id)) / 1000);
      }
      if (outcome.kind === "dead") metrics.deadLettered.inc({ reason: outcome.reason });
      if (!log.isLevelEnabled("info")) return;
      logOften(log, "attempt", {
        delivery_id: formatId("delivery", d.id),
        message_id: formatId("message", d.message_id),
        ...(d.job_id === null ? {} : { job_id: formatId("job", d.job_id) }),
        event_type: d.event_type,
        request_id: d.request_id,
        number,
        manual: d.manual,
        outcome: outcome.kind,
        status_code: exchange.statusCode,
        error_code: exchange.error?.code ?? null,
        remote_address: exchange.remoteAddress,
        duration_ms: Math.round(exchange.durationMs),
        ...(outcome.kind === "retry" ? { retry_in_ms: outcome.delayMs } : {}),
        ...(outcome.kind === "dead" ? { dead_reason: outcome.reason } : {}),
      });
    },
    endpointTested(delivery, { statusCode, error, durationMs }) {
      log.info("endpoint tested", {
        delivery_id: formatId("delivery", delivery.id),
        request_id: delivery.request_id,
        status_code: statusCode,
        error_code: error?.code ?? null,
        duration_ms: Math.round(durationMs),
      });
    },
    deliveryGivenUp(delivery, reason, detail) {
      metrics.deadLettered.inc({ reason });
      stats.count(delivery.account_id, delivery.endpoint_id, [counterSlot("deliveries.dead")]);
      log.info("delivery given up", {
        delivery_id: formatId("delivery", delivery.id),
        reason,
        detail,
      });
    },
    breakerOpened(laneId, reason, untilMs) {
      metrics.breakerOpened.inc();
      log.warn("breaker opened", {
        lane_id: formatId("lane", laneId),
        reason,
        until: new Date(untilMs).toISOString(),
      });
    },
    endpointDisabled(id, reason) {
      log.warn("endpoint disabled", { endpoint_id: formatId("endpoint", id), reason });
    },
    claimLost(what, id) {
      metrics.fenced.inc({ what });
      log.warn("claim lost", { what, id });
    },
    replayed(count, replayId) {
      metrics.replayed.inc(count);
      log.info("replayed", {
        count,
        ...(replayId === null ? {} : { replay_id: formatId("replay", replayId) }),
      });
    },
    discarded(count, replayId) {
      metrics.discarded.inc(count);
      log.info("discarded", { count, replay_id: formatId("replay", replayId) });
    },
    canceled(count, replayId) {
      metrics.canceled.inc(count);
      log.info("canceled", { count, replay_id: formatId("replay", replayId) });
    },
    listenerClosed(why) {
      metrics.listenersClosed.inc({ why });
      log.debug("listener closed", { why });
    },
    workerRecovered(id, found) {
      metrics.recoveries.inc();
      log.warn("worker recovered", { worker_id: formatId("worker", id), ...found });
    },
    repaired(what, ids) {
      metrics.repairs.inc({ what }, ids.length);
      log.warn("repaired", { what, count: ids.length, ids: ids.slice(0, 20) });
    },
    requestFinished({ method, route, status, durationMs, requestId, accountId }) {
      metrics.requests.observe({ method, route, status }, durationMs / 1000);
      log.debug("request", {
        method,
        route,
        status,
        duration_ms: Math.round(durationMs),
        request_id: requestId,
        account_id: accountId,
      });
    },
    unexpectedError(error, fields) {
      log.error("unexpected error", { ...fields, ...errorFields(error) });
    },
  };
}

function jobFields(job: JobFacts): Record<string, unknown> {
  return { job_id: formatId("job", job.id), type: job.type, request_id: job.request_id };
}

function attemptSlots(d: AttemptFacts, exchange: Exchange, outcome: Outcome): number[] {
  const slots = [
    counterSlot(attemptCounter(exchange.error === null ? exchange.statusCode : null)),
    durationSlot("response", exchange.durationMs),
  ];
  if (outcome.kind === "dead") slots.push(counterSlot("deliveries.dead"));
  if (outcome.kind === "delivered") {
    const ended = exchange.startedAt.getTime() + exchange.durationMs;
    slots.push(
      counterSlot("deliveries.delivered"),
      durationSlot("latency", ended - d.created_at.getTime()),
    );
  }
  return slots;
}
