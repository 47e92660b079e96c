import { formatId } from "../core/ids.ts";
import type { Principal } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import { grants, sufficientScopes } from "../core/scopes.ts";
import { getDelivery } from "../db/deliveries/deliveries.ts";
import { getReplay } from "../db/deliveries/replays.ts";
import type { HttpContext } from "./http-context.ts";
import type { Route } from "./route.ts";

type Guarded = Pick<Route, "scopes" | "method" | "endpoints">;

/**
 * Whether a principal may use a route at all. A route that says nothing of endpoints is closed to
 * principals that are bound to some.
 * @throws Problem scope_missing, endpoint_bound, account_suspended
 */
export function requireAccess(route: Guarded, caller: Principal): void {
  if (route.scopes === null) return;
  if (!grants(caller.scopes, route.scopes)) {
    const enough = sufficientScopes(route.scopes);
    const scopes = [enough.slice(0, -1).join(", "), enough.at(-1)].filter(Boolean).join(" or ");
    throw new Problem("scope_missing", `This needs an API key with scope ${scopes}.`, {
      headers: { "www-authenticate": `Bearer realm="ringback", error="insufficient_scope"` },
    });
  }
  if (caller.endpointIds !== null && route.endpoints === undefined) {
    throw new Problem("endpoint_bound", "This needs an API key that is not bound to endpoints.");
  }
  if (caller.suspended && route.method !== "get") {
    throw new Problem(
      "account_suspended",
      "The account is suspended: it can be read, and nothing can be changed.",
    );
  }
}

/**
 * Whether what `{id}` names belongs to an endpoint of the principal.
 * @throws Problem not_found, as for what does not exist
 */
export async function requireOwnTarget(
  { pool }: Pick<HttpContext, "pool">,
  { endpoints }: Guarded,
  { accountId, endpointIds }: Principal,
  params: Record<string, unknown>,
): Promise<void> {
  if (endpointIds === null) return;
  const id = String(params["id"]);
  const find = {
    endpoint: async () => id,
    delivery: async () => (await getDelivery(pool, accountId, id))?.endpoint_id,
    replay: async () => (await getReplay(pool, accountId, id))?.filter.endpoint_id,
  };
  if (endpoints === undefined || !(endpoints in find)) return;
  const found = await find[endpoints as keyof typeof find]();
  if (!endpointIds.includes(found ?? "")) {
    throw new Problem("not_found", `There is no such ${endpoints}.`);
  }
}

/**
 * The parameters of a query with the endpoint of the principal, which it need not name when it has
 * one, or with several of its own. @throws Problem endpoint_bound
 */
export function ownQuery(
  { endpoints }: Guarded,
  { endpointIds }: Principal,
  query: Record<string, unknown>,
): Record<string, unknown> {
  if (endpointIds === null || endpoints !== "query") return query;
  return { ...query, endpoint_id: ownEndpoints(endpointIds, query["endpoint_id"]) };
}

/** What a principal that is bound to endpoints may say of a replay. */
const OWN_REPLAY = new Set(["filter", "dry_run"]);

/** The body of a replay, whose filter names an endpoint of the principal. @throws as `ownQuery` */
export function ownBody(
  { endpoints }: Guarded,
  { endpointIds }: Principal,
  body: unknown,
): unknown {
  if (endpointIds === null || endpoints !== "filter" || !isObject(body)) return body;
  const other = Object.keys(body).find((name) => !OWN_REPLAY.has(name));
  if (other !== undefined) {
    throw new Problem("endpoint_bound", `An API key bound to endpoints can't give ${other}.`);
  }
  const filter = body["filter"];
  if (!isObject(filter)) return body;
  return {
    ...body,
    filter: { ...filter, endpoint_id: ownEndpoint(endpointIds, filter["endpoint_id"]) },
  };
}

function ownEndpoints(endpointIds: readonly string[], named: unknown): string {
  const several = Array.isArray(named) ? named : typeof named === "string" ? named.split(",") : [];
  if (several.length < 2) return ownEndpoint(endpointIds, named);
  return several.map((one) => ownEndpoint(endpointIds, one)).join(",");
}

function ownEndpoint(endpointIds: readonly string[], named: unknown): string {
  const own = endpointIds.map((id) => formatId("endpoint", id));
  const [first] = own;
  if (named === undefined && own.length === 1) return first!;
  if (typeof named === "string" && own.includes(named)) return named;
  throw new Problem("endpoint_bound", `Name one of the key's endpoints: ${own.join(", ")}.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
