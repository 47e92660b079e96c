import type { ExchangeErrorCode } from "./exchange.ts";
import type { PortalSession } from "./portal.ts";
/** The rows of the database as the program sees them. Ids are plain UUIDs, times are Dates. */

export const JOB_STATUSES = ["pending", "running", "completed", "failed", "canceled"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const DELIVERY_STATUSES = ["pending", "delivered", "dead", "canceled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How an attempt ended: in an answer of this class, or in none. */
export const STATUS_CLASSES = ["2xx", "3xx", "4xx", "5xx", "error"] as const;
export type StatusClass = (typeof STATUS_CLASSES)[number];

export const DEAD_REASONS = ["gone", "target_blocked", "exhausted", "endpoint_disabled"] as const;
export type DeadReason = (typeof DEAD_REASONS)[number];

export const JOB_EVENTS = [
  "job.started",
  "job.progress",
  "job.completed",
  "job.failed",
  "job.canceled",
] as const;
export type JobEventType = (typeof JOB_EVENTS)[number];
/** The events of a callback that names none. */
export const DEFAULT_CALLBACK_EVENTS: readonly JobEventType[] = [
  "job.completed",
  "job.failed",
  "job.canceled",
];

/** Signatures of a webhook by their names in Standard Webhooks: HMAC-SHA256 and Ed25519. */
export const SIGNATURE_VERSIONS = ["v1", "v1a"] as const;
export type SignatureVersion = (typeof SIGNATURE_VERSIONS)[number];

/** Exponential backoff: after failed attempt n wait min(cap_s, base_s · factor^(n−1)). */
export interface RetryPolicy {
  max_attempts: number;
  base_s: number;
  factor: number;
  cap_s: number;
}

/** A receiver given with a job: a URL or an endpoint, and what it sets itself. */
export interface Callback {
  url?: string;
  endpoint_id?: string;
  /** Empty: all. */
  events: string[];
  headers?: Record<string, string>;
  /** `whsec_…`, in place of its origin's. */
  secret?: string;
  retry?: Partial<RetryPolicy>;
  timeout_s?: number;
  signatures?: SignatureVersion[];
  ordered?: boolean;
}

/** A callback as it rests. */
export interface SealedCallback extends Omit<Callback, "headers" | "secret"> {
  /** Of the headers as JSON; see core/sealed.ts. */
  sealed_headers?: string;
  sealed_secret?: string;
}

export interface Job {
  id: string;
  account_id: string;
  type: string;
  status: JobStatus;
  /** JSON text, as posted but for whitespace between tokens. */
  input: string;
  /** JSON text of an object, as posted. */
  metadata: string;
  callbacks: SealedCallback[];
  timeout_s: number;
  run: number;
  progress_fraction: number;
  progress_message: string | null;
  /** JSON text. */
  progress_data: string | null;
  progress_at: Date | null;
  run_started_at: Date | null;
  cancel_requested_at: Date | null;
  error_code: string | null;
  error_message: string | null;
  request_id: string;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  updated_at: Date;
}

/** Beyond this many bytes an input is left out of lists, which may have 200 jobs. */
export const MAX_LISTED_INPUT = 8_192;

/** The longest list that has no pages. */
export const MAX_UNPAGED = 1_000;

/** A job as lists show it. */
export interface ListedJob extends Omit<Job, "input"> {
  /** Null: it is too long for a list. */
  input: string | null;
  input_bytes: number;
}

export interface Message {
  id: string;
  account_id: string;
  job_id: string | null;
  type: string;
  /** The exact bytes that are sent, as text. */
  body: string;
  created_at: Date;
}

export interface Delivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  url: string;
  status: DeliveryStatus;
  attempt_count: number;
  next_attempt_at: Date | null;
  created_at: Date;
  finished_at: Date | null;
  dead_reason: DeadReason | null;
  dead_detail: string | null;
  last_status_code: number | null;
  last_error_code: ExchangeErrorCode | null;
  /** Out of the inbox of dead letters: since when, by the holder of which API key, and why. */
  discarded_at: Date | null;
  discarded_by: string | null;
  discard_note: string | null;
}

export interface Attempt {
  id: string;
  delivery_id: string;
  number: number;
  url: string;
  remote_address: string | null;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  error_code: ExchangeErrorCode | null;
  error_message: string | null;
  request_headers: Record<string, string>;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  response_truncated: boolean;
  manual: boolean;
}

/** What becomes of a lane's deliveries: sent, held back by the breaker or by an admin, or given up. */
export const LANE_STATES = ["ok", "broken", "paused", "disabled"] as const;
export type LaneState = (typeof LANE_STATES)[number];

/** Which deliveries a bulk replay takes. Times bound `created_at`, half-open. */
export interface ReplayFilter {
  ids?: string[];
  status: ReplayedStatus;
  reason?: DeadReason;
  endpoint_id?: string;
  job_id?: string;
  event_type?: string;
  since?: Date;
  until?: Date;
}

/** More ids of a filter are left out of lists, which may have 200 replays. */
export const MAX_LISTED_IDS = 50;

/** Deliveries that something can be done to by filter. */
export const REPLAYED_STATUSES = ["dead", "delivered", "pending"] as const;
export type ReplayedStatus = (typeof REPLAYED_STATUSES)[number];

/**
 * `discard`: dead letters leave the inbox instead of being sent again; `cancel`: pending deliveries
 * are not sent.
 */
export const REPLAY_ACTIONS = ["replay", "discard", "cancel"] as const;
export type ReplayAction = (typeof REPLAY_ACTIONS)[number];

export interface Replay {
  id: string;
  account_id: string;
  action: ReplayAction;
  /** Why they are discarded. */
  note: string | null;
  key_id: string | null;
  filter: ReplayFilter;
  dry_run: boolean;
  status: "running" | "completed" | "canceled";
  matched: number;
  /** False: that many at least. */
  matched_exact: boolean;
  replayed: number;
  created_at: Date;
  finished_at: Date | null;
}

/** `operator` is for what all accounts share. core/scopes.ts says which implies which. */
export const SCOPES = [
  "jobs:read",
  "jobs",
  "webhooks:read",
  "webhooks",
  "admin:read",
  "admin",
  "operator",
] as const;
export type Scope = (typeof SCOPES)[number];

export const ACTOR_TYPES = ["api_key", "console", "portal", "system"] as const;

/** Who does something, as the audit log names them. */
export interface Actor {
  type: (typeof ACTOR_TYPES)[number];
  /** The API key, also of a session of the console; the portal session of a partner. */
  id: string | null;
  name: string;
}

/** Whom a request acts for, and what it may do. */
export interface Principal {
  accountId: string;
  /** The API key that it stands on: when that is revoked, it ends. */
  keyId: string;
  /** The session of the console, when it is signed in there. */
  sessionId: string | null;
  scopes: readonly Scope[];
  /** The only endpoints that it sees; null: all of the account. */
  endpointIds: readonly string[] | null;
  /** What its portal session lets it do; null: it has none, and its scopes say. */
  portal: Pick<PortalSession, "permissions" | "event_types"> | null;
  /** The account is suspended: nothing may be changed. */
  suspended: boolean;
  actor: Actor;
}

/** A response kept for an idempotency key, replayed byte for byte. */
export interface StoredResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}
