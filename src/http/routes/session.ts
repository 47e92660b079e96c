import { randomBytes } from "node:crypto";
import { z } from "zod";
import { hashApiKey } from "../../core/api-key.ts";
import { formatId } from "../../core/ids.ts";
import { Problem } from "../../core/problem.ts";
import { getAccount } from "../../db/accounts/accounts.ts";
import { findApiKey, getApiKey } from "../../db/accounts/api-keys.ts";
import { findSignedIn } from "../../db/accounts/console-sessions.ts";
import { beginConsoleSession, endConsoleSession } from "../../flow/accounts/console-sessions.ts";
import type { HttpContext } from "../http-context.ts";
import { json, noContent, type Reply } from "../reply.ts";
import { route, type Route } from "../route.ts";
import {
  checkOrigin,
  MAX_AGE_S,
  readSession,
  sessionCookie,
  type ConsoleSession,
} from "../session.ts";
import { createSignInLimit } from "../sign-in-limit.ts";

const path = "/console/session";
const tag = "Console";
const PRIVATE = { "cache-control": "no-store" };

/**
 * Routes to sign in to the console. They belong to the console, not to the API, whose description
 * leaves them out.
 */
export function createSessionRoutes(context: Pick<HttpContext, "now">): Route[] {
  const limit = createSignInLimit(() => context.now().getTime());

  const signIn = route({
    method: "post",
    path,
    scopes: null,
    operationId: "signIn",
    tag,
    summary: "Sign in with an API key",
    body: z.strictObject({ api_key: z.string().max(300) }),
    responses: { 200: { description: "Who is signed in" } },
    problems: ["unauthenticated", "csrf_failed", "sign_in_limited"],
    async handler(http, { body, remoteAddress, header, by }) {
      checkOrigin(http, { header });
      const caller = await findApiKey(http.pool, hashApiKey(body.api_key.trim()));
      if (caller === null) {
        limit.failed(remoteAddress);
        throw new Problem("unauthenticated", "The API key is unknown or revoked.");
      }
      if (caller.endpointIds !== null) {
        throw new Problem(
          "endpoint_bound",
          "The console is for API keys that are not bound to endpoints.",
        );
      }
      const { keyId, accountId } = caller;
      const csrf = randomBytes(24).toString("base64url");
      const id = await beginConsoleSession(http, {
        keyId,
        accountId,
        lifetimeS: MAX_AGE_S,
        by: { ...by, actor: { ...caller.actor, type: "console" } },
      });
      const session = { id, keyId, accountId, csrf, issuedAt: http.now().getTime() };
      return await sessionReply(http, session, { "set-cookie": sessionCookie(http, session) });
    },
  });

  const look = route({
    method: "get",
    path,
    scopes: null,
    operationId: "getSession",
    tag,
    summary: "Who is signed in",
    responses: { 200: { description: "Who is signed in" } },
    problems: ["unauthenticated"],
    async handler(http, info) {
      const session = readSession(http, info);
      const caller = session && (await findSignedIn(http.pool, session));
      if (session === null || caller === null) {
        throw new Problem("unauthenticated", "Sign in with an API key.");
      }
      return await sessionReply(http, session, {});
    },
  });

  const signOut = route({
    method: "delete",
    path,
    scopes: null,
    operationId: "signOut",
    tag,
    summary: "Sign out: the session ends, also for whoever has a copy of the cookie",
    responses: { 204: { description: "Signed out" } },
    problems: ["csrf_failed"],
    async handler(http, info) {
      checkOrigin(http, info);
      const session = readSession(http, info);
      const caller = session && (await findSignedIn(http.pool, session));
      if (session !== null && caller !== null) {
        const by = { ...info.by, actor: caller.actor };
        await endConsoleSession(http, { ...session, by });
      }
      return { ...noContent(), headers: { ...PRIVATE, "set-cookie": sessionCookie(http, null) } };
    },
  });

  return [signIn, look, signOut];
}

async function sessionReply(
  { pool }: Pick<HttpContext, "pool">,
  { accountId, keyId, csrf }: ConsoleSession,
  headers: Record<string, string>,
): Promise<Reply> {
  const [account, key] = await Promise.all([
    getAccount(pool, accountId),
    getApiKey(pool, accountId, keyId),
  ]);
  const view = {
    account: {
      id: formatId("account", accountId),
      name: account!.name,
      state: account!.state,
    },
    key: { id: formatId("key", keyId), name: key?.name ?? "", scopes: key?.scopes ?? [] },
    csrf_token: csrf,
  };
  return json(200, view, { ...PRIVATE, ...headers });
}
