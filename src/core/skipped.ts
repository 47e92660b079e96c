import type { Endpoint } from "./endpoint.ts";
import type { Job, JobEventType, Message, SealedCallback } from "./model.ts";
import { wantsEvent } from "./receivers.ts";

/** Why an endpoint has no delivery of a message, as far as its settings of today tell. */
export const SKIP_REASONS = [
  "created_later",
  "other_endpoint_tested",
  "callback_filter",
  "event_filter",
  "disabled",
  "changed_since",
  "unknown",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface Skip {
  reason: SkipReason;
  detail: string;
}

/** @param callbacks those of the message's job */
export function whySkipped(
  endpoint: Pick<Endpoint, "id" | "events" | "state" | "created_at" | "updated_at">,
  message: Pick<Message, "type" | "created_at">,
  callbacks: readonly SealedCallback[],
): Skip {
  const { events, state, created_at, updated_at } = endpoint;
  const { type } = message;
  if (created_at > message.created_at) {
    return skip("created_later", `It was registered later, at ${created_at.toISOString()}.`);
  }
  if (type === "endpoint.test") {
    return skip("other_endpoint_tested", "The test was sent to another endpoint.");
  }
  const named = callbacks.filter(({ endpoint_id }) => endpoint_id === endpoint.id);
  if (named.length > 0 && !named.some((callback) => wantsEvent(callback.events, type))) {
    return skip("callback_filter", `The job names it for other events than ${type}.`);
  }
  if (named.length === 0 && !wantsEvent(events, type)) {
    return skip("event_filter", `Its events, as they are set now, lack ${type}.`);
  }
  if (state === "disabled") return skip("disabled", "It is disabled now.");
  if (updated_at > message.created_at) {
    const at = updated_at.toISOString();
    return skip("changed_since", `It would get this as it is set now; it was changed at ${at}.`);
  }
  return skip("unknown", "It would get this as it is set now.");
}

function skip(reason: SkipReason, detail: string): Skip {
  return { reason, detail };
}

/** The events that a job has had, as far as its state tells. */
export function eventsOf(job: Pick<Job, "status" | "started_at" | "progress_at">): JobEventType[] {
  const { status } = job;
  return [
    ...(job.started_at === null ? [] : (["job.started"] as const)),
    ...(job.progress_at === null ? [] : (["job.progress"] as const)),
    ...(status === "pending" || status === "running" ? [] : ([`job.${status}`] as const)),
  ];
}
