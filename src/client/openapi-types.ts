// Made from the OpenAPI document by `npm run generate`. Do not edit.

export interface Operations {
  "POST /v1/jobs": {
    body: JobInput;
    answer: Job;
  };
  "GET /v1/jobs": {
    query: {
      status?: "pending" | "running" | "completed" | "failed" | "canceled";
      type?: string;
      /** Created at this time or later */
      since?: string;
      /** Created before this time */
      until?: string;
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Job[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/jobs/{id}": {
    answer: Job;
  };
  "POST /v1/jobs/{id}/cancel": {
    body: Empty;
    answer: Job;
  };
  "GET /v1/jobs/{id}/status": {
    answer: Job;
  };
  "GET /v1/jobs/{id}/result": {
    /** Fits the job type's result schema */
    answer: unknown;
  };
  "GET /v1/jobs/{id}/deliveries": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Delivery[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/job-types": {
    answer: {
      data: JobType[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "POST /v1/messages": {
    body: MessageInput;
    answer: Message;
  };
  "POST /v1/messages/batch": {
    body: MessageLine[];
    answer: MessageLineAnswer[];
  };
  "GET /v1/messages/{id}": {
    answer: Message;
  };
  "GET /v1/deliveries": {
    query: {
      status?: "pending" | "delivered" | "dead" | "canceled";
      /** A `ep_…` id */
      endpoint_id?: string;
      /** A `job_…` id */
      job_id?: string;
      /** A `msg_…` id */
      message_id?: string;
      event_type?: string;
      /** Of the last attempt; `error`: it got no usable answer */
      status_class?: "2xx" | "3xx" | "4xx" | "5xx" | "error";
      /** Of the last attempt */
      error_code?:
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable";
      min_attempts?: number;
      /** Created at this time or later */
      since?: string;
      /** Created before this time */
      until?: string;
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Delivery[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/deliveries/{id}": {
    answer: DeliveryWithAttempts;
  };
  "GET /v1/deliveries/{id}/attempts": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Attempt[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "POST /v1/deliveries/{id}/replay": {
    body: Empty;
    answer: Delivery;
  };
  "GET /v1/dead-letters": {
    query: {
      reason?: "gone" | "target_blocked" | "exhausted" | "endpoint_disabled";
      /** A `ep_…` id */
      endpoint_id?: string;
      /** A `job_…` id */
      job_id?: string;
      event_type?: string;
      /** Created at this time or later */
      since?: string;
      /** Created before this time */
      until?: string;
      /** Those that were discarded instead */
      discarded?: "true" | "false";
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Delivery[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/dead-letters/groups": {
    query: {
      by: "reason" | "endpoint";
      reason?: "gone" | "target_blocked" | "exhausted" | "endpoint_disabled";
      /** A `ep_…` id */
      endpoint_id?: string;
      /** A `job_…` id */
      job_id?: string;
      event_type?: string;
      /** Created at this time or later */
      since?: string;
      /** Created before this time */
      until?: string;
    };
    answer: {
      data: DeadLetterGroup[];
    };
  };
  "POST /v1/replays": {
    body: ReplayInput;
    answer: Replay;
  };
  "GET /v1/replays": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Replay[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/replays/{id}": {
    answer: Replay;
  };
  "POST /v1/replays/{id}/cancel": {
    body: Empty;
    answer: Replay;
  };
  "POST /v1/endpoints": {
    body: EndpointInput;
    answer: EndpointWithSecret;
  };
  "GET /v1/endpoints": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Endpoint[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/endpoints/{id}": {
    answer: Endpoint;
  };
  "PATCH /v1/endpoints/{id}": {
    body: EndpointChanges;
    answer: Endpoint;
  };
  "DELETE /v1/endpoints/{id}": {
    answer: undefined;
  };
  "POST /v1/endpoints/{id}/pause": {
    body: Empty;
    answer: Endpoint;
  };
  "POST /v1/endpoints/{id}/resume": {
    body: Empty;
    answer: Endpoint;
  };
  "POST /v1/endpoints/{id}/enable": {
    body: Empty;
    answer: Endpoint;
  };
  "POST /v1/endpoints/{id}/test": {
    body: Empty;
    answer: Delivery;
  };
  "GET /v1/endpoints/{id}/secret": {
    answer: Secret;
  };
  "POST /v1/endpoints/{id}/rotate-secret": {
    body: Rotation;
    answer: RotatedSecret;
  };
  "GET /v1/signing-key": {
    answer: SigningKeys;
  };
  "POST /v1/signing-key/rotate": {
    body: KeyRotation;
    answer: SigningKeys;
  };
  "GET /v1/signing-secret": {
    query: {
      /** `https://host[:port]`, or a whole callback URL, of which that part counts */
      origin: string;
    };
    answer: OriginSecret;
  };
  "POST /v1/signing-secret/rotate": {
    body: AccountRotation;
    answer: AccountRotated;
  };
  "GET /v1/accounts/{account_id}/jwks.json": {
    answer: Jwks;
  };
  "GET /v1/jobs/{id}/timeline": {
    answer: {
      data: TimelineEntry[];
    };
  };
  "GET /v1/activity": {
    query: {
      /** Only these; `job.*` names all of jobs */
      types?: string;
      /** As the header `last-event-id`, for those who can't set it */
      last_event_id?: string;
    };
    answer: undefined;
  };
  "GET /v1/jobs/{id}/activity": {
    query: {
      /** Only these; `job.*` names all of jobs */
      types?: string;
      /** As the header `last-event-id`, for those who can't set it */
      last_event_id?: string;
    };
    answer: undefined;
  };
  "GET /v1/overview": {
    answer: Overview;
  };
  "GET /v1/workers": {
    answer: {
      data: Worker[];
    };
  };
  "GET /v1/lanes": {
    query: {
      state?: "ok" | "broken" | "paused" | "disabled";
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Lane[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/stats": {
    query: {
      /** Default: an hour before `until` */
      since?: string;
      /** Default: now */
      until?: string;
      /** Seconds per point; at most 1500 points */
      step_s?: "60" | "300" | "3600" | "86400";
      /** A `ep_…` id */
      endpoint_id?: string;
    };
    answer: Stats;
  };
  "GET /v1/accounts": {
    query: {
      /** Default: all but `deleted` */
      state?: "active" | "suspended" | "deleting" | "deleted";
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: Account[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "POST /v1/accounts": {
    body: AccountInput;
    answer: Account;
  };
  "GET /v1/accounts/{id}": {
    answer: Account;
  };
  "PATCH /v1/accounts/{id}": {
    body: AccountChanges;
    answer: Account;
  };
  "DELETE /v1/accounts/{id}": {
    answer: Account;
  };
  "POST /v1/accounts/{id}/api-keys": {
    body: ApiKeyInput;
    answer: ApiKeyWithText;
  };
  "GET /v1/api-keys": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: ApiKey[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "POST /v1/api-keys": {
    body: ApiKeyInput;
    answer: ApiKeyWithText;
  };
  "DELETE /v1/api-keys/{id}": {
    answer: undefined;
  };
  "GET /v1/audit-events": {
    query: {
      /** The `key_…` of whoever did it, the `ptl_…` of a partner, or `system` */
      actor?: string;
      action?:
        | "account.created"
        | "account.renamed"
        | "account.suspended"
        | "account.resumed"
        | "account.deletion_started"
        | "account.deleted"
        | "api_key.created"
        | "api_key.revoked"
        | "console.signed_in"
        | "console.signed_out"
        | "dead_letters.discarded"
        | "deliveries.canceled"
        | "delivery.replayed"
        | "endpoint.created"
        | "endpoint.updated"
        | "endpoint.deleted"
        | "endpoint.paused"
        | "endpoint.resumed"
        | "endpoint.enabled"
        | "portal_session.created"
        | "portal_session.revoked"
        | "replay.created"
        | "replay.canceled"
        | "secret.rotated"
        | "signing_key.rotated";
      /** The id of what was changed */
      target?: string;
      /** At this time or later */
      since?: string;
      /** Before this time */
      until?: string;
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: AuditEvent[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "GET /v1/audit-events/export": {
    query: {
      /** The `key_…` of whoever did it, the `ptl_…` of a partner, or `system` */
      actor?: string;
      action?:
        | "account.created"
        | "account.renamed"
        | "account.suspended"
        | "account.resumed"
        | "account.deletion_started"
        | "account.deleted"
        | "api_key.created"
        | "api_key.revoked"
        | "console.signed_in"
        | "console.signed_out"
        | "dead_letters.discarded"
        | "deliveries.canceled"
        | "delivery.replayed"
        | "endpoint.created"
        | "endpoint.updated"
        | "endpoint.deleted"
        | "endpoint.paused"
        | "endpoint.resumed"
        | "endpoint.enabled"
        | "portal_session.created"
        | "portal_session.revoked"
        | "replay.created"
        | "replay.canceled"
        | "secret.rotated"
        | "signing_key.rotated";
      /** The id of what was changed */
      target?: string;
      /** At this time or later */
      since?: string;
      /** Before this time */
      until?: string;
      format?: "csv" | "ndjson";
    };
    answer: undefined;
  };
  "POST /v1/portal-sessions": {
    body: PortalSessionInput;
    answer: PortalSessionWithUrl;
  };
  "GET /v1/portal-sessions": {
    query: {
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: PortalSession[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
    };
  };
  "DELETE /v1/portal-sessions/{id}": {
    answer: undefined;
  };
  "GET /v1/portal-session": {
    answer: PortalSession;
  };
  "GET /v1/settings": {
    answer: Settings;
  };
}
export interface JobInput {
  /** Name of a job type */
  type: string;
  /** Anything the job type's input schema accepts; kept as posted, digit by digit */
  input: unknown;
  /** Short for one more callback with the default events */
  callback_url?: string;
  /** @maxItems 20 */
  callbacks?: CallbackInput[];
  /** Longest a run may take; the job type's own limit by default */
  timeout_s?: number;
  /** Yours; comes back as posted with the job and each of its events. At most 16 KiB, whitespace between tokens aside. */
  metadata?: {
    [k: string]: unknown;
  };
}
/** A receiver: a URL, or a registered endpoint whose own settings apply and whose event filter is replaced for this job. Exactly one of `url` and `endpoint_id`. */
export interface CallbackInput {
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url?: string;
  /** A `ep_…` id */
  endpoint_id?: string;
  /**
   * Of job.started, job.progress, job.completed, job.failed, job.canceled. Empty: all. Left out: job.completed, job.failed, job.canceled.
   * @maxItems 50
   */
  events?: string[];
  /** Custom headers of each request, at most 20. Names that begin with `webhook-` and those the service sets itself are refused. */
  headers?: {
    [k: string]: string;
  };
  /** Signs `v1` in place of the secret of the URL's origin; `whsec_` and the base64 of 24 to 64 bytes. Never shown again. */
  secret?: string;
  retry?: RetryPolicyInput;
  /** Seconds for a whole exchange, body included; 15 by default */
  timeout_s?: number;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures?: ("v1" | "v1a")[];
  /** One at a time, in order of events */
  ordered?: boolean;
}
/** What is left out keeps its default */
export interface RetryPolicyInput {
  /** Attempts before it is a dead letter */
  max_attempts?: number;
  /** Wait after the first failure */
  base_s?: number;
  /** Growth per further failure */
  factor?: number;
  /** Longest wait */
  cap_s?: number;
}
export interface Job {
  id: string;
  type: string;
  status: "pending" | "running" | "completed" | "failed" | "canceled";
  /** As posted. Left out in lists when it has more than 8192 bytes */
  input?: unknown;
  /** Length of the input as JSON text */
  input_bytes: number;
  metadata: {
    [k: string]: unknown;
  };
  progress: {
    fraction: number;
    message: string | null;
    /** Intermediate results */
    data?: unknown;
  };
  /** When it will end if it goes on at its pace so far */
  eta: string | null;
  /** How many times it was started */
  run: number;
  timeout_s: number;
  /** Set once completed */
  result_url: string | null;
  /** Set once failed or canceled */
  error: {
    code: string;
    message: string;
  } | null;
  callbacks: Callback[];
  request_id: string;
  cancel_requested_at: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  urls: {
    self: string;
    status: string;
    result: string;
    cancel: string;
    deliveries: string;
  };
}
export interface Callback {
  url?: string;
  endpoint_id?: string;
  events: string[];
  /** Values that look like credentials are shown as `[redacted]` */
  headers?: {
    [k: string]: string;
  };
  retry?: {
    max_attempts?: number;
    base_s?: number;
    factor?: number;
    cap_s?: number;
  };
  timeout_s?: number;
  signatures?: ("v1" | "v1a")[];
  ordered?: boolean;
  /** What signs `v1` of the calls to this URL; absent when nothing does */
  signing?: {
    /** That of the URL's origin, or the one that was given with the callback */
    secret: "origin" | "own";
    /** Where that of the origin is read, with a key of the scope `webhooks` */
    secret_url?: string;
  };
}
export interface Empty {}
export interface Delivery {
  id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  url: string;
  status: "pending" | "delivered" | "dead" | "canceled";
  attempt_count: number;
  /** Of the last attempt */
  last_status_code: number | null;
  last_error_code:
    | (
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable"
      )
    | null;
  next_attempt_at: string | null;
  created_at: string;
  finished_at: string | null;
  dead_reason: ("gone" | "target_blocked" | "exhausted" | "endpoint_disabled") | null;
  dead_detail: string | null;
  /** Taken out of the inbox of dead letters, by the holder of this API key */
  discarded: {
    at: string;
    by: string;
    note: string;
  } | null;
}
export interface JobType {
  name: string;
  description: string | null;
  timeout_s: number;
  max_runs: number;
  /** JSON Schema 2020-12 */
  input_schema: {
    [k: string]: unknown;
  };
  /** JSON Schema 2020-12 */
  result_schema: {
    [k: string]: unknown;
  };
}
export interface MessageInput {
  type: string;
  /** The `data` of the webhook, as posted but for whitespace between tokens */
  data: {
    [k: string]: unknown;
  };
}
export interface Message {
  id: string;
  type: string;
  job_id: string | null;
  timestamp: string;
  /** The exact text that is signed and sent */
  body: string;
  deliveries: Delivery[];
}
export interface MessageLine {
  type: string;
  /** The `data` of the webhook, as posted but for whitespace between tokens */
  data: {
    [k: string]: unknown;
  };
  /** The line with the same key again answers as the first time, for 24 hours, as an `Idempotency-Key` does */
  idempotency_key?: string;
}
export interface MessageLineAnswer {
  /** Counted from 1; empty lines are not counted */
  line: number;
  /** 202: published; else that of the problem */
  status: number;
  id?: string;
  /** How many endpoints it goes to */
  deliveries?: number;
  /** This is the answer to an earlier line with the same key */
  replayed?: true;
  problem?: Problem;
}
export interface Problem {
  /** `/problems/{code}`, relative to the origin */
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable; decide by this one */
  code:
    | "body_not_json"
    | "body_too_deep"
    | "body_forbidden_text"
    | "body_forbidden_key"
    | "body_too_large"
    | "body_interrupted"
    | "content_type_unsupported"
    | "content_encoding_unsupported"
    | "validation_failed"
    | "query_invalid"
    | "cursor_invalid"
    | "id_invalid"
    | "path_invalid"
    | "unauthenticated"
    | "scope_missing"
    | "account_suspended"
    | "endpoint_bound"
    | "csrf_failed"
    | "sign_in_limited"
    | "not_found"
    | "method_not_allowed"
    | "job_type_unknown"
    | "input_invalid"
    | "callback_url_invalid"
    | "callback_url_userinfo"
    | "target_blocked"
    | "header_forbidden"
    | "event_unknown"
    | "event_reserved"
    | "endpoint_unknown"
    | "job_finished"
    | "job_not_completed"
    | "endpoint_state"
    | "delivery_state"
    | "replay_finished"
    | "account_name_taken"
    | "account_state"
    | "last_admin_key"
    | "activity_id_invalid"
    | "idempotency_key_invalid"
    | "idempotency_key_reused"
    | "idempotency_in_progress"
    | "unavailable"
    | "internal";
  /** The path of the request */
  instance: string;
  request_id: string;
  errors?: {
    /** JSON pointer into the body */
    pointer?: string;
    /** Name in the path or the query */
    parameter?: string;
    detail: string;
  }[];
  job_error?: {
    code: string;
    message: string;
  };
}
export interface DeliveryWithAttempts {
  id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  url: string;
  status: "pending" | "delivered" | "dead" | "canceled";
  attempt_count: number;
  /** Of the last attempt */
  last_status_code: number | null;
  last_error_code:
    | (
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable"
      )
    | null;
  next_attempt_at: string | null;
  created_at: string;
  finished_at: string | null;
  dead_reason: ("gone" | "target_blocked" | "exhausted" | "endpoint_disabled") | null;
  dead_detail: string | null;
  /** Taken out of the inbox of dead letters, by the holder of this API key */
  discarded: {
    at: string;
    by: string;
    note: string;
  } | null;
  /** Leads to older ones: a `cursor` of the list of attempts; null: these are all */
  attempts_cursor: string | null;
  /** The last ones, in order of their numbers */
  attempts: Attempt[];
}
export interface Attempt {
  id: string;
  number: number;
  url: string;
  /** The address that was dialled */
  remote_address: string | null;
  started_at: string;
  duration_ms: number;
  status_code: number | null;
  error_code:
    | (
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable"
      )
    | null;
  error_message: string | null;
  /** As sent; of custom headers the names alone, with `[redacted]` for each value */
  request_headers: {
    [k: string]: string;
  };
  response_headers: {
    [k: string]: string;
  } | null;
  /** The first 16 KiB */
  response_body: string | null;
  response_truncated: boolean;
  /** Ordered by a replay */
  manual: boolean;
}
export interface DeadLetterGroup {
  reason: ("gone" | "target_blocked" | "exhausted" | "endpoint_disabled") | null;
  endpoint_id: string | null;
  count: number;
  /** There are more: counting stops at 10,000 */
  more: boolean;
  /** Of those that were counted, the newest first */
  oldest_at: string;
  newest_at: string;
}
export interface ReplayInput {
  /** Deliveries that fit all of it; empty: every dead letter */
  filter: {
    /**
     * @minItems 1
     * @maxItems 10000
     * Items: A `dlv_…` id
     */
    ids?: string[];
    status?: "dead" | "delivered" | "pending";
    reason?: "gone" | "target_blocked" | "exhausted" | "endpoint_disabled";
    /** A `ep_…` id */
    endpoint_id?: string;
    /** A `job_…` id */
    job_id?: string;
    event_type?: string;
    /** Created at this time or later */
    since?: string;
    /** Created before this time */
    until?: string;
  };
  /** Count only */
  dry_run?: boolean;
  /** `discard`: dead letters leave the inbox. They stay dead and in the books, with the note; a replay by their ids sends them after all. `cancel`: pending deliveries are not sent; `filter.status` must be `pending`. */
  action?: "replay" | "discard" | "cancel";
  /** Why they are discarded; required then */
  note?: string;
}
export interface Replay {
  id: string;
  action: "replay" | "discard" | "cancel";
  note: string | null;
  status: "running" | "completed" | "canceled";
  filter: {
    ids?: string[];
    status: "dead" | "delivered" | "pending";
    reason?: "gone" | "target_blocked" | "exhausted" | "endpoint_disabled";
    endpoint_id?: string;
    job_id?: string;
    event_type?: string;
    since?: string;
    until?: string;
  };
  dry_run: boolean;
  matched: number;
  /** False: that many at least, as there were more than can be counted at once; exact at the end */
  matched_exact: boolean;
  /** Sent again, discarded or canceled */
  replayed: number;
  created_at: string;
  finished_at: string | null;
}
export interface EndpointInput {
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url: string;
  description?: string;
  /**
   * Empty: all. Names that begin with job. or endpoint. are Ringback's own.
   * @maxItems 50
   */
  events?: string[];
  /** Custom headers of each request, at most 20. Names that begin with `webhook-` and those the service sets itself are refused. */
  headers?: {
    [k: string]: string;
  };
  /** One delivery at a time, each after the one before it has ended */
  ordered?: boolean;
  /** Deliveries under way at once */
  max_in_flight?: number;
  rate_limit_per_s?: number | null;
  /** Seconds for a whole exchange, body included; 15 by default */
  timeout_s?: number;
  retry?: RetryPolicyInput;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures?: ("v1" | "v1a")[];
  /** `whsec_` and the base64 of 24 to 64 bytes; made when left out */
  secret?: string;
}
export interface EndpointWithSecret {
  id: string;
  url: string;
  description: string;
  /** Empty: all */
  events: string[];
  /** Values that look like credentials are shown as `[redacted]` */
  headers: {
    [k: string]: string;
  };
  /** One delivery at a time, each after the one before it has ended */
  ordered: boolean;
  /** Deliveries under way at once */
  max_in_flight: number;
  rate_limit_per_s: number | null;
  /** Seconds for a whole exchange, body included; 15 by default */
  timeout_s: number;
  retry: RetryPolicy;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures: ("v1" | "v1a")[];
  state: "active" | "paused" | "disabled";
  disabled_reason: string | null;
  lane: LaneStatus;
  created_at: string;
  updated_at: string;
  /** `whsec_` and base64 */
  secret: string;
}
export interface RetryPolicy {
  /** Attempts before it is a dead letter */
  max_attempts: number;
  /** Wait after the first failure */
  base_s: number;
  /** Growth per further failure */
  factor: number;
  /** Longest wait */
  cap_s: number;
}
export interface LaneStatus {
  /** `closed`: sending. `open`: the breaker holds everything back. `half_open`: the next attempt is a probe. */
  state: "closed" | "open" | "half_open" | "paused" | "disabled";
  reason: string | null;
  until: string | null;
}
export interface Endpoint {
  id: string;
  url: string;
  description: string;
  /** Empty: all */
  events: string[];
  /** Values that look like credentials are shown as `[redacted]` */
  headers: {
    [k: string]: string;
  };
  /** One delivery at a time, each after the one before it has ended */
  ordered: boolean;
  /** Deliveries under way at once */
  max_in_flight: number;
  rate_limit_per_s: number | null;
  /** Seconds for a whole exchange, body included; 15 by default */
  timeout_s: number;
  retry: RetryPolicy;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures: ("v1" | "v1a")[];
  state: "active" | "paused" | "disabled";
  disabled_reason: string | null;
  lane: LaneStatus;
  created_at: string;
  updated_at: string;
}
export interface EndpointChanges {
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url?: string;
  description?: string;
  /**
   * Empty: all. Names that begin with job. or endpoint. are Ringback's own.
   * @maxItems 50
   */
  events?: string[];
  /** Replaces all headers. A value of `[redacted]`, as shown by GET, keeps the present one. */
  headers?: {
    [k: string]: string;
  };
  /** One delivery at a time, each after the one before it has ended */
  ordered?: boolean;
  /** Deliveries under way at once */
  max_in_flight?: number;
  rate_limit_per_s?: number | null;
  /** Seconds for a whole exchange, body included; 15 by default */
  timeout_s?: number;
  retry?: RetryPolicyInput;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures?: ("v1" | "v1a")[];
}
export interface Secret {
  /** `whsec_` and base64 */
  secret: string;
  /** Until when the previous secret signs as well; null when none does */
  previous_expires_at: string | null;
}
export interface Rotation {
  /** Seconds for which the previous secret goes on signing as well */
  overlap_s?: number;
  /** `whsec_` and the base64 of 24 to 64 bytes; made when left out */
  secret?: string;
}
export interface RotatedSecret {
  /** `whsec_` and base64 */
  secret: string;
  previous_expires_at: string;
}
export interface SigningKeys {
  /** Thumbprint of the key (RFC 7638, SHA-256), as in `webhook-key-id` */
  kid: string;
  /** Ed25519, `whpk_` and base64 */
  public_key: string;
  /** Since when it signs, or from when on it will */
  not_before: string;
  /** When it ends to sign; null: it was not rotated out */
  expires_at: string | null;
  /** The key before, while it signs beside the current one */
  previous: PublicKey | null;
  /** The key to come: published, but not signing yet */
  next: PublicKey | null;
  /** Where receivers find the keys of this account; no API key is needed */
  jwks_url: string;
}
export interface PublicKey {
  /** Thumbprint of the key (RFC 7638, SHA-256), as in `webhook-key-id` */
  kid: string;
  /** Ed25519, `whpk_` and base64 */
  public_key: string;
  /** Since when it signs, or from when on it will */
  not_before: string;
  /** When it ends to sign; null: it was not rotated out */
  expires_at: string | null;
}
export interface KeyRotation {
  /** Seconds for which the current key signs beside the new one */
  overlap_s?: number;
  /** Seconds until the new key signs. Until then it is published only, so that receivers know it in time: they may keep what they fetched for 300 s. */
  activate_in_s?: number;
}
export interface OriginSecret {
  /** `whsec_` and base64 */
  secret: string;
  /** Of the callback URLs it signs for */
  origin: string;
  /** Until when the previous secret signs as well; null when none does */
  previous_expires_at: string | null;
}
export interface AccountRotation {
  /** Seconds for which the previous secret goes on signing as well */
  overlap_s?: number;
}
export interface AccountRotated {
  previous_expires_at: string;
}
export interface Jwks {
  keys: Jwk[];
}
export interface Jwk {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
  use: "sig";
  alg: "EdDSA";
  /** Thumbprint of the key (RFC 7638, SHA-256), as in `webhook-key-id` */
  kid: string;
  /** Since when it signs, in seconds */
  nbf: number;
  /** When it ends to sign, in seconds; absent: it was not rotated out */
  exp?: number;
}
export interface TimelineEntry {
  at: string;
  kind:
    | "accepted"
    | "started"
    | "run_started"
    | "progress"
    | "finished"
    | "message"
    | "delivery"
    | "attempt"
    | "next_attempt";
  title?: string;
  ended_at?: string | null;
  duration_ms?: number | null;
  run?: number;
  message_id?: string;
  event_type?: string;
  delivery_id?: string;
  url?: string;
  attempt_number?: number;
  status_code?: number | null;
  error_code?: string | null;
  outcome?: string;
  detail?: string | null;
}
export interface Overview {
  jobs: {
    pending: CappedCount;
    running: CappedCount;
  };
  deliveries: {
    pending: CappedCount;
    /** Since when the longest due lane has waited, not counting lanes that a pause, an open breaker or a rate limit holds; null: none is late */
    oldest_due_at: string | null;
  };
  dead_letters: CappedCount;
  lanes: {
    total: number;
    broken: number;
    paused: number;
    disabled: number;
  };
  /** Of all accounts; `compute` and `deliver`: alive with this role */
  workers: {
    alive: number;
    silent: number;
    compute: number;
    deliver: number;
  };
}
export interface CappedCount {
  count: number;
  /** There are more: counting stops at 10,000 */
  more: boolean;
}
export interface Worker {
  id: string;
  hostname: string;
  pid: number;
  version: string;
  roles: string[];
  /** `silent`: no heartbeat for 3 s; its work is recovered if its lock is free */
  state: "alive" | "silent";
  heartbeat_at: string;
  started_at: string;
  running_jobs: number;
  leased_lanes: number;
}
export interface Lane {
  id: string;
  endpoint_id: string | null;
  /** Of callback URLs; null for an endpoint */
  origin: string | null;
  /** The endpoint's */
  url: string | null;
  ordered: boolean;
  state: "ok" | "broken" | "paused" | "disabled";
  reason: string | null;
  /** When a broken lane is probed */
  until: string | null;
  pending: CappedCount;
  /** Since when the lane's next delivery is due, held or not; null: none is due */
  oldest_due_at: string | null;
}
export interface Stats {
  /** `since`, rounded down to a step */
  since: string;
  until: string;
  step_s: number;
  series: {
    at: string;
    jobs: {
      accepted: number;
      completed: number;
      failed: number;
      canceled: number;
    };
    deliveries: {
      delivered: number;
      dead: number;
    };
    attempts: {
      "2xx": number;
      "3xx": number;
      "4xx": number;
      "5xx": number;
      error: number;
    };
    /** Milliseconds, to the width of a bucket; null: nothing was measured */
    latency_ms: {
      p50: number;
      p90: number;
      p99: number;
    } | null;
    /** Milliseconds, to the width of a bucket; null: nothing was measured */
    response_ms: {
      p50: number;
      p90: number;
      p99: number;
    } | null;
  }[];
  totals: {
    jobs: {
      accepted: number;
      completed: number;
      failed: number;
      canceled: number;
    };
    deliveries: {
      delivered: number;
      dead: number;
    };
    attempts: {
      "2xx": number;
      "3xx": number;
      "4xx": number;
      "5xx": number;
      error: number;
    };
    /** Milliseconds, to the width of a bucket; null: nothing was measured */
    latency_ms: {
      p50: number;
      p90: number;
      p99: number;
    } | null;
    /** Milliseconds, to the width of a bucket; null: nothing was measured */
    response_ms: {
      p50: number;
      p90: number;
      p99: number;
    } | null;
    /** delivered / (delivered + dead); null: none has ended */
    success_rate: number | null;
  };
}
export interface Account {
  id: string;
  name: string;
  state: "active" | "suspended" | "deleting" | "deleted";
  /** Why it is suspended */
  reason: string | null;
  state_changed_at: string;
  /** Rows that its deletion has deleted so far */
  deleted_rows: number;
  created_at: string;
  /** It is that of the API key of this request */
  current: boolean;
}
export interface AccountInput {
  name: string;
}
export interface AccountChanges {
  name?: string;
  /** `suspended`: nothing new is accepted; what was accepted is computed and delivered */
  state?: "active" | "suspended";
  /** Why it is suspended */
  reason?: string | null;
}
export interface ApiKeyInput {
  /** What it is for */
  name: string;
  /**
   * `jobs` and `webhooks` imply their `:read`; `admin` implies all, `admin:read` all that read
   * @minItems 1
   */
  scopes: ("jobs:read" | "jobs" | "webhooks:read" | "webhooks" | "admin:read" | "admin")[];
  /**
   * The only endpoints whose deliveries it sees, replays and tests; goes with `webhooks:read` and `webhooks`
   * @minItems 1
   * @maxItems 20
   * Items: A `ep_…` id
   */
  endpoint_ids?: string[];
}
export interface ApiKeyWithText {
  id: string;
  name: string;
  /** @minItems 1 */
  scopes: (
    "jobs:read" | "jobs" | "webhooks:read" | "webhooks" | "admin:read" | "admin" | "operator"
  )[];
  /** The only endpoints that it sees; null: all */
  endpoint_ids: string[] | null;
  created_at: string;
  /** To the minute */
  last_used_at: string | null;
  revoked_at: string | null;
  /** It is the one of this request */
  current: boolean;
  /** Shown this once; only a hash of it is kept */
  key: string;
}
export interface ApiKey {
  id: string;
  name: string;
  /** @minItems 1 */
  scopes: (
    "jobs:read" | "jobs" | "webhooks:read" | "webhooks" | "admin:read" | "admin" | "operator"
  )[];
  /** The only endpoints that it sees; null: all */
  endpoint_ids: string[] | null;
  created_at: string;
  /** To the minute */
  last_used_at: string | null;
  revoked_at: string | null;
  /** It is the one of this request */
  current: boolean;
}
export interface AuditEvent {
  id: string;
  at: string;
  /** The API key, also of a session of the console; the portal session of a partner; or the program itself */
  actor: {
    type: "api_key" | "console" | "portal" | "system";
    id: string | null;
    name: string;
  };
  action:
    | "account.created"
    | "account.renamed"
    | "account.suspended"
    | "account.resumed"
    | "account.deletion_started"
    | "account.deleted"
    | "api_key.created"
    | "api_key.revoked"
    | "console.signed_in"
    | "console.signed_out"
    | "dead_letters.discarded"
    | "deliveries.canceled"
    | "delivery.replayed"
    | "endpoint.created"
    | "endpoint.updated"
    | "endpoint.deleted"
    | "endpoint.paused"
    | "endpoint.resumed"
    | "endpoint.enabled"
    | "portal_session.created"
    | "portal_session.revoked"
    | "replay.created"
    | "replay.canceled"
    | "secret.rotated"
    | "signing_key.rotated";
  target: {
    type: "account" | "endpoint" | "key" | "delivery" | "replay" | "portal_session";
    id: string;
    name: string;
  };
  /** The fields that changed, as they were; secrets and values of headers are left out */
  before: {
    [k: string]: unknown;
  } | null;
  /** The same fields, as they are since */
  after: {
    [k: string]: unknown;
  } | null;
  /** Of the connection: a proxy's, if there is one */
  address: string | null;
  request_id: string | null;
}
export interface PortalSessionInput {
  /**
   * All that the partner sees
   * @minItems 1
   * @maxItems 20
   * Items: A `ep_…` id
   */
  endpoint_ids: string[];
  /** `read`: deliveries, attempts and payloads, always given. `test`: send a test event. `replay`: send again. `secret`: read and rotate the secret. `events`: choose from `event_types`. */
  can?: ("read" | "test" | "replay" | "secret" | "events")[];
  /**
   * What `events` lets the partner choose from, and nothing else
   * @maxItems 100
   */
  event_types?: string[];
  /** Seconds until it ends */
  ttl_s?: number;
  theme?: PortalTheme;
}
export interface PortalTheme {
  title?: string;
  /** Made darker or lighter until it can be read */
  accent?: string;
  /** An `https:` URL, or a `data:` URL of up to 64 KiB */
  logo_url?: string;
}
export interface PortalSessionWithUrl {
  id: string;
  endpoint_ids: string[];
  can: ("read" | "test" | "replay" | "secret" | "events")[];
  /** @maxItems 100 */
  event_types: string[];
  theme: PortalTheme;
  created_at: string;
  expires_at: string;
  /** The link, shown this once. Its token is behind the `#`, which browsers send to nobody. */
  url: string;
}
export interface PortalSession {
  id: string;
  endpoint_ids: string[];
  can: ("read" | "test" | "replay" | "secret" | "events")[];
  /** @maxItems 100 */
  event_types: string[];
  theme: PortalTheme;
  created_at: string;
  expires_at: string;
}
export interface Settings {
  version: string;
  public_url: string;
  /** Days that things are kept at least; they go by whole weeks */
  retention: {
    jobs_days: number;
    deliveries_days: number;
    dead_letters_days: number;
    audit_days: number;
  };
  targets: {
    /** Private ranges that may be called */
    allow: string[];
  };
  idempotency_hours: number;
  /** Of the process that answers */
  roles: string[];
  development: boolean;
}
export interface JobStartedEvent {
  type: "job.started";
  timestamp: string;
  data: {
    job_id: string;
    job_type: string;
    status: "running";
    run: number;
    metadata: {
      [k: string]: unknown;
    };
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
  };
}
export interface JobProgressEvent {
  type: "job.progress";
  timestamp: string;
  data: {
    job_id: string;
    job_type: string;
    status: "running";
    run: number;
    metadata: {
      [k: string]: unknown;
    };
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
    progress: {
      fraction: number;
      message: string | null;
      data?: unknown;
    };
  };
}
export interface JobCompletedEvent {
  type: "job.completed";
  timestamp: string;
  data: {
    job_id: string;
    job_type: string;
    status: "completed";
    run: number;
    metadata: {
      [k: string]: unknown;
    };
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
    /** Up to 64 KiB */
    result?: unknown;
    /** Where a larger result is */
    result_url?: string;
  };
}
export interface JobFailedEvent {
  type: "job.failed";
  timestamp: string;
  data: {
    job_id: string;
    job_type: string;
    status: "failed";
    run: number;
    metadata: {
      [k: string]: unknown;
    };
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
    error: {
      code: string;
      message: string;
    };
  };
}
export interface JobCanceledEvent {
  type: "job.canceled";
  timestamp: string;
  data: {
    job_id: string;
    job_type: string;
    status: "canceled";
    run: number;
    metadata: {
      [k: string]: unknown;
    };
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
    error: {
      code: string;
      message: string;
    };
  };
}
export interface EndpointTestEvent {
  type: "endpoint.test";
  timestamp: string;
  data: {
    [k: string]: unknown;
  };
}
export interface OwnEvent {
  type: string;
  timestamp: string;
  data: {
    [k: string]: unknown;
  };
}
