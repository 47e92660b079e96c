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

/** Orders of a list. `worst`: what is held back first, then by backlog and dead letters. */
export const ENDPOINT_SORTS = ["created", "name", "worst"] as const;
export type EndpointSort = (typeof ENDPOINT_SORTS)[number];

/** The state of an endpoint's lane: that of the breaker, unless an admin or a 410 stopped it. */
export const LANE_STATUSES = ["closed", "open", "half_open", "paused", "disabled"] as const;

export interface LaneStatus {
  state: (typeof LANE_STATUSES)[number];
  reason: string | null;
  until: Date | null;
}

export interface Endpoint extends EndpointSettings {
  id: string;
  account_id: string;
  lane_id: string;
  state: EndpointState;
  disabled_reason: string | null;
  created_at: Date;
  updated_at: Date;
  breaker_failures: number;
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
