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

export const DEAD_REASONS = [
  "gone",
  "target_blocked",
  "final_status",
  "exhausted",
  "expired",
  "endpoint_disabled",
] as const;
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

/**
 * Exponential backoff: after failed attempt n wait min(cap_s, base_s · factor^(n−1)). Or a list of
 * waits, which stands in for the rest.
 */
export interface RetryPolicy {
  max_attempts: number;
  base_s: number;
  factor: number;
  cap_s: number;
  /** The wait after each failure; one attempt more than waits. */
  delays_s?: number[];
}

/** A receiver given with a job: a URL or an endpoint, and what it sets itself. */
export interface Callback {
  url?: string;
  endpoint_id?: string;
  /** Empty: all but job.progress. */
  events: string[];
  headers?: Record<string, string>;
  /** `whsec_…`, in place of its origin's. */
  secret?: string;
  retry?: Partial<RetryPolicy>;
  final_status?: number[];
  give_up_after_s?: number;
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
  /** The job that failed, in whose place this one was made. */
  retry_of: string | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  updated_at: Date;
}

/** A job as it is shown by itself. */
export interface ShownJob extends Job {
  /** JSON text. Null: it has none, or one that is too long to be shown with the job. */
  result: string | null;
}

/** Results up to this size ride in webhooks and with the job; larger ones are fetched from `result_url`. */
export const INLINE_RESULT_BYTES = 65_536;

/** Beyond this many bytes an input is left out of lists, which may have 200 jobs. */
export const MAX_LISTED_INPUT = 8_192;

/** The most event types that are listed. */
export const MAX_TYPES = 200;

/** The most deliveries or jobs that the report of a replay looks at. */
export const MAX_REPORTED = 100_000;

/** How many of the newest failed jobs are looked at for groups. */
export const MAX_FAILURES = 10_000;

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
  /** JSON text of an object. */
  metadata: string;
  request_id: string;
  created_at: Date;
}

/** A message as lists show it. */
export interface ListedMessage extends Omit<Message, "body"> {
  body_bytes: number;
  /** The body around the text that was looked for. */
  excerpt: string | null;
  /** Its deliveries by status, the first thousand of them. */
  counts: Record<DeliveryStatus, number>;
}

export interface Delivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  /** The endpoint's; of a deleted one the last. */
  endpoint_description: string | null;
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

/** Which deliveries a bulk replay takes. Times bound `created_at`, half-open. */
export interface ReplayFilter {
  ids?: string[];
  /** `skipped`: no delivery was made; for `send_missed`. */
  status: ReplayedStatus | "skipped";
  reason?: DeadReason;
  /** Null: those to callback URLs. */
  endpoint_id?: string | null;
  job_id?: string;
  event_type?: string;
  /** How the last attempt ended: any of these. */
  status_class?: StatusClass[];
  status_code?: number[];
  /** Of the last attempt, or of a failed job. */
  error_code?: string[];
  /** Of a failed job. */
  type?: string;
  since?: Date;
  until?: Date;
}

/** At most so many a second, from 1 at first, rising for `ramp_s`. */
export interface ReplayPace {
  per_s: number;
  ramp_s: number;
}

/** The first ones, after which the rest waits for their outcomes. */
export interface ReplayCanary {
  count: number;
  max_failed_percent: number;
}

/** Another receiver, to which copies are sent. */
export type ReplayDestination = { endpoint_id: string } | { url: string };

/** What fits a filter and can't be sent, as its endpoint takes nothing. */
export interface LeftOut {
  reason: "endpoint_disabled" | "endpoint_deleted";
  /** Null: of many endpoints together. */
  endpoint_id: string | null;
  count: number;
}

/** More ids of a filter are left out of lists, which may have 200 replays. */
export const MAX_LISTED_IDS = 50;

/** Deliveries, and jobs, that something can be done to by filter. */
export const REPLAYED_STATUSES = ["dead", "delivered", "pending", "failed"] as const;
export type ReplayedStatus = (typeof REPLAYED_STATUSES)[number];

/**
 * `discard`: dead letters leave the inbox instead of being sent again; `cancel`: pending deliveries
 * are not sent.
 */
export const REPLAY_ACTIONS = ["replay", "discard", "cancel"] as const;
/** `send_missed`: messages that an endpoint did not get, as it was disabled, are sent to it. */
export const ALL_REPLAY_ACTIONS = [...REPLAY_ACTIONS, "send_missed"] as const;
export type ReplayAction = (typeof ALL_REPLAY_ACTIONS)[number];

export const REPLAY_TARGETS = ["deliveries", "jobs"] as const;
export type ReplayTargets = (typeof REPLAY_TARGETS)[number];

export const REPLAY_ORDERS = ["oldest_first", "newest_first"] as const;
export type ReplayOrder = (typeof REPLAY_ORDERS)[number];

/** `stopped`: by its canary, or as there is nothing any more to send to. */
export const REPLAY_STATUSES = ["running", "paused", "stopped", "completed", "canceled"] as const;
export type ReplayStatus = (typeof REPLAY_STATUSES)[number];

export interface Replay {
  id: string;
  account_id: string;
  action: ReplayAction;
  target: ReplayTargets;
  /** Why they are discarded. */
  note: string | null;
  key_id: string | null;
  filter: ReplayFilter;
  dry_run: boolean;
  order: ReplayOrder;
  pace: ReplayPace | null;
  start_at: Date | null;
  /** Null: back to where they were sent before. */
  destination: ReplayDestination | null;
  canary: ReplayCanary | null;
  canary_passed_at: Date | null;
  status: ReplayStatus;
  /** Why it was stopped. */
  stopped_reason: string | null;
  matched: number;
  /** False: that many at least. */
  matched_exact: boolean;
  left_out: LeftOut[];
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
