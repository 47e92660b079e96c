import { createHash } from "node:crypto";
import { parseItem } from "structured-headers";
import type { StoredResponse } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import { findRemembered, rememberResponse } from "../flow/idempotency.ts";
import type { HttpContext } from "./http-context.ts";
import { problemBody } from "./problems.ts";
import type { Reply } from "./reply.ts";
import type { Idempotency } from "./route.ts";

const MAX_KEY = 255;
// Characters of a bare key: visible ASCII without the delimiters of structured fields.
const BARE = /^[!#$%&'*+./0-9:=?@A-Z^_`a-z|~-]+$/;

/**
 * Reads an `Idempotency-Key`: a structured-field string, or the same characters bare.
 * @throws Problem `idempotency_key_invalid`
 */
export function parseIdempotencyKey(header: string): string {
  const text = header.trim();
  const key = text.startsWith('"') ? parseQuoted(text) : BARE.test(text) ? text : null;
  if (key === null || key === "" || key.length > MAX_KEY) {
    throw new Problem(
      "idempotency_key_invalid",
      `Idempotency-Key must be a quoted string of 1 to ${MAX_KEY} ASCII characters.`,
    );
  }
  return key;
}

function parseQuoted(text: string): string | null {
  try {
    const [value] = parseItem(text);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/**
 * A hash of the parts that equal requests share. Bodies are compared by their texts: 1 and 1.0
 * differ, as do two numbers that are equal as doubles.
 * @param body without whitespace between tokens
 */
export function fingerprint(method: string, path: string, body: string): string {
  return createHash("sha256").update(`${method} ${path}\n${body}`).digest("base64");
}

export function storedResponse(reply: Reply): StoredResponse {
  return { status: reply.status, headers: reply.headers, body: reply.body ?? "" };
}

export function replayed(stored: StoredResponse): Reply {
  return {
    status: stored.status,
    headers: { ...stored.headers, "idempotency-replayed": "true" },
    body: stored.body,
  };
}

// Statuses that depend on the caller or on the moment, not on the request.
const NOT_KEPT = new Set([401, 403, 409, 413, 415, 429]);

/**
 * Runs the rest of a request that has a key. The use case looks up the key in its own transaction;
 * here only failed requests look it up: the first answer is repeated, whatever today's rules say,
 * and an error is kept like any answer.
 */
export async function keepErrors(
  context: HttpContext,
  request: { accountId: string; path: string; requestId: string; idempotency: Idempotency },
  work: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem) || !isKept(error)) throw error;
    const owner = { accountId: request.accountId, ...request.idempotency };
    const earlier = await findRemembered(context, owner);
    if (earlier !== null) return replayed(earlier);
    const reply: Reply = {
      status: error.status,
      headers: { "content-type": "application/problem+json", ...error.headers },
      body: problemBody(error, request.path, request.requestId),
    };
    await rememberResponse(context, { ...owner, response: storedResponse(reply) });
    return reply;
  }
}

function isKept({ status, code }: Problem): boolean {
  if (code === "idempotency_key_reused") return false;
  return status >= 400 && status < 500 && !NOT_KEPT.has(status);
}
