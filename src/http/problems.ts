import { Problem } from "../core/problem.ts";

/** Seconds after which a client may try again when a dependency is away. */
const RETRY_AFTER_S = 2;

// SQLSTATE classes: 08 connection, 53 resources (disk, memory, connections), 57P database going
// down or coming up; and serialization, deadlock, read-only, canceled statement.
const UNAVAILABLE_STATE = /^(08...|53...|57P0[1-5]|25006|40001|40P01|57014|58030)$/;
const UNAVAILABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
// pg and pg-pool give most of these no code; the last one is a 55000, which has other meanings too.
const UNAVAILABLE_TEXT =
  /timeout exceeded when trying to connect|connection terminated|query read timeout|connection error and is not queryable|cannot use a pool after calling end|not currently accepting connections/i;

/** Whether an error means that the database can't be reached or can't work at the moment. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (UNAVAILABLE_CODES.has(code) || UNAVAILABLE_STATE.test(code)) return true;
  if (UNAVAILABLE_TEXT.test(error.message)) return true;
  return error instanceof AggregateError && error.errors.some(isUnavailable);
}

/** Whatever was thrown, as what the caller is told; `unexpected` is for the log. */
export function toProblem(error: unknown): { problem: Problem; unexpected: boolean } {
  if (error instanceof Problem) return { problem: error, unexpected: false };
  if (error instanceof URIError) {
    const problem = new Problem("path_invalid", "The path has a malformed percent encoding.");
    return { problem, unexpected: false };
  }
  if (isUnavailable(error)) return { problem: unavailable(), unexpected: false };
  const detail = "The request was not carried out. Quote the request id when you ask about it.";
  return { problem: new Problem("internal", detail), unexpected: true };
}

function unavailable(): Problem {
  return new Problem("unavailable", "A part of the service can't be reached. Try again soon.", {
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** The body of RFC 9457. `type` is a reference relative to the origin; it leads to a description. */
export function problemBody(problem: Problem, instance: string, requestId: string): string {
  return JSON.stringify({
    type: `/problems/${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    instance,
    request_id: requestId,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
    ...problem.members,
  });
}
