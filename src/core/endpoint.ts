import { DEFAULT_GIVE_UP_AFTER_S, DEFAULT_RETRY } from "./backoff.ts";
import { SIGNATURE_VERSIONS } from "./model.ts";
import type { RetryPolicy, SignatureVersion } from "./model.ts";
import type { EndpointAudience, OperationalFormat } from "./operational-events.ts";

/** The settings of an endpoint: columns of `endpoints` of the same names. */
export interface EndpointSettings {
  url: string;
  description: string;
  /** Event types; empty: all. */
  events: string[];
  /** Custom headers as sealed JSON; null: none. */
  sealed_headers: string | null;
  ordered: boolean;
  max_in_flight: number;
  rate_limit_per_s: number | null;
  timeout_s: number;
  retry: RetryPolicy;
  /** Answers after which no attempt is made. */
  final_status: number[];
  /** The age at which a pending delivery is given up, also while nothing may be sent. */
  give_up_after_s: number;
  /** The time without a success after which the endpoint is disabled; null: never. */
  disable_after_s: number | null;
  signatures: SignatureVersion[];
  audience: EndpointAudience;
  /** Of the body, for operators. */
  format: OperationalFormat;
}

/** Settings that need not be given. */
export const ENDPOINT_DEFAULTS = {
  description: "",
  events: [] as string[],
  ordered: false,
  max_in_flight: 10,
  rate_limit_per_s: null as number | null,
  timeout_s: 15,
  retry: DEFAULT_RETRY,
  final_status: [] as number[],
  give_up_after_s: DEFAULT_GIVE_UP_AFTER_S,
  disable_after_s: 432_000 as number | null,
  signatures: [...SIGNATURE_VERSIONS] as SignatureVersion[],
  audience: "account" as EndpointAudience,
  format: "standard" as OperationalFormat,
} satisfies Partial<EndpointSettings>;

/** Names of the settings that are shown as they rest: all but the headers. */
export const SHOWN_SETTINGS = [
  "url",
  ...(Object.keys(ENDPOINT_DEFAULTS) as (keyof typeof ENDPOINT_DEFAULTS)[]),
] as const;

/** Names of all settings, in the order in which they are stored. */
export const ENDPOINT_SETTINGS = [
  "sealed_headers",
  ...SHOWN_SETTINGS,
] as const satisfies readonly (keyof EndpointSettings)[];

export const ENDPOINT_STATES = ["active", "paused", "disabled"] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** Orders of a list. `worst`: what is held back first, then by backlog and dead letters. */
export const ENDPOINT_SORTS = ["created", "name", "worst"] as const;
export type EndpointSort = (typeof ENDPOINT_SORTS)[number];

/**
 * How an endpoint or a lane is: `failing` while its breaker is not closed, or since its failures in a
 * row last, unless an admin or a 410 stopped it.
 */
export const ENDPOINT_STATUSES = ["healthy", "failing", "paused", "disabled"] as const;
export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number];

/** Why an endpoint is disabled: an answer of 410, failures for days, or an admin. */
export const DISABLED_REASONS = ["gone", "failing", "admin"] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** The reasons in words, for people. */
export const DISABLED_WORDS: Record<DisabledReason, string> = {
  gone: "the receiver answered 410 Gone",
  failing: "nothing succeeded for too long",
  admin: "it was asked for",
};

/** The one rule of the status; `ENDPOINT_STATUS` in src/db/deliveries/lane-due.ts says the same. */
export function endpointStatus({
  state,
  breaker_until,
  failing_since,
}: Pick<Endpoint, "state" | "breaker_until" | "failing_since">): EndpointStatus {
  if (state !== "active") return state;
  return breaker_until === null && failing_since === null ? "healthy" : "failing";
}

export interface Endpoint extends EndpointSettings {
  id: string;
  account_id: string;
  lane_id: string;
  state: EndpointState;
  disabled_reason: DisabledReason | null;
  state_since: Date;
  created_at: Date;
  updated_at: Date;
  breaker_failures: number;
  breaker_since: Date | null;
  breaker_until: Date | null;
  breaker_reason: string | null;
  /** The first of the failures in a row, and the time since which they make it failing. */
  failed_since: Date | null;
  failing_since: Date | null;
  /** To the minute. */
  last_success_at: Date | null;
  last_failure_at: Date | null;
  last_failure_status: number | null;
  last_failure_error: string | null;
  /** Messages that it did not get, as it was disabled, and the creation of the first. */
  skipped: number;
  skipped_since: Date | null;
}

/** Some fields of an object. */
export function pick<T extends object, Name extends keyof T>(
  from: T,
  names: readonly Name[],
): Pick<T, Name> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, Name>;
}
