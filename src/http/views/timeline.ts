import { formatId } from "../../core/ids.ts";
import type { Job } from "../../core/model.ts";
import { durationText } from "../../core/times.ts";
import type { TimelineAttempt, TimelineDelivery } from "../../db/jobs/timeline.ts";
import type { MayBeHeld } from "./held.ts";

export const TIMELINE_KINDS = [
  "accepted",
  "started",
  "run_started",
  "progress",
  "finished",
  "message",
  "delivery",
  "attempt",
  "next_attempt",
] as const;

interface Entry {
  at: Date;
  kind: (typeof TIMELINE_KINDS)[number];
  [field: string]: unknown;
}

/** The events of a job, in order of time; at the same time, in order of cause and effect. */
export function timelineView(
  job: Job,
  deliveries: readonly (TimelineDelivery & MayBeHeld)[],
  attempts: readonly TimelineAttempt[],
): Entry[] {
  const messages = [...new Map(deliveries.map((d) => [d.message_id, d])).values()];
  const byDelivery = new Map(deliveries.map((d) => [d.id, d]));
  const entries = [
    ...jobEntries(job),
    ...messages.map(messageEntry),
    ...deliveries.flatMap(deliveryEntries),
    ...attempts.map((attempt) => attemptEntry(attempt, byDelivery.get(attempt.delivery_id)!)),
  ];
  const rank = ({ kind }: Entry): number => TIMELINE_KINDS.indexOf(kind);
  return entries.sort((a, b) => a.at.getTime() - b.at.getTime() || rank(a) - rank(b));
}

function jobEntries(job: Job): Entry[] {
  const { started_at, run_started_at, progress_at, finished_at } = job;
  const entries: Entry[] = [{ at: job.created_at, kind: "accepted", title: job.type }];
  if (started_at !== null) {
    const waited = started_at.getTime() - job.created_at.getTime();
    entries.push({ at: started_at, kind: "started", detail: `waited ${durationText(waited)}` });
  }
  if (run_started_at !== null && job.run > 1) {
    entries.push({ at: run_started_at, kind: "run_started", run: job.run });
  }
  if (progress_at !== null) {
    const percent = `${Math.floor(job.progress_fraction * 100)} %`;
    const detail = job.progress_message === null ? percent : `${percent}: ${job.progress_message}`;
    entries.push({ at: progress_at, kind: "progress", run: job.run, detail });
  }
  if (finished_at !== null) {
    entries.push({
      at: finished_at,
      kind: "finished",
      outcome: job.status,
      run: job.run,
      duration_ms: started_at === null ? null : finished_at.getTime() - started_at.getTime(),
      error_code: job.error_code,
      detail: job.error_message,
    });
  }
  return entries;
}

function messageEntry({ created_at, message_id, event_type }: TimelineDelivery): Entry {
  const id = formatId("message", message_id);
  return { at: created_at, kind: "message", message_id: id, event_type };
}

function deliveryEntries(delivery: TimelineDelivery & MayBeHeld): Entry[] {
  const { created_at, finished_at, next_attempt_at, status, dead_reason, held } = delivery;
  const about = {
    message_id: formatId("message", delivery.message_id),
    event_type: delivery.event_type,
    delivery_id: formatId("delivery", delivery.id),
    url: delivery.url,
  };
  const entry: Entry = {
    at: created_at,
    kind: "delivery",
    ...about,
    outcome: status,
    ended_at: finished_at,
    duration_ms: finished_at === null ? null : finished_at.getTime() - created_at.getTime(),
    detail: dead_reason,
  };
  if (next_attempt_at === null) return [entry];
  const why = held === null ? {} : { outcome: "held", detail: held.detail };
  return [entry, { at: next_attempt_at, kind: "next_attempt", ...about, ...why }];
}

function attemptEntry(attempt: TimelineAttempt, delivery: TimelineDelivery): Entry {
  const { started_at, duration_ms } = attempt;
  return {
    at: started_at,
    kind: "attempt",
    message_id: formatId("message", delivery.message_id),
    event_type: delivery.event_type,
    delivery_id: formatId("delivery", attempt.delivery_id),
    url: attempt.url,
    attempt_number: attempt.number,
    ended_at: new Date(started_at.getTime() + duration_ms),
    duration_ms,
    status_code: attempt.status_code,
    error_code: attempt.error_code,
    detail: attempt.error_message,
  };
}
