import { hindranceOf } from "../core/outage.ts";
import { Problem } from "../core/problem.ts";

/** Seconds after which a client may try again when a dependency is away. */
const RETRY_AFTER_S = 2;

/** The problem that answers anything that was thrown; `unexpected` is for the log. */
export function toProblem(error: unknown): { problem: Problem; unexpected: boolean } {
  if (error instanceof Problem) return { problem: error, unexpected: false };
  if (error instanceof URIError) {
    const problem = new Problem("path_invalid", "The path has a malformed percent encoding.");
    return { problem, unexpected: false };
  }
  if (hindranceOf(error) !== null) return { problem: unavailable(), unexpected: false };
  const detail = "The request was not carried out. Quote the request id when you ask about it.";
  return { problem: new Problem("internal", detail), unexpected: true };
}

function unavailable(): Problem {
  return new Problem("unavailable", "A part of the service can't be reached. Try again soon.", {
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** The body of RFC 9457. `type` is a link to a description, relative to the origin. */
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
