import type { BodyOf, CallOptions, ApiCaller, QueryOf } from "./caller.ts";
import { RingbackError } from "./errors.ts";
import { withCursor } from "./jobs.ts";
import type {
  Attempt,
  DeadLetterGroup,
  Delivery,
  DeliveryWithAttempts,
  Replay,
  ReplayReport,
} from "./openapi-types.ts";
import { Pages } from "./pages.ts";
import { pause } from "./retry.ts";
import { withTimeout } from "./with-timeout.ts";

/** Messages on their way to receivers, those that arrived, and those that were given up. */
export class Deliveries {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** With its last attempts. */
  async get(id: string, options: CallOptions = {}): Promise<DeliveryWithAttempts> {
    return (await this.#caller.call("GET /v1/deliveries/{id}", { id, ...options })).body;
  }

  list(query: QueryOf<"GET /v1/deliveries"> = {}, options: CallOptions = {}): Pages<Delivery> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/deliveries", call)).body;
    }, options);
  }

  /** Its attempts, the last first. */
  attempts(id: string, options: CallOptions = {}): Pages<Attempt> {
    return new Pages(async (cursor, given) => {
      const query = cursor === undefined ? {} : { cursor };
      return (await this.#caller.call("GET /v1/deliveries/{id}/attempts", { id, query, ...given }))
        .body;
    }, options);
  }

  /** Sends it again now. One that is pending keeps its automatic schedule. */
  async replay(id: string, options: CallOptions = {}): Promise<Delivery> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/deliveries/{id}/replay", call)).body;
  }
}

/** Deliveries that were given up, with their reasons. */
export class DeadLetters {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  list(query: QueryOf<"GET /v1/dead-letters"> = {}, options: CallOptions = {}): Pages<Delivery> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/dead-letters", call)).body;
    }, options);
  }

  /** How many there are of a kind. */
  async groups(
    query: QueryOf<"GET /v1/dead-letters/groups">,
    options: CallOptions = {},
  ): Promise<DeadLetterGroup[]> {
    const call = { query, ...options };
    return (await this.#caller.call("GET /v1/dead-letters/groups", call)).body.data;
  }
}

export interface ReplayWaitOptions extends CallOptions {
  /** How long to wait in all. Default: until it ends. */
  timeoutMs?: number | undefined;
  /** Called with what each look shows. */
  onProgress?: ((replay: Replay) => void) | undefined;
}

const LOOK_MS = { first: 100, longest: 2_000 };

/** Orders to send many again. */
export class Replays {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /**
   * Sends all deliveries again that fit the filter now, each once, or discards them, or runs failed
   * jobs again; `dry_run` only counts them.
   */
  async create(order: BodyOf<"POST /v1/replays">, options: CallOptions = {}): Promise<Replay> {
    return (await this.#caller.call("POST /v1/replays", { body: order, ...options })).body;
  }

  async get(id: string, options: CallOptions = {}): Promise<Replay> {
    return (await this.#caller.call("GET /v1/replays/{id}", { id, ...options })).body;
  }

  list(query: QueryOf<"GET /v1/replays"> = {}, options: CallOptions = {}): Pages<Replay> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/replays", call)).body;
    }, options);
  }

  /** What it has sent again already stays sent. */
  async cancel(id: string, options: CallOptions = {}): Promise<Replay> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/replays/{id}/cancel", call)).body;
  }

  /** It sends nothing until it is resumed. */
  async pause(id: string, options: CallOptions = {}): Promise<Replay> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/replays/{id}/pause", call)).body;
  }

  async resume(id: string, options: CallOptions = {}): Promise<Replay> {
    const call = { id, body: {}, ...options };
    return (await this.#caller.call("POST /v1/replays/{id}/resume", call)).body;
  }

  /** What became of what it has sent again, as it is now. */
  async report(id: string, options: CallOptions = {}): Promise<ReplayReport> {
    return (await this.#caller.call("GET /v1/replays/{id}/report", { id, ...options })).body;
  }

  /**
   * Looks until the replay has ended: completed, canceled, or stopped by its canary.
   * @throws RingbackError `timed_out`
   */
  async wait(id: string, options: ReplayWaitOptions = {}): Promise<Replay> {
    const { timeoutMs, onProgress } = options;
    const late = (): RingbackError => {
      const detail = `${id} is still running after ${timeoutMs} ms`;
      return new RingbackError({ code: "timed_out", detail });
    };
    return await withTimeout(options, late, async (signal) => {
      for (let lookMs = LOOK_MS.first; ; lookMs = Math.min(lookMs * 2, LOOK_MS.longest)) {
        const replay = await this.get(id, { signal });
        onProgress?.(replay);
        if (replay.finished_at !== null) return replay;
        await pause(lookMs, signal);
      }
    });
  }
}
