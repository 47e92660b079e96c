import type { ApiCaller, CallOptions } from "./caller.ts";
import type { JobType } from "./openapi-types.ts";

/** The job types of the service. */
export class JobTypeCatalogue {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** All job types, with JSON Schemas of input and result. */
  async list(options: CallOptions = {}): Promise<JobType[]> {
    return (await this.#caller.call("GET /v1/job-types", options)).body.data;
  }
}
