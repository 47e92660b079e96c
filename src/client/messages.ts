import type { ApiCaller, BodyOf, CallOptions } from "./caller.ts";
import { newIdempotencyKey } from "./idempotency-key.ts";
import type { JsonText } from "./json-text.ts";
import type { Message } from "./openapi-types.ts";

/** Messages: events of one's own. */
export class Messages {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** Publishes an event to every endpoint whose filter has its type. */
  async publish(
    type: string,
    data: Record<string, unknown> | JsonText,
    options: CallOptions & { idempotencyKey?: string | undefined } = {},
  ): Promise<Message> {
    const { idempotencyKey = newIdempotencyKey(), ...rest } = options;
    const body = { type, data } as BodyOf<"POST /v1/messages">;
    const call = { body, idempotencyKey, ...rest };
    return (await this.#caller.call("POST /v1/messages", call)).body;
  }

  async get(id: string, options: CallOptions = {}): Promise<Message> {
    return (await this.#caller.call("GET /v1/messages/{id}", { id, ...options })).body;
  }
}
