import { checkSubscribedEvent, isJobEvent, noneOfJobEvents } from "../core/event-names.ts";
import { DEFAULT_CALLBACK_EVENTS, type Callback } from "../core/model.ts";
import { REDACTED } from "../core/redact-headers.ts";
import { checkCustomHeaders, checkTargetUrl, type TargetRules } from "../core/targets.ts";
import type { Fault } from "./validation.ts";

/** The faults of a URL to be called, as far as they show without resolving its host. */
export function urlFaults(rules: TargetRules, url: string, path: PropertyKey[]): Fault[] {
  const check = checkTargetUrl(rules, url);
  return check.ok ? [] : [{ code: check.code, path, detail: check.detail }];
}

export function headerFaults(headers: Record<string, string>, path: PropertyKey[]): Fault[] {
  const redacted = Object.entries(headers).find(([, value]) => value === REDACTED)?.[0];
  const detail =
    redacted === undefined
      ? checkCustomHeaders(headers)
      : `${JSON.stringify(redacted)} needs its real value, not ${REDACTED}`;
  return detail === null ? [] : [{ code: "header_forbidden", path, detail }];
}

/** The events an endpoint may ask for: those of jobs, and any the account publishes itself. */
export function subscriptionFaults(events: readonly string[]): Fault[] {
  return events.flatMap((event, index) => {
    const fault = checkSubscribedEvent(event);
    return fault === null ? [] : [{ ...fault, path: ["events", index] }];
  });
}

/** Faults in the events of a callback, which may be events of jobs only. */
function callbackEventFaults(events: readonly string[], path: PropertyKey[]): Fault[] {
  return events.flatMap((event, index) =>
    isJobEvent(event)
      ? []
      : [
          {
            code: "event_unknown" as const,
            path: [...path, index],
            detail: noneOfJobEvents(event),
          },
        ],
  );
}

type CallbackInput = Omit<Callback, "events"> & { events?: string[] };

/**
 * The callbacks of a job as they are stored, and their faults. The one of `callback_url` comes
 * last, so that the others keep their index.
 */
export function planCallbacks(
  rules: TargetRules,
  callbacks: readonly CallbackInput[],
  callbackUrl: string | undefined,
): { callbacks: Callback[]; faults: Fault[] } {
  const faults = callbacks.flatMap((callback, index) => {
    const path = ["callbacks", index];
    return [
      ...(callback.url === undefined ? [] : urlFaults(rules, callback.url, [...path, "url"])),
      ...callbackEventFaults(callback.events ?? [], [...path, "events"]),
      ...headerFaults(callback.headers ?? {}, [...path, "headers"]),
    ];
  });
  const all = [...callbacks];
  if (callbackUrl !== undefined) {
    faults.unshift(...urlFaults(rules, callbackUrl, ["callback_url"]));
    all.push({ url: callbackUrl });
  }
  return {
    faults,
    callbacks: all.map((callback) => ({
      ...callback,
      events: [...new Set(callback.events ?? DEFAULT_CALLBACK_EVENTS)],
    })),
  };
}
