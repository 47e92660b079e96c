import type { ApiCaller, BodyOf, CallOptions, QueryOf } from "./caller.ts";
import { withCursor } from "./jobs.ts";
import type { Account, ApiKeyWithText } from "./openapi-types.ts";
import { Pages } from "./pages.ts";

/** The accounts of the service; for keys with the scope `operator`. */
export class Accounts {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  async create(account: BodyOf<"POST /v1/accounts">, options: CallOptions = {}): Promise<Account> {
    return (await this.#caller.call("POST /v1/accounts", { body: account, ...options })).body;
  }

  list(query: QueryOf<"GET /v1/accounts"> = {}, options: CallOptions = {}): Pages<Account> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/accounts", call)).body;
    }, options);
  }

  async get(id: string, options: CallOptions = {}): Promise<Account> {
    return (await this.#caller.call("GET /v1/accounts/{id}", { id, ...options })).body;
  }

  async rename(id: string, name: string, options: CallOptions = {}): Promise<Account> {
    return await this.#change(id, { name }, options);
  }

  /** Nothing new is accepted; what was accepted is computed and delivered. */
  async suspend(
    id: string,
    reason: string | null = null,
    options: CallOptions = {},
  ): Promise<Account> {
    return await this.#change(id, { state: "suspended", reason }, options);
  }

  async resume(id: string, options: CallOptions = {}): Promise<Account> {
    return await this.#change(id, { state: "active" }, options);
  }

  /** Its keys stop working at once; its data goes in steps, which `get` tells of. */
  async delete(id: string, options: CallOptions = {}): Promise<Account> {
    return (await this.#caller.call("DELETE /v1/accounts/{id}", { id, ...options })).body;
  }

  /** A key of the account. `key` in the answer is shown this once. */
  async createApiKey(
    id: string,
    key: BodyOf<"POST /v1/accounts/{id}/api-keys">,
    options: CallOptions = {},
  ): Promise<ApiKeyWithText> {
    const call = { id, body: key, ...options };
    return (await this.#caller.call("POST /v1/accounts/{id}/api-keys", call)).body;
  }

  async #change(
    id: string,
    body: BodyOf<"PATCH /v1/accounts/{id}">,
    options: CallOptions,
  ): Promise<Account> {
    return (await this.#caller.call("PATCH /v1/accounts/{id}", { id, body, ...options })).body;
  }
}
