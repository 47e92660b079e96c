import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { Problem } from "../core/problem.ts";
import type { HttpContext } from "./http-context.ts";
import type { RequestInfo } from "./route.ts";

/** The session of the console. It rests in the browser, sealed, and counts while the server has its id. */
export interface ConsoleSession {
  id: string;
  keyId: string;
  accountId: string;
  csrf: string;
  /** Milliseconds since the epoch. */
  issuedAt: number;
}

const COOKIE = "ringback_session";
export const MAX_AGE_S = 43_200;
const SAFE = new Set(["GET", "HEAD"]);

// The kind keeps other texts sealed with the same key from passing as a session.
const sealed = z.strictObject({
  kind: z.literal("session"),
  id: z.uuid(),
  keyId: z.uuid(),
  accountId: z.uuid(),
  csrf: z.string(),
  issuedAt: z.number(),
});

type SessionContext = Pick<HttpContext, "vault" | "config" | "now">;

/** `Set-Cookie` of a session; null clears it. */
export function sessionCookie(
  { vault, config }: SessionContext,
  session: ConsoleSession | null,
): string {
  const value = session === null ? "" : vault.seal(JSON.stringify({ kind: "session", ...session }));
  const secure = config.publicUrl.startsWith("https:") ? "; Secure" : "";
  const maxAge = session === null ? 0 : MAX_AGE_S;
  return `${COOKIE}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
}

/** Reads the session of a request. Null: none, or one out of date or not sealed here. */
export function readSession(
  { vault, now }: Pick<SessionContext, "vault" | "now">,
  info: Pick<RequestInfo, "header">,
): ConsoleSession | null {
  const cookies = (info.header("cookie") ?? "").split(";").map((one) => one.trim());
  const value = cookies.find((one) => one.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  if (value === undefined || value === "") return null;
  try {
    const { kind: _, ...session } = sealed.parse(JSON.parse(vault.open(value)));
    return now().getTime() < session.issuedAt + MAX_AGE_S * 1000 ? session : null;
  } catch {
    return null;
  }
}

/**
 * Checks the CSRF token. A cookie comes along with a request of any page, so a request that changes
 * something must also show a token that only our own page can read.
 * @throws Problem csrf_failed
 */
export function checkCsrf(
  context: Pick<SessionContext, "config">,
  info: Pick<RequestInfo, "header">,
  method: string,
  session: ConsoleSession,
): void {
  if (SAFE.has(method)) return;
  checkOrigin(context, info);
  const given = Buffer.from(info.header("x-ringback-csrf") ?? "");
  const expected = Buffer.from(session.csrf);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Problem("csrf_failed", "Send the session's csrf_token as x-ringback-csrf.");
  }
}

/** Refuses a request of another site's page. @throws Problem csrf_failed */
export function checkOrigin(
  { config }: Pick<SessionContext, "config">,
  info: Pick<RequestInfo, "header">,
): void {
  const origin = info.header("origin");
  if (origin === undefined) return;
  const ours = URL.canParse(origin) ? new URL(origin) : null;
  if (ours?.origin === new URL(config.publicUrl).origin) return;
  if (ours !== null && ours.host === info.header("host")) return;
  throw new Problem("csrf_failed", `Pages of ${origin} may not do this.`);
}
