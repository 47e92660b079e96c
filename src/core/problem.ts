/**
 * Every error a caller can meet: stable code → HTTP status and title (RFC 9457). The code is
 * the contract; titles and details may change.
 */
export const PROBLEMS = {
  body_not_json: [400, "The body is not valid JSON"],
  body_too_deep: [400, "The JSON is nested too deeply"],
  body_forbidden_text: [400, "The JSON holds text that can't be stored"],
  body_forbidden_key: [400, "The JSON holds a forbidden key"],
  body_too_large: [413, "The body is too large"],
  body_interrupted: [400, "The body ended early"],
  content_type_unsupported: [415, "The content type is not supported"],
  content_encoding_unsupported: [415, "The content encoding is not supported"],
  validation_failed: [422, "The request does not fit its schema"],
  query_invalid: [400, "A query parameter is invalid"],
  cursor_invalid: [400, "The cursor is invalid"],
  id_invalid: [400, "The id is malformed"],
  path_invalid: [400, "The path is malformed"],
  unauthenticated: [401, "A valid API key is required"],
  scope_missing: [403, "The API key lacks a scope"],
  account_suspended: [403, "The account is suspended"],
  endpoint_bound: [403, "The API key is bound to other endpoints"],
  csrf_failed: [403, "The request does not come from the console"],
  sign_in_limited: [429, "There were too many failed sign-ins"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "The method is not allowed"],
  job_type_unknown: [422, "The job type is unknown"],
  input_invalid: [422, "The input does not fit the job type"],
  callback_url_invalid: [422, "The URL can't be called"],
  callback_url_userinfo: [422, "The URL holds user information"],
  target_blocked: [422, "The address may not be called"],
  header_forbidden: [422, "A custom header is not allowed"],
  event_unknown: [422, "The event name is unknown"],
  event_reserved: [422, "The event name is reserved"],
  endpoint_unknown: [422, "The endpoint does not exist"],
  job_finished: [409, "The job has finished already"],
  job_not_completed: [409, "The job has no result"],
  endpoint_state: [409, "The endpoint's state does not allow this"],
  delivery_state: [409, "The delivery's state does not allow this"],
  replay_finished: [409, "The replay has finished already"],
  account_name_taken: [409, "The account's name is taken"],
  account_state: [409, "The account's state does not allow this"],
  last_admin_key: [409, "The last admin key can't be revoked"],
  activity_id_invalid: [400, "The last event id is malformed"],
  idempotency_key_invalid: [400, "The idempotency key is malformed"],
  idempotency_key_reused: [422, "The idempotency key was used for another request"],
  idempotency_in_progress: [409, "A request with this idempotency key is in progress"],
  unavailable: [503, "The service is not available right now"],
  internal: [500, "Something went wrong on our side"],
} as const satisfies Record<string, readonly [number, string]>;

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
