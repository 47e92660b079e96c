import { SCOPES, type Principal, type Scope } from "./model.ts";
import type { Permission } from "./portal.ts";

const IMPLIED: Record<Scope, readonly Scope[]> = {
  "jobs:read": [],
  jobs: ["jobs:read"],
  "webhooks:read": [],
  webhooks: ["webhooks:read"],
  "admin:read": ["jobs:read", "webhooks:read"],
  admin: ["jobs:read", "jobs", "webhooks:read", "webhooks", "admin:read"],
  operator: [],
};

/** The scopes that a key bound to endpoints may have. */
export const ENDPOINT_SCOPES = ["webhooks:read", "webhooks"] as const satisfies readonly Scope[];

/** Whether any of the scopes that are needed is held, or implied by one that is. */
export function grants(held: readonly Scope[], needed: readonly Scope[]): boolean {
  return needed.some((one) => held.some((scope) => scope === one || IMPLIED[scope].includes(one)));
}

/** All scopes each of which is enough. */
export function sufficientScopes(needed: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => grants([scope], needed));
}

/** What a principal that is bound to endpoints may do with them. */
export function permissionsOf({
  portal,
  scopes,
}: Pick<Principal, "portal" | "scopes">): readonly Permission[] {
  if (portal !== null) return portal.permissions;
  return grants(scopes, ["webhooks"]) ? ["read", "test", "replay"] : ["read"];
}
