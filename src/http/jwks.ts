import type { PublicKey } from "../core/jwk.ts";
import { toJwk } from "../core/jwk.ts";
import { findKeysByKid, findKeysOfAccounts, listNewestKeys } from "../db/accounts/signing-keys.ts";
import { createGroupCommit } from "../flow/group-commit.ts";
import type { Context } from "../flow/context.ts";

/** The keys of a set: of an account, the one with an id, or the newest of all accounts. */
export type JwksOf = { accountId: string } | { kid: string } | "all";

/** JSON Web Key Sets as text. */
export interface Jwks {
  /** Returns a key set; null: no such account. */
  read(of: JwksOf): Promise<string | null>;
}

/** The most keys in the set of all accounts. */
export const MOST_KEYS = 1_000;
const KEEP_MS = 1_000;
const KEEP_SETS = 1_000;
const AT_ONCE = 500;

/**
 * Public key sets. Sets are kept for 1 s, and sets asked for meanwhile are read together, so a
 * flood of requests costs one connection at most.
 */
export function createJwks({ pool, now }: Pick<Context, "pool" | "now">): Jwks {
  const kept = new Map<string, { set: Promise<string | null>; until: number }>();
  const reads = createGroupCommit<JwksOf, PublicKey[]>(async (all) => {
    const accountIds = all.flatMap((of) => (isAccount(of) ? [of.accountId] : []));
    const kids = all.flatMap((of) => (isKid(of) ? [of.kid] : []));
    const ofAccounts = Map.groupBy(
      accountIds.length === 0 ? [] : await findKeysOfAccounts(pool, accountIds),
      ({ account_id }) => account_id,
    );
    const byKid = Map.groupBy(
      kids.length === 0 ? [] : await findKeysByKid(pool, kids),
      ({ kid }) => kid,
    );
    const newest = all.includes("all") ? await listNewestKeys(pool, MOST_KEYS) : [];
    return all.map((of) => {
      if (isAccount(of)) return ofAccounts.get(of.accountId) ?? [];
      return isKid(of) ? (byKid.get(of.kid) ?? []) : newest;
    });
  }, AT_ONCE);

  async function find(of: JwksOf): Promise<string | null> {
    const keys = await reads.add(of);
    // an account always has a key
    if (isAccount(of) && keys.length === 0) return null;
    return JSON.stringify({ keys: keys.map(toJwk) });
  }

  return {
    read(of) {
      const name = JSON.stringify(of);
      const at = now().getTime();
      const hit = kept.get(name);
      if (hit !== undefined && at < hit.until) return hit.set;
      const set = find(of);
      kept.delete(name);
      kept.set(name, { set, until: at + KEEP_MS });
      if (kept.size > KEEP_SETS) kept.delete(kept.keys().next().value ?? "");
      set.catch(() => kept.delete(name));
      return set;
    },
  };
}

function isAccount(of: JwksOf): of is { accountId: string } {
  return of !== "all" && "accountId" in of;
}

function isKid(of: JwksOf): of is { kid: string } {
  return of !== "all" && "kid" in of;
}
