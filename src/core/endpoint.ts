import { DEFAULT_RETRY } from "./backoff.ts";
import { SIGNATURE_VERSIONS } from "./model.ts";
import type { RetryPolicy, SignatureVersion } from "./model.ts";

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
  signatures: SignatureVersion[];
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
  signatures: [...SIGNATURE_VERSIONS] as SignatureVersion[],
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

/**
 * How an endpoint or a lane is: `failing` while its breaker is open or a probe is next, unless an
 * admin or a 410 stopped it.
 */
export const ENDPOINT_STATUSES = ["healthy", "failing", "paused", "disabled"] as const;
export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number];

/** The one rule of the status; `ENDPOINT_STATUS` in src/db/deliveries/lane-due.ts says the same. */
export function endpointStatus({
  state,
  breaker_until,
}: Pick<Endpoint, "state" | "breaker_until">): EndpointStatus {
  if (state !== "active") return state;
  return breaker_until === null ? "healthy" : "failing";
}

export interface Endpoint extends EndpointSettings {
  id: string;
  account_id: string;
  lane_id: string;
  state: EndpointState;
  disabled_reason: string | null;
  state_since: Date;
  created_at: Date;
  updated_at: Date;
  breaker_failures: number;
  breaker_since: Date | null;
  breaker_until: Date | null;
  breaker_reason: string | null;
}

/** Some fields of an object. */
export function pick<T extends object, Name extends keyof T>(
  from: T,
  names: readonly Name[],
): Pick<T, Name> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, Name>;
}
