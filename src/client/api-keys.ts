import type { ApiCaller, BodyOf, CallOptions, QueryOf } from "./caller.ts";
import type { ApiKey, ApiKeyWithText } from "./openapi-types.ts";
import { Pages, withCursor } from "./pages.ts";

/** API keys of the account; for keys with the scope `admin`. */
export class ApiKeys {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** `key` in the answer is shown this once. */
  async create(
    key: BodyOf<"POST /v1/api-keys">,
    options: CallOptions = {},
  ): Promise<ApiKeyWithText> {
    const call = { body: key, ...options };
    return (await this.#caller.call("POST /v1/api-keys", call)).body;
  }

  list(query: QueryOf<"GET /v1/api-keys"> = {}, options: CallOptions = {}): Pages<ApiKey> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/api-keys", call)).body;
    }, options);
  }

  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call("DELETE /v1/api-keys/{id}", { id, ...options });
  }
}
