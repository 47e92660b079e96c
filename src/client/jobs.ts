import type { CallOptions, ApiCaller, BodyOf, QueryOf } from "./caller.ts";
import { newIdempotencyKey } from "./idempotency-key.ts";
import { Job } from "./job.ts";
import type { JsonText } from "./json-text.ts";
import type { FailedJobGroup } from "./openapi-types.ts";
import { Pages } from "./pages.ts";

/** Inputs and results of job types, by name. Any, unless the client is told more. */
export type JobTypes = Record<string, { input: unknown; result: unknown }>;

export interface SubmitOptions
  extends CallOptions, Omit<BodyOf<"POST /v1/jobs">, "type" | "input" | "metadata"> {
  /** Comes back with the job and each of its events. */
  metadata?: Record<string, unknown> | JsonText;
  /** One key and one request make one job, for 24 hours. Default: a new key. */
  idempotencyKey?: string | undefined;
}

export class Jobs<Types extends JobTypes = JobTypes> {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /**
   * Submits a job. Once this resolves it will be computed, whatever crashes. Repeated on failures,
   * it makes one job all the same.
   */
  async submit<Type extends keyof Types & string>(
    type: Type,
    input: Types[Type]["input"] | JsonText,
    options: SubmitOptions = {},
  ): Promise<Job<Types[Type]["result"]>> {
    const { signal, timeoutMs, idempotencyKey = newIdempotencyKey(), ...rest } = options;
    const body = { type, input, ...rest } as BodyOf<"POST /v1/jobs">;
    const call = { body, idempotencyKey, signal, timeoutMs };
    return new Job(this.#caller, (await this.#caller.call("POST /v1/jobs", call)).body);
  }

  async get<Result = unknown>(id: string, options: CallOptions = {}): Promise<Job<Result>> {
    const { body } = await this.#caller.call("GET /v1/jobs/{id}", { id, ...options });
    return new Job(this.#caller, body);
  }

  /**
   * Runs a job that failed again, as a new one, whose callbacks are told anew.
   * @throws RingbackError `job_state`, `job_retried`
   */
  async retry<Result = unknown>(id: string, options: CallOptions = {}): Promise<Job<Result>> {
    const call = { id, body: {}, ...options };
    const { body } = await this.#caller.call("POST /v1/jobs/{id}/retry", call);
    return new Job(this.#caller, body);
  }

  /** How many failed of a type with an error, and were not retried; the newest first. */
  async failures(options: CallOptions = {}): Promise<FailedJobGroup[]> {
    return (await this.#caller.call("GET /v1/failed-jobs/groups", options)).body.data;
  }

  /** Newest first. Long inputs are left out; `refresh` of a job fetches its own. */
  list(query: QueryOf<"GET /v1/jobs"> = {}, options: CallOptions = {}): Pages<Job> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      const { body } = await this.#caller.call("GET /v1/jobs", call);
      return { ...body, data: body.data.map((data) => new Job(this.#caller, data)) };
    }, options);
  }
}

/** A query that goes on behind a cursor. */
export function withCursor<Query extends { cursor?: string }>(
  query: Query,
  cursor: string | undefined,
): Query {
  return cursor === undefined ? query : { ...query, cursor };
}
