/**
 * Every error a caller can meet: stable code → HTTP status, title (RFC 9457), and what it means
 * and what to do, which `/problems/{code}` shows. The code is the contract; texts may change.
 */
export const PROBLEMS = {
  body_not_json: [
    400,
    "The body is not valid JSON",
    "The body could not be parsed. `detail` has the line and column; send JSON in UTF-8.",
  ],
  body_too_deep: [
    400,
    "The JSON is nested too deeply",
    "Objects and arrays are nested more than the service stores. Make the structure flatter, or send the inner part as a string.",
  ],
  body_forbidden_text: [
    400,
    "The JSON holds text that can't be stored",
    "A string holds the character U+0000 or half of a surrogate pair, which Postgres can't store. Remove it or encode the text, for instance as base64.",
  ],
  body_forbidden_key: [
    400,
    "The JSON holds a forbidden key",
    "A key such as `__proto__` would be read as something else by JavaScript programs. Give it another name.",
  ],
  body_too_large: [
    413,
    "The body is too large",
    "Send less: put large data where the job can fetch it, and send its URL.",
  ],
  body_interrupted: [
    400,
    "The body ended early",
    "The connection ended before the whole body had come. Send the request again, with the same `Idempotency-Key`.",
  ],
  content_type_unsupported: [
    415,
    "The content type is not supported",
    "Send `content-type: application/json`; batches of messages are `application/x-ndjson`.",
  ],
  content_encoding_unsupported: [
    415,
    "The content encoding is not supported",
    "Send the body as it is, without `content-encoding`.",
  ],
  validation_failed: [
    422,
    "The request does not fit its schema",
    "A field is missing, unknown or out of bounds. `errors` names each with its place as a JSON pointer; the schema is in `/openapi.json`.",
  ],
  query_invalid: [
    400,
    "A query parameter is invalid",
    "A parameter behind the `?` is unknown, given twice or out of bounds. `errors` names it.",
  ],
  cursor_invalid: [
    400,
    "The cursor is invalid",
    "A cursor is for the list it came from, with the same filter. Take `next_cursor` of the last page as it is, or begin without one.",
  ],
  id_invalid: [
    400,
    "The id is malformed",
    "Ids have the prefix of their kind, such as `job_` or `ep_`, and 26 characters. Copy it whole, and of the right kind.",
  ],
  path_invalid: [
    400,
    "The path is malformed",
    "The path has a percent sign that is no encoding. Encode the parts of the path.",
  ],
  unauthenticated: [
    401,
    "A valid API key is required",
    "Send `authorization: Bearer rk_…` with a key that has not been revoked. `npm start` prints the first key; `ringback keys create` makes others.",
  ],
  scope_missing: [
    403,
    "The API key lacks a scope",
    "The key is valid, but not for this. `detail` names the scope; make a key that has it.",
  ],
  account_suspended: [
    403,
    "The account is suspended",
    "Its operator has suspended the account: it can be read, and nothing new is accepted. Ask the operator.",
  ],
  endpoint_bound: [
    403,
    "The API key is bound to other endpoints",
    "The key is for some endpoints only, and this concerns others or the whole account. Use a key that is not bound.",
  ],
  csrf_failed: [
    403,
    "The request does not come from the console",
    "Requests that are signed in by cookie must come from the console's own pages. Programs use an API key instead.",
  ],
  sign_in_limited: [
    429,
    "There were too many failed sign-ins",
    "Wait for the seconds of `Retry-After`, then sign in with the right key.",
  ],
  not_found: [
    404,
    "Not found",
    "There is nothing at this path, or no such thing in the account of this key. Look at path and id; what ended long ago may have been deleted by retention.",
  ],
  method_not_allowed: [
    405,
    "The method is not allowed",
    "The path exists, but not for this method. `Allow` lists those it has.",
  ],
  job_type_unknown: [
    422,
    "The job type is unknown",
    "No job type of the service has this name. `GET /v1/job-types` lists them; those of your own are loaded by `RINGBACK_JOB_TYPES`.",
  ],
  input_invalid: [
    422,
    "The input does not fit the job type",
    "The input does not fit the schema of the job type, which is in `GET /v1/job-types`. `errors` names each place.",
  ],
  callback_url_invalid: [
    422,
    "The URL can't be called",
    "A URL must begin with `https://` or `http://` and have a host. `detail` says what is wrong with this one.",
  ],
  callback_url_userinfo: [
    422,
    "The URL holds user information",
    "User names and passwords in URLs end up in logs. Send them as a header of the endpoint or callback instead.",
  ],
  target_blocked: [
    422,
    "The address may not be called",
    "The service calls public addresses over `https` only, unless its operator opens others with `RINGBACK_ALLOW_TARGETS`.",
  ],
  header_forbidden: [
    422,
    "A custom header is not allowed",
    "The header is one the service sets itself, is not valid, or is shown as `[redacted]` and needs its real value.",
  ],
  event_unknown: [
    422,
    "The event name is unknown",
    "No such event is sent. Events of jobs are `job.started`, `job.progress`, `job.completed`, `job.failed` and `job.canceled`.",
  ],
  event_reserved: [
    422,
    "The event name is reserved",
    "Names that begin with `job.` or `endpoint.` are the service's own. Give your event another name, such as `invoice.paid`.",
  ],
  endpoint_unknown: [
    422,
    "The endpoint does not exist",
    "A callback names an endpoint that the account does not have, or has deleted. `GET /v1/endpoints` lists them.",
  ],
  job_finished: [
    409,
    "The job has finished already",
    "The job has reached its end, so there is nothing left to cancel.",
  ],
  job_unfinished: [
    409,
    "The job has not ended yet",
    "The job has no result yet. Ask again after the seconds of `Retry-After`, or ask for the job with `Prefer: wait=30`.",
  ],
  job_state: [
    409,
    "The job's state does not allow this",
    "Only a job that failed or was canceled is retried. Look at its `status`.",
  ],
  job_retried: [
    409,
    "The job has been retried already",
    "A job is retried once. `detail` names the job in its place; retry that one when it failed as well.",
  ],
  job_not_completed: [
    409,
    "The job has no result",
    "The job failed or was canceled, so it has no result. `job_error` says why.",
  ],
  endpoint_state: [
    409,
    "The endpoint's state does not allow this",
    "The endpoint is paused or disabled, or is not. Look at its `state`; `resume` or `enable` it first.",
  ],
  delivery_state: [
    409,
    "The delivery's state does not allow this",
    "The delivery is not in a state in which this can be done. Look at its `status`.",
  ],
  replay_finished: [
    409,
    "The replay has finished already",
    "The replay has ended, so there is nothing left to cancel.",
  ],
  last_admin_key: [
    409,
    "The last admin key can't be revoked",
    "Without an admin key nobody could make another. Create a second one, then revoke this.",
  ],
  account_name_taken: [
    409,
    "The account's name is taken",
    "Another account has this name. Take another one; the name of a deleted account is free again.",
  ],
  account_state: [
    409,
    "The account's state does not allow this",
    "The account is suspended or being deleted, or is not, or is the one that can't be changed so. Look at its `state`.",
  ],
  activity_id_invalid: [
    400,
    "The last event id is malformed",
    "`Last-Event-ID` must be the id of an entry of this stream. Leave it out to begin now.",
  ],
  idempotency_key_invalid: [
    400,
    "The idempotency key is malformed",
    "A key is 1 to 255 visible ASCII characters, quoted or not.",
  ],
  idempotency_key_reused: [
    422,
    "The idempotency key was used for another request",
    "Within 24 hours a key stands for one request. Send the first request unchanged, or take a new key.",
  ],
  idempotency_in_progress: [
    409,
    "A request with this idempotency key is in progress",
    "The first request with this key is not done yet. Send it again in a moment.",
  ],
  unavailable: [
    503,
    "The service is not available right now",
    "A part of the service, most likely the database, can't be reached. Send the request again after the seconds of `Retry-After`.",
  ],
  internal: [
    500,
    "Something went wrong on our side",
    "This is a fault of the service. The log of the server has the cause under the `request_id`.",
  ],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One place in the request that is wrong. `pointer` is an RFC 6901 JSON pointer into the body. */
export interface ProblemDetail {
  pointer?: string;
  parameter?: string;
  detail: string;
}

/** An error meant for the caller. Anything else that is thrown becomes an opaque `internal`. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: ProblemDetail[];
  readonly headers: Record<string, string>;
  /** Extension members of the body (RFC 9457, 3.2). */
  readonly members: Record<string, unknown>;

  constructor(
    code: ProblemCode,
    detail: string,
    extra: {
      errors?: ProblemDetail[];
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
    } = {},
  ) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.errors = extra.errors ?? [];
    this.headers = extra.headers ?? {};
    this.members = extra.members ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }

  get title(): string {
    return PROBLEMS[this.code][1];
  }
}
