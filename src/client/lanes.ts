import type { ApiCaller, CallOptions, QueryOf } from "./caller.ts";
import type { Lane } from "./openapi-types.ts";
import { Pages, withCursor } from "./pages.ts";

/** Lanes: the streams of deliveries, one per destination. */
export class Lanes {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  list(query: QueryOf<"GET /v1/lanes"> = {}, options: CallOptions = {}): Pages<Lane> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/lanes", call)).body;
    }, options);
  }
}
