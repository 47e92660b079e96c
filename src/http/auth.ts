import { hashApiKey } from "../core/api-key.ts";
import type { Principal } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import { findApiKey } from "../db/accounts/api-keys.ts";
import { findPartner } from "../db/accounts/portal-sessions.ts";
import { findSignedIn } from "../db/accounts/console-sessions.ts";
import { createKeyUse } from "../flow/accounts/api-keys.ts";
import type { HttpContext } from "./http-context.ts";
import type { RequestInfo } from "./route.ts";
import { checkCsrf, readSession } from "./session.ts";

/** The longest time for which a revoked key goes on working. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 1_000;

const BEARER = /^Bearer +(r[kp]_[A-Za-z0-9_-]{1,200})$/i;

export type Authenticate = (
  info: Pick<RequestInfo, "header">,
  method: string,
) => Promise<Principal>;

type AuthContext = Pick<HttpContext, "pool" | "now" | "vault" | "config">;

/**
 * Makes the function that identifies callers by their key, or, without one, by the session of the
 * console. Keys are looked up by hash and hits are remembered, so a busy caller costs one query
 * per 5 s; the keys themselves are not kept.
 */
export function createAuthenticator(context: AuthContext): Authenticate {
  const cache = new Map<string, { caller: Principal; until: number }>();
  const noteUse = createKeyUse(context);

  return async function authenticate(info, method) {
    const authorization = info.header("authorization");
    if (authorization === undefined && info.header("cookie") !== undefined) {
      const caller = await findCallerOfSession(context, info, method);
      if (caller !== null) {
        noteUse(caller.keyId);
        return caller;
      }
    }
    const key = BEARER.exec(authorization?.trim() ?? "")?.[1];
    if (key === undefined) {
      throw unauthenticated(howToSend(authorization, info));
    }
    const hash = hashApiKey(key);
    if (/^rp_/.test(key)) return await findCallerOfPortal(context, hash);
    const name = hash.toString("base64");
    const now = context.now().getTime();
    const hit = cache.get(name);
    cache.delete(name);
    if (hit !== undefined && now < hit.until) {
      cache.set(name, hit);
      return hit.caller;
    }
    const caller = await findApiKey(context.pool, hash);
    if (caller === null) throw unauthenticated("The API key is unknown or revoked.");
    cache.set(name, { caller, until: now + CACHE_MS });
    noteUse(caller.keyId);
    // A Map keeps the order of insertion: the first is the least recently used.
    if (cache.size > CACHE_SIZE) cache.delete(cache.keys().next().value ?? "");
    return caller;
  };
}

/**
 * The principal that is signed in, while its key lives. Null: there is no session.
 * @throws Problem csrf_failed, unauthenticated
 */
async function findCallerOfSession(
  context: AuthContext,
  info: Pick<RequestInfo, "header">,
  method: string,
): Promise<Principal | null> {
  const session = readSession(context, info);
  if (session === null) return null;
  checkCsrf(context, info, method, session);
  const caller = await findSignedIn(context.pool, session);
  if (caller === null) throw unauthenticated("This session has ended. Sign in again.");
  return caller;
}

/** Headers that other services take keys in. */
const OTHER_HEADERS = ["x-api-key", "api-key", "x-auth-token"];

function howToSend(
  authorization: string | undefined,
  { header }: Pick<RequestInfo, "header">,
): string {
  if (authorization !== undefined) {
    return "The authorization header must be Bearer and a key that begins with rk_.";
  }
  const other = OTHER_HEADERS.find((name) => header(name) !== undefined);
  return other === undefined
    ? "Send authorization: Bearer rk_…"
    : `The header ${other} is not read. Send authorization: Bearer rk_…`;
}

/** A partner, as its link says: looked up each time, so that a revoked one is refused at once. */
async function findCallerOfPortal({ pool }: AuthContext, hash: Buffer): Promise<Principal> {
  const caller = await findPartner(pool, hash);
  if (caller === null) throw unauthenticated("This link has expired or was revoked.");
  return caller;
}

function unauthenticated(detail: string): Problem {
  return new Problem("unauthenticated", detail, {
    headers: { "www-authenticate": 'Bearer realm="ringback"' },
  });
}
