import type { EndpointAudience } from "./operational-events.ts";
import type { RetryPolicy, SealedCallback, SignatureVersion } from "./model.ts";

/** The part of an endpoint that decides whether it receives a message. */
export interface Subscriber {
  id: string;
  laneId: string;
  description: string;
  url: string;
  /** Empty: all but job.progress. */
  events: string[];
  /** Nothing is made for it, and what it misses is counted. */
  disabled: boolean;
  audience: EndpointAudience;
}

/** Settings that a callback gives for its own deliveries. */
export interface DeliveryOverrides {
  sealed_headers?: string;
  sealed_secret?: string;
  retry?: Partial<RetryPolicy>;
  final_status?: number[];
  give_up_after_s?: number;
  timeout_s?: number;
  signatures?: SignatureVersion[];
}

/** A receiver of one message, and where its delivery goes. */
export type PlannedReceiver =
  | {
      kind: "endpoint";
      endpointId: string;
      laneId: string;
      description: string;
      url: string;
      disabled: boolean;
    }
  | {
      kind: "url";
      url: string;
      origin: string;
      ordered: boolean;
      overrides: DeliveryOverrides | null;
    };

/** Empty means all but job.progress, which would drown the others. */
export function wantsEvent(events: readonly string[], type: string): boolean {
  return events.includes(type) || (events.length === 0 && type !== "job.progress");
}

/**
 * The receivers of a message: the callbacks of its job and the endpoints of the account that want
 * its type. A callback that names an endpoint replaces that endpoint's own filter for this job,
 * so an endpoint gets a message at most once.
 */
export function planReceivers(
  type: string,
  callbacks: readonly SealedCallback[],
  subscribers: readonly Subscriber[],
): PlannedReceiver[] {
  const receivers: PlannedReceiver[] = [];
  const named = new Map<string, boolean>();
  for (const callback of callbacks) {
    const wanted = wantsEvent(callback.events, type);
    if (callback.endpoint_id !== undefined) {
      named.set(callback.endpoint_id, wanted || (named.get(callback.endpoint_id) ?? false));
    } else if (wanted && callback.url !== undefined) {
      receivers.push({
        kind: "url",
        url: callback.url,
        origin: new URL(callback.url).origin,
        ordered: callback.ordered ?? false,
        overrides: overridesOf(callback),
      });
    }
  }
  for (const { id, laneId, description, url, events, audience, disabled } of subscribers) {
    if (named.get(id) ?? (audience === "account" && wantsEvent(events, type))) {
      receivers.push({ kind: "endpoint", endpointId: id, laneId, description, url, disabled });
    }
  }
  return receivers;
}

function overridesOf(callback: SealedCallback): DeliveryOverrides | null {
  const overrides: DeliveryOverrides = {};
  const { sealed_headers, sealed_secret } = callback;
  if (sealed_headers !== undefined) overrides.sealed_headers = sealed_headers;
  if (sealed_secret !== undefined) overrides.sealed_secret = sealed_secret;
  if (callback.retry !== undefined) overrides.retry = callback.retry;
  if (callback.final_status !== undefined) overrides.final_status = callback.final_status;
  if (callback.give_up_after_s !== undefined) overrides.give_up_after_s = callback.give_up_after_s;
  if (callback.timeout_s !== undefined) overrides.timeout_s = callback.timeout_s;
  if (callback.signatures !== undefined) overrides.signatures = callback.signatures;
  return Object.keys(overrides).length === 0 ? null : overrides;
}
