import { JOB_EVENTS } from "./model.ts";
import { didYouMean } from "./nearest.ts";

/** Names of messages that only Ringback itself makes. */
export const RESERVED_PREFIXES = ["job.", "endpoint."] as const;

const NAME = /^[a-zA-Z0-9_.:-]{1,100}$/;

/** Whether an account may publish messages of this type. */
export function isReservedEvent(name: string): boolean {
  return RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

export function isJobEvent(name: string): boolean {
  return JOB_EVENTS.some((event) => event === name);
}

export function noneOfJobEvents(name: string): string {
  return `is none of ${JOB_EVENTS.join(", ")}.${didYouMean(name, JOB_EVENTS)}`.replace(/\.$/, "");
}

/** The fault of an event type in an endpoint's filter, or null. */
export function checkSubscribedEvent(
  name: string,
): { code: "event_unknown" | "event_reserved"; detail: string } | null {
  if (isJobEvent(name)) return null;
  if (name.startsWith("job.")) {
    return { code: "event_unknown", detail: noneOfJobEvents(name) };
  }
  if (isReservedEvent(name)) {
    return { code: "event_reserved", detail: "is sent by tests only and can't be subscribed to" };
  }
  if (!NAME.test(name)) {
    const detail = "must be 1 to 100 characters of A-Z a-z 0-9 _ . : -";
    return { code: "event_unknown", detail };
  }
  return null;
}
