import type { BodyOf, CallOptions, ApiCaller, QueryOf } from "./caller.ts";
import { RingbackError } from "./errors.ts";
import type {
  DeliveryWithAttempts,
  Endpoint,
  EndpointWithSecret,
  ListedEndpoint,
  Replay,
  RotatedSecret,
} from "./openapi-types.ts";
import { Pages, withCursor } from "./pages.ts";

const TEST_TIMEOUT_MS = 60_000;

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

  /** What is pending for it is canceled. Its dead letters stay, or are discarded. */
  async delete(
    id: string,
    { discardDeadLetters = false, ...options }: CallOptions & { discardDeadLetters?: boolean } = {},
  ): Promise<void> {
    const query = discardDeadLetters ? { discard_dead_letters: "true" as const } : {};
    try {
      await this.#caller.call("DELETE /v1/endpoints/{id}", { id, query, ...options });
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

  /** Makes nothing more for it but a count; what is pending becomes dead letters. */
  async disable(id: string, options: CallOptions = {}): Promise<Endpoint> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/disable", call)).body;
  }

  /** Sends it what it did not get while it was disabled. `replays.wait` follows it to its end. */
  async sendMissed(
    id: string,
    order: BodyOf<"POST /v1/endpoints/{id}/send-missed"> = {},
    options: CallOptions = {},
  ): Promise<Replay> {
    const call = { id, body: order, ...options };
    return (await this.#caller.call("POST /v1/endpoints/{id}/send-missed", call)).body;
  }

  /**
   * Sends it an `endpoint.test` event at once, and gives the delivery with the receiver's answer. The
   * receiver may take its `timeout_s`, 30 s at most.
   */
  async test(id: string, options: CallOptions = {}): Promise<DeliveryWithAttempts> {
    const call = { id, body: {}, timeoutMs: TEST_TIMEOUT_MS, ...options };
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
