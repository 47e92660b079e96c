// Made from the OpenAPI document by `npm run generate`. Do not edit.

/** What a pending job waits for; null: nothing in particular, or not pending. Null in the answer to a submission */
export type JobWait = {
  /** `run_at`: its time has not come. `threads`: all threads compute other jobs. `process`: no process that computes has taken it. */
  reason: "run_at" | "threads" | "process";
  detail: string;
  /** It runs at this time or later */
  until: string | null;
  ahead?: CappedCount;
} | null;

export interface Operations {
  "POST /v1/jobs": {
    body: JobInput;
    answer: Job;
  };
  "GET /v1/jobs": {
    query: {
      /** One value, or several with commas between them */
      status?:
        | ("pending" | "running" | "completed" | "failed" | "canceled")
        | ("pending" | "running" | "completed" | "failed" | "canceled")[];
      /** None of these. One value, or several with commas between them */
      not_status?:
        | ("pending" | "running" | "completed" | "failed" | "canceled")
        | ("pending" | "running" | "completed" | "failed" | "canceled")[];
      /** One value, or several with commas between them */
      type?: string | string[];
      /** None of these. One value, or several with commas between them */
      not_type?: string | string[];
      /** With this pair in its metadata: a text, number, `true` or `false`, as a whole, of the first 20 members. A page may be shorter than `limit` and yet lead on */
      metadata?: string;
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
  "POST /v1/jobs/{id}/retry": {
    body: Empty;
    answer: Job;
  };
  "GET /v1/failed-jobs/groups": {
    answer: {
      data: FailedJobGroup[];
      /** There are older failed jobs that don't count here */
      more: boolean;
    };
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
  "GET /v1/messages": {
    query: {
      /** One event type, or several with commas between; `!` before the first: all others */
      type?: string;
      /** A `job_…` id */
      job_id?: string;
      /** Made for this endpoint */
      endpoint_id?: string;
      /** With this pair in its metadata: a text, number, `true` or `false`, as a whole, of the first 20 members. A page may be shorter than `limit` and yet lead on */
      metadata?: string;
      /** Part of the body, exactly as it is sent. Looks at the last 24 hours unless `since` says otherwise; one page looks at a bounded number of messages and says how far it got */
      text?: string;
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
      data: ListedMessage[];
      /** Give it as `cursor` for the next page; null on the last one */
      next_cursor: string | null;
      /** Null: the page is as long as it can be. Else it looked at messages back to this time and found no more; `next_cursor` leads on, further back */
      looked_until: string | null;
      /** Of a job: events that it has had and that nobody wanted, so that there is no message. A message may also have been removed by retention */
      without_receiver?: string[];
    };
  };
  "POST /v1/messages/batch": {
    body: MessageLine[];
    answer: MessageLineAnswer[];
  };
  "GET /v1/messages/{id}": {
    answer: MessageWithSkipped;
  };
  "GET /v1/deliveries": {
    query: {
      /** `held`, by itself: those pending ones that a pause or an open breaker holds back (`paused`, `breaker_open`). One value, or several with commas between them */
      status?:
        | ("pending" | "delivered" | "dead" | "canceled" | "held")
        | ("pending" | "delivered" | "dead" | "canceled" | "held")[];
      /** None of these. One value, or several with commas between them */
      not_status?:
        | ("pending" | "delivered" | "dead" | "canceled")
        | ("pending" | "delivered" | "dead" | "canceled")[];
      /** One value, or several with commas between them */
      endpoint_id?: string | string[];
      /** A `job_…` id */
      job_id?: string;
      /** A `msg_…` id */
      message_id?: string;
      /** One value, or several with commas between them */
      event_type?: string | string[];
      /** None of these. One value, or several with commas between them */
      not_event_type?: string | string[];
      /** Of the last attempt; `error`: it got no usable answer. One value, or several with commas between them */
      status_class?:
        ("2xx" | "3xx" | "4xx" | "5xx" | "error") | ("2xx" | "3xx" | "4xx" | "5xx" | "error")[];
      /** Of the last attempt. One value, or several with commas between them */
      error_code?:
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
        | (
            | "dns"
            | "connect"
            | "tls"
            | "timeout"
            | "reset"
            | "protocol"
            | "target_blocked"
            | "unsealable"
          )[];
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
  "GET /v1/event-types": {
    answer: {
      data: {
        type: string;
      }[];
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
      reason?:
        "gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled";
      /** A `ep_…` id */
      endpoint_id?: string;
      /** A `job_…` id */
      job_id?: string;
      event_type?: string;
      /** Of the attempt after which they were given up */
      status_code?: number;
      /** Of that attempt */
      error_code?:
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable";
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
      /** `cause`: by endpoint, reason and how the last attempt ended; filtered by `endpoint_id` only */
      by: "reason" | "endpoint" | "cause";
      reason?:
        "gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled";
      /** A `ep_…` id */
      endpoint_id?: string;
      /** A `job_…` id */
      job_id?: string;
      event_type?: string;
      /** Of the attempt after which they were given up */
      status_code?: number;
      /** Of that attempt */
      error_code?:
        | "dns"
        | "connect"
        | "tls"
        | "timeout"
        | "reset"
        | "protocol"
        | "target_blocked"
        | "unsealable";
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
  "POST /v1/replays/{id}/pause": {
    body: Empty;
    answer: Replay;
  };
  "POST /v1/replays/{id}/resume": {
    body: Empty;
    answer: Replay;
  };
  "GET /v1/replays/{id}/report": {
    query: {
      /** In place of `Accept`: `csv` lists each delivery or job */
      format?: "json" | "csv";
    };
    answer: ReplayReport;
  };
  "POST /v1/endpoints": {
    body: EndpointInput;
    answer: EndpointWithSecret;
  };
  "GET /v1/endpoints": {
    query: {
      /** `created`: newest first. `worst`: failing, disabled and paused ones first, then those whose last attempts failed; within each, those with most pending deliveries and dead letters first. Pages of `worst` shift while things change. */
      sort?: "created" | "name" | "worst";
      status?: "healthy" | "failing" | "paused" | "disabled";
      /** Part of the description or the URL, in whatever case */
      q?: string;
      /** With figures of each */
      figures?: "true" | "false";
      /** Longest page; it ends earlier when it takes more than 1 MiB */
      limit?: number;
      /** `next_cursor` of the page before */
      cursor?: string;
    };
    answer: {
      data: ListedEndpoint[];
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
    query: {
      /** `true`: its dead letters leave the inbox, in steps; they stay in the books */
      discard_dead_letters?: "true" | "false";
    };
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
  "POST /v1/endpoints/{id}/disable": {
    body: Empty;
    answer: Endpoint;
  };
  "POST /v1/endpoints/{id}/send-missed": {
    body: SendMissedInput;
    answer: Replay;
  };
  "POST /v1/endpoints/{id}/test": {
    body: Empty;
    answer: DeliveryWithAttempts;
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
  "GET /v1/search": {
    query: {
      /** An id of any kind, a request id, an idempotency key, a value of metadata or `name=value`, a callback URL or its origin, part of an endpoint's name or URL, of an event type or of a job type */
      q: string;
    };
    answer: SearchAnswer;
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
      status?: "healthy" | "failing" | "paused" | "disabled";
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
        | "endpoint.disabled"
        | "portal_session.created"
        | "portal_session.revoked"
        | "replay.created"
        | "replay.canceled"
        | "replay.paused"
        | "replay.resumed"
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
        | "endpoint.disabled"
        | "portal_session.created"
        | "portal_session.revoked"
        | "replay.created"
        | "replay.canceled"
        | "replay.paused"
        | "replay.resumed"
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
   * Of job.started, job.progress, job.completed, job.failed, job.canceled. Empty: all but job.progress. Left out: job.completed, job.failed, job.canceled.
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
  /**
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status?: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s?: number;
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
  /**
   * The wait after each failure, in seconds, ±20 %, in place of the other fields: one attempt more than waits
   * @minItems 1
   * @maxItems 50
   */
  delays_s?: number[];
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
  waiting_for: JobWait;
  /** When it will end if it goes on at its pace so far */
  eta: string | null;
  /** How many times it was started */
  run: number;
  timeout_s: number;
  /** As it was computed, once completed. Left out in lists, and when it has more than 65536 bytes: `result_url` has it */
  result?: unknown;
  /** Set once completed */
  result_url: string | null;
  /** Set once failed or canceled */
  error: {
    code: string;
    message: string;
  } | null;
  callbacks: Callback[];
  request_id: string;
  /** The failed job that this one repeats */
  retry_of: string | null;
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
export interface CappedCount {
  count: number;
  /** There are more: counting stops at 10,000 */
  more: boolean;
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
    delays_s?: number[];
  };
  final_status?: number[];
  give_up_after_s?: number;
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
export interface FailedJobGroup {
  type: string;
  error_code: string;
  count: number;
  /** When the first of them failed */
  first_at: string;
  last_at: string;
  /** Of the last one */
  error_message: string | null;
  last_job_id: string;
}
export interface Delivery {
  id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  /** The endpoint's, also of a deleted one; null: a callback URL */
  endpoint_description: string | null;
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
  /** When it is due by its schedule; it waits longer while it is `held` */
  next_attempt_at: string | null;
  /** Why it is pending although its own schedule lets it go; null: it is not held, or not pending */
  held: Held | null;
  created_at: string;
  finished_at: string | null;
  dead_reason:
    | ("gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled")
    | null;
  dead_detail: string | null;
  /** Taken out of the inbox of dead letters, by the holder of this API key */
  discarded: {
    at: string;
    by: string;
    note: string;
  } | null;
}
export interface Held {
  /** `paused`, `disabled`: the endpoint is. `breaker_open`: the receiver failed many times in a row. `order`: another delivery is before it. `rate_limit`, `in_flight`: limits of the endpoint. `waiting_for_process`: no process has got to it. */
  reason:
    | "paused"
    | "disabled"
    | "breaker_open"
    | "order"
    | "rate_limit"
    | "in_flight"
    | "waiting_for_process";
  /** Since when that is so */
  since: string | null;
  /** When what holds it back is tried again: the next probe (`breaker_open`), the next attempt of the one before it (`order`), the next send (`rate_limit`); null: unknown */
  until: string | null;
  detail: string;
  waiting?: CappedCount;
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
  /** Yours, to find it by; not sent. At most 16 KiB, whitespace between tokens aside. */
  metadata?: {
    [k: string]: unknown;
  };
}
export interface Message {
  id: string;
  type: string;
  job_id: string | null;
  timestamp: string;
  metadata: {
    [k: string]: unknown;
  };
  /** Of the request that published it */
  request_id: string;
  /** The exact text that is signed and sent */
  body: string;
  deliveries: Delivery[];
}
export interface ListedMessage {
  id: string;
  type: string;
  job_id: string | null;
  timestamp: string;
  metadata: {
    [k: string]: unknown;
  };
  /** Of the request that published it */
  request_id: string;
  body_bytes: number;
  /** The body around the text that was looked for */
  excerpt: string | null;
  /** How many there are, counted up to a thousand */
  deliveries: {
    pending: number;
    delivered: number;
    dead: number;
    canceled: number;
  };
}
export interface MessageLine {
  type: string;
  /** The `data` of the webhook, as posted but for whitespace between tokens */
  data: {
    [k: string]: unknown;
  };
  /** Yours, to find it by; not sent. At most 16 KiB, whitespace between tokens aside. */
  metadata?: {
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
    | "job_unfinished"
    | "job_state"
    | "job_retried"
    | "job_not_completed"
    | "endpoint_state"
    | "delivery_state"
    | "replay_finished"
    | "last_admin_key"
    | "account_name_taken"
    | "account_state"
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
export interface MessageWithSkipped {
  id: string;
  type: string;
  job_id: string | null;
  timestamp: string;
  metadata: {
    [k: string]: unknown;
  };
  /** Of the request that published it */
  request_id: string;
  /** The exact text that is signed and sent */
  body: string;
  deliveries: Delivery[];
  /** Endpoints that have no delivery of it, and why, as far as their settings of today tell; null: it has too many receivers to tell */
  skipped: SkippedEndpoint[] | null;
}
export interface SkippedEndpoint {
  endpoint_id: string;
  description: string;
  url: string;
  reason:
    | "created_later"
    | "operator"
    | "other_endpoint_tested"
    | "callback_filter"
    | "event_filter"
    | "disabled"
    | "changed_since"
    | "unknown";
  detail: string;
}
export interface DeliveryWithAttempts {
  id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  /** The endpoint's, also of a deleted one; null: a callback URL */
  endpoint_description: string | null;
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
  /** When it is due by its schedule; it waits longer while it is `held` */
  next_attempt_at: string | null;
  /** Why it is pending although its own schedule lets it go; null: it is not held, or not pending */
  held: Held | null;
  created_at: string;
  finished_at: string | null;
  dead_reason:
    | ("gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled")
    | null;
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
  reason:
    | ("gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled")
    | null;
  endpoint_id: string | null;
  /** Its description, or else its URL, as it is or was when it was deleted */
  endpoint_name: string | null;
  endpoint_deleted: boolean;
  /** With `by=cause`: of the attempt after which they were given up */
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
  /** With `by=cause`: how the receiver's answer to the newest one begins */
  sample: string | null;
  /** With `by=cause`: when the endpoint last took a delivery, to the minute */
  last_success_at: string | null;
  count: number;
  /** There are more: counting stops at 10,000 */
  more: boolean;
  /** Of those that were counted, the newest first */
  oldest_at: string;
  newest_at: string;
}
export interface ReplayInput {
  /** `jobs`: failed jobs run again, each as a new job with the same input, callbacks and metadata, whose `retry_of` names it. One that was retried before is left out. */
  target?: "deliveries" | "jobs";
  /** Deliveries that fit all of it; empty: every dead letter */
  filter: {
    /**
     * Of deliveries: `dlv_…`; of jobs: `job_…`
     * @minItems 1
     * @maxItems 10000
     */
    ids?: string[];
    /** `dead` unless told, of jobs `failed` */
    status?: "dead" | "delivered" | "pending" | "failed";
    reason?:
      "gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled";
    /** Null: those to callback URLs */
    endpoint_id?: string | null;
    /** A `job_…` id */
    job_id?: string;
    event_type?: string;
    /**
     * Of the last attempt, any of these; `error`: it got no usable answer
     * @minItems 1
     */
    status_class?: ("2xx" | "3xx" | "4xx" | "5xx" | "error")[];
    /**
     * Of the last attempt, any of these
     * @minItems 1
     * @maxItems 50
     */
    status_code?: number[];
    /**
     * Of the last attempt, any of these: dns, connect, tls, timeout, reset, protocol, target_blocked, unsealable. Of failed jobs: of their errors
     * @minItems 1
     * @maxItems 50
     */
    error_code?: string[];
    /** The type of the failed jobs */
    type?: string;
    /** Created at this time or later */
    since?: string;
    /** Created before this time */
    until?: string;
  };
  /** Count only */
  dry_run?: boolean;
  /** `discard`: dead letters leave the inbox. They stay dead and in the books, with the note; a replay by their ids sends them after all. `cancel`: pending deliveries are not sent; `filter.status` must be `pending`. */
  action?: "replay" | "discard" | "cancel";
  order?: "oldest_first" | "newest_first";
  pace?: ReplayPace;
  /** Nothing is sent before. What matches is decided now all the same. */
  start_at?: string;
  canary?: ReplayCanary;
  destination?: ReplayDestination;
  /** Why they are discarded; required then */
  note?: string;
}
export interface ReplayPace {
  /** At most so many a second */
  per_s: number;
  /** Seconds over which the pace rises to that, from 1 a second */
  ramp_s?: number;
}
export interface ReplayCanary {
  /** How many are sent first */
  count: number;
  /** The rest is sent unless more of them than that fail again */
  max_failed_percent: number;
}
/** Copies go there: further deliveries of the same messages, each message once, and not where it was sent before. An endpoint's are signed with its own secret and key, a URL's as those of callbacks without own settings: with the secret of its origin. What is copied stays as it is. */
export interface ReplayDestination {
  /** A `ep_…` id */
  endpoint_id?: string;
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url?: string;
}
export interface Replay {
  id: string;
  /** `send_missed`: messages that an endpoint did not get, as it was disabled, are sent to it */
  action: "replay" | "discard" | "cancel" | "send_missed";
  target: "deliveries" | "jobs";
  note: string | null;
  /** `stopped`: its canary failed, or the endpoint that it sends to was disabled or deleted */
  status: "running" | "paused" | "stopped" | "completed" | "canceled";
  stopped_reason: string | null;
  filter: {
    ids?: string[];
    status: "dead" | "delivered" | "pending" | "failed" | "skipped";
    reason?:
      "gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled";
    endpoint_id?: string | null;
    job_id?: string;
    event_type?: string;
    status_class?: ("2xx" | "3xx" | "4xx" | "5xx" | "error")[];
    status_code?: number[];
    error_code?: string[];
    type?: string;
    since?: string;
    until?: string;
  };
  dry_run: boolean;
  order: "oldest_first" | "newest_first";
  pace: {
    per_s: number;
    ramp_s: number;
  } | null;
  start_at: string | null;
  destination: {
    endpoint_id?: string;
    url?: string;
  } | null;
  canary: {
    count: number;
    max_failed_percent: number;
    /** Null: not yet */
    passed_at: string | null;
  } | null;
  matched: number;
  /** False: that many at least, as there were more than can be counted at once; exact at the end */
  matched_exact: boolean;
  /** What fits the filter and is not sent, as its endpoint takes nothing; as counted at first. It is sent when the endpoint is enabled before the replay gets there. */
  left_out: {
    reason: "endpoint_disabled" | "endpoint_deleted";
    /** Null: of many others */
    endpoint_id: string | null;
    count: number;
  }[];
  /** Sent again, discarded or canceled */
  replayed: number;
  created_at: string;
  finished_at: string | null;
}
export interface ReplayReport {
  replay_id: string;
  target: "deliveries" | "jobs";
  /** What the replay has sent again so far */
  replayed: number;
  /** How many of these the report has looked at */
  counted: number;
  /** The most first */
  states: {
    /** Of the delivery or job now; `removed`: by retention */
    status: string;
    reason:
      | ("gone" | "target_blocked" | "final_status" | "exhausted" | "expired" | "endpoint_disabled")
      | null;
    /** Of the last attempt since the replay */
    status_code: number | null;
    error_code: string | null;
    count: number;
  }[];
}
export interface EndpointInput {
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url: string;
  description?: string;
  /**
   * Empty: all but `job.progress`, which is sent where it is named. Names that begin with job. or endpoint. are Ringback's own.
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
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status?: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s?: number;
  /** Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never */
  disable_after_s?: number | null;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures?: ("v1" | "v1a")[];
  /** `account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else. */
  audience?: "account" | "operator";
  /** The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it */
  format?: "standard" | "slack" | "teams" | "discord";
  /** `whsec_` and the base64 of 24 to 64 bytes; made when left out */
  secret?: string;
}
export interface EndpointWithSecret {
  id: string;
  url: string;
  description: string;
  /** Empty: all but `job.progress` */
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
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s: number;
  /** Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never */
  disable_after_s: number | null;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures: ("v1" | "v1a")[];
  /** `account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else. */
  audience: "account" | "operator";
  /** The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it */
  format: "standard" | "slack" | "teams" | "discord";
  /** How it is. `healthy`: sent to. `failing`: its breaker is not closed, or it has failed again and again. `paused`, `disabled`: as `state`. */
  status: "healthy" | "failing" | "paused" | "disabled";
  /** How it was set, by pause, resume, enable or disable, by an answer 410, or after failures for days; `status` tells how it is */
  state: "active" | "paused" | "disabled";
  /** When `state` changed last */
  state_since: string;
  /** `gone`: it answered 410. `failing`: nothing succeeded for `disable_after_s`. `admin`: by a request */
  disabled_reason: ("gone" | "failing" | "admin") | null;
  health: EndpointHealth;
  skipped: SkippedMessages;
  breaker: Breaker;
  created_at: string;
  updated_at: string;
  /** `whsec_` and base64 */
  secret: string;
}
/** Either with `base_s`, `factor` and `cap_s`, or with `delays_s` */
export interface RetryPolicy {
  /** Attempts before it is a dead letter */
  max_attempts: number;
  /** Wait after the first failure */
  base_s?: number;
  /** Growth per further failure */
  factor?: number;
  /** Longest wait */
  cap_s?: number;
  /**
   * The wait after each failure, in seconds, ±20 %, in place of the other fields: one attempt more than waits
   * @minItems 1
   * @maxItems 50
   */
  delays_s?: number[];
}
export interface EndpointHealth {
  /** Since when it is failing or disabled */
  since: string | null;
  failures_in_row: number;
  /** To the minute */
  last_success_at: string | null;
  last_failure: {
    at: string;
    status_code: number | null;
    error_code: string | null;
  } | null;
  /** When a failing endpoint is disabled, unless it succeeds before */
  disable_at: string | null;
}
/** What it did not get, as it was disabled */
export interface SkippedMessages {
  count: number;
  since: string | null;
}
export interface Breaker {
  /** `closed`: sending. `open`: everything is held back. `half_open`: the next attempt is a probe. */
  state: "closed" | "open" | "half_open";
  /** Attempts that failed in a row */
  failures: number;
  /** Since when it has not been closed */
  since: string | null;
  /** When the next probe is sent */
  until: string | null;
  reason: string | null;
}
export interface ListedEndpoint {
  id: string;
  url: string;
  description: string;
  /** Empty: all but `job.progress` */
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
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s: number;
  /** Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never */
  disable_after_s: number | null;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures: ("v1" | "v1a")[];
  /** `account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else. */
  audience: "account" | "operator";
  /** The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it */
  format: "standard" | "slack" | "teams" | "discord";
  /** How it is. `healthy`: sent to. `failing`: its breaker is not closed, or it has failed again and again. `paused`, `disabled`: as `state`. */
  status: "healthy" | "failing" | "paused" | "disabled";
  /** How it was set, by pause, resume, enable or disable, by an answer 410, or after failures for days; `status` tells how it is */
  state: "active" | "paused" | "disabled";
  /** When `state` changed last */
  state_since: string;
  /** `gone`: it answered 410. `failing`: nothing succeeded for `disable_after_s`. `admin`: by a request */
  disabled_reason: ("gone" | "failing" | "admin") | null;
  health: EndpointHealth;
  skipped: SkippedMessages;
  breaker: Breaker;
  created_at: string;
  updated_at: string;
  figures?: EndpointFigures;
}
export interface EndpointFigures {
  pending: {
    count: number;
    /** There are more: counting stops at 1,000 */
    more: boolean;
  };
  dead_letters: {
    count: number;
    /** There are more: counting stops at 1,000 */
    more: boolean;
  };
  /** In the last 24 hours, as the figures below */
  delivered: number;
  dead: number;
  /** delivered / (delivered + dead); null: none has ended */
  success_rate: number | null;
  /** Nine of ten attempts took no longer; null: none was made */
  response_p90_ms: number | null;
}
export interface Endpoint {
  id: string;
  url: string;
  description: string;
  /** Empty: all but `job.progress` */
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
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s: number;
  /** Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never */
  disable_after_s: number | null;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures: ("v1" | "v1a")[];
  /** `account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else. */
  audience: "account" | "operator";
  /** The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it */
  format: "standard" | "slack" | "teams" | "discord";
  /** How it is. `healthy`: sent to. `failing`: its breaker is not closed, or it has failed again and again. `paused`, `disabled`: as `state`. */
  status: "healthy" | "failing" | "paused" | "disabled";
  /** How it was set, by pause, resume, enable or disable, by an answer 410, or after failures for days; `status` tells how it is */
  state: "active" | "paused" | "disabled";
  /** When `state` changed last */
  state_since: string;
  /** `gone`: it answered 410. `failing`: nothing succeeded for `disable_after_s`. `admin`: by a request */
  disabled_reason: ("gone" | "failing" | "admin") | null;
  health: EndpointHealth;
  skipped: SkippedMessages;
  breaker: Breaker;
  created_at: string;
  updated_at: string;
}
export interface EndpointChanges {
  /** An https URL without user information or fragment. Plain http and private addresses only where the operator allows them. */
  url?: string;
  description?: string;
  /**
   * Empty: all but `job.progress`, which is sent where it is named. Names that begin with job. or endpoint. are Ringback's own.
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
   * Answers after which no attempt is made: the delivery is a dead letter at once
   * @maxItems 50
   */
  final_status?: number[];
  /** Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew. */
  give_up_after_s?: number;
  /** Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never */
  disable_after_s?: number | null;
  /**
   * What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both
   * @minItems 1
   */
  signatures?: ("v1" | "v1a")[];
  /** `account`: it gets the account's events. `operator`: it gets the operational events (`delivery.dead`, `endpoint.disabled`, …), and nothing else. */
  audience?: "account" | "operator";
  /** The body of operational events: `standard`, or as an incoming webhook of Slack, Teams or Discord takes it */
  format?: "standard" | "slack" | "teams" | "discord";
}
export interface SendMissedInput {
  /** Messages created at this time or later; since the first it missed by default */
  since?: string;
  /** Count only */
  dry_run?: boolean;
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
export interface SearchAnswer {
  hits: SearchHit[];
  /** What was looked at, as far as the text could be one */
  looked_at: {
    what:
      | "id"
      | "request_id"
      | "idempotency_key"
      | "metadata"
      | "callback_url"
      | "endpoint"
      | "event_type"
      | "job_type";
    /** No further back than this */
    since: string | null;
    /** False: it took too long, so this was not looked at */
    complete: boolean;
    note: string | null;
  }[];
  /** The same in a sentence: what `no match` means, when there is none */
  summary: string;
}
export interface SearchHit {
  kind:
    "job" | "message" | "delivery" | "endpoint" | "replay" | "api_key" | "event_type" | "job_type";
  /** Its id; the name of a type */
  id: string;
  /** What of it fits */
  by:
    | "id"
    | "request_id"
    | "idempotency_key"
    | "metadata"
    | "callback_url"
    | "endpoint"
    | "event_type"
    | "job_type";
  label: string;
  /** When it was made */
  at: string | null;
  /** Where the API shows it */
  path: string;
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
    /** Since when the longest due lane has waited, without what a pause, an open breaker or a rate limit holds back; null: none is late */
    oldest_due_at: string | null;
  };
  dead_letters: CappedCount;
  lanes: {
    total: number;
    /** Those with something pending */
    failing: number;
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
  /** The endpoint's, also of a deleted one; null: a callback URL */
  endpoint_description: string | null;
  /** The endpoint's */
  url: string | null;
  ordered: boolean;
  /** As an endpoint's; `failing`: the breaker is open, or a probe is next */
  status: "healthy" | "failing" | "paused" | "disabled";
  reason: string | null;
  /** When the next probe of a failing lane is sent */
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
    | "endpoint.disabled"
    | "portal_session.created"
    | "portal_session.revoked"
    | "replay.created"
    | "replay.canceled"
    | "replay.paused"
    | "replay.resumed"
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
export interface OperationalEvent {
  type:
    | "endpoint.failing"
    | "endpoint.disabled"
    | "endpoint.recovered"
    | "delivery.dead"
    | "job.dead"
    | "lane.opened"
    | "lane.closed"
    | "backlog.late"
    | "replay.finished"
    | "worker.lost"
    | "secret.expiring";
  timestamp: string;
  data: {
    /** What it is about, in words */
    subject: string;
    endpoint?: {
      id: string;
      description: string;
      url: string;
    };
    /** How often it happened since it was last told of */
    count: number;
    first_at: string;
    last_at: string;
    /** One sentence for people */
    message: string;
    /** Of the newest: reason, error, an example */
    detail: {
      [k: string]: unknown;
    };
    console_url: string;
  };
}
export interface OwnEvent {
  type: string;
  timestamp: string;
  data: {
    [k: string]: unknown;
  };
}
