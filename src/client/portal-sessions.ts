import type { ApiCaller, BodyOf, CallOptions, QueryOf } from "./caller.ts";
import type { PortalSession, PortalSessionWithUrl } from "./openapi-types.ts";
import { Pages, withCursor } from "./pages.ts";

/** Links by which partners see their endpoints; for keys with the scope `webhooks`. */
export class PortalSessions {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** `url` in the answer is shown this once. */
  async create(
    session: BodyOf<"POST /v1/portal-sessions">,
    options: CallOptions = {},
  ): Promise<PortalSessionWithUrl> {
    const call = { body: session, ...options };
    return (await this.#caller.call("POST /v1/portal-sessions", call)).body;
  }

  /** Those that have not ended. */
  list(
    query: QueryOf<"GET /v1/portal-sessions"> = {},
    options: CallOptions = {},
  ): Pages<PortalSession> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/portal-sessions", call)).body;
    }, options);
  }

  async revoke(id: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call("DELETE /v1/portal-sessions/{id}", { id, ...options });
  }
}
