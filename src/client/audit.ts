import type { ApiCaller, CallOptions, QueryOf } from "./caller.ts";
import { withCursor } from "./jobs.ts";
import type { AuditEvent } from "./openapi-types.ts";
import { Pages } from "./pages.ts";

/** Who changed what in the account; for keys with the scope `admin:read`. */
export class Audit {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  list(query: QueryOf<"GET /v1/audit-events"> = {}, options: CallOptions = {}): Pages<AuditEvent> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/audit-events", call)).body;
    }, options);
  }
}
