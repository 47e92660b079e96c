import type { BodyOf, CallOptions, ApiCaller, QueryOf } from "./caller.ts";
import { RingbackError } from "./errors.ts";
import { withCursor } from "./jobs.ts";
import type {
  Delivery,
  Endpoint,
  EndpointWithSecret,
  ListedEndpoint,
  RotatedSecret,
} from "./openapi-types.ts";
import { Pages } from "./pages.ts";

/** Registered receivers. */
export class Endpoints {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  async create(
    endpoint: BodyOf<"POST /v1/endpoints">,
    options: CallOptions = {},
  ): Promise<EndpointWithSecret> {
    const call = { body: endpoint, ...options };
    return (await this.#caller.call("POST /v1/endpoints", call)).body;
  }

  async get(id: string, options: CallOptions = {}): Promise<Endpoint> {
    return (await this.#caller.call("GET /v1/endpoints/{id}", { id, ...options })).body;
  }

  list(query: QueryOf<"GET /v1/endpoints"> = {}, options: CallOptions = {}): Pages<ListedEndpoint> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/endpoints", call)).body;
    }, options);
  }

  async update(
    id: string,
    changes: BodyOf<"PATCH /v1/endpoints/{id}">,
    options: CallOptions = {},
  ): Promise<Endpoint> {
    const call = { id, body: changes, ...options };
    return (await this.#caller.call("PATCH /v1/endpoints/{id}", call)).body;
  }

  /** What is pending for it is canceled. */
  async delete(id: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.#caller.call("DELETE /v1/endpoints/{id}", { id, ...options });
    } catch (error) {
      // the first try did it, and its answer was lost
      const done = error instanceof RingbackError && error.code === "not_found";
      if (!done || error.attempts === 1) throw error;
    }
  }

  /** Holds its deliveries back until `resume`. */
  async pause(id: string, options: CallOptions = {}): Promise<Endpoint> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/pause", call)).body;
  }

  async resume(id: string, options: CallOptions = {}): Promise<Endpoint> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/resume", call)).body;
  }

  /** Sends to one again that was disabled, by a 410 for instance. */
  async enable(id: string, options: CallOptions = {}): Promise<Endpoint> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/enable", call)).body;
  }

  /** Sends it an `endpoint.test` event. */
  async test(id: string, options: CallOptions = {}): Promise<Delivery> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/test", call)).body;
  }

  /** The secret that signs for it, `whsec_…`. */
  async secret(id: string, options: CallOptions = {}): Promise<string> {
    const call = { id, ...options };
    return (await this.#caller.call("GET /v1/endpoints/{id}/secret", call)).body.secret;
  }

  /** Makes a new secret; the old one signs beside it for a while. */
  async rotateSecret(
    id: string,
    rotation: BodyOf<"POST /v1/endpoints/{id}/rotate-secret"> = {},
    options: CallOptions = {},
  ): Promise<RotatedSecret> {
    const call = { id, body: rotation, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/rotate-secret", call)).body;
  }
}
