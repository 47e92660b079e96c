// SQLSTATE: 08 connection, 53 resources (disk, memory, connections), 58 system, 57P01-05 shutting
// down or starting up, 25006 standby, 25P03 idle in a transaction.
const STATES = /^(08...|53...|58...|57P0[1-5]|25006|25P03)$/;
const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
// pg and pg-pool give these no code, or one with other meanings too.
const MESSAGES =
  /timeout exceeded when trying to connect|connection terminated|query read timeout|connection error and is not queryable|client was closed|cannot use a pool after calling end|not currently accepting connections/i;

/**
 * True when the database is away or can't work right now (lost connections, restarts, no free
 * connection, a full disk), as opposed to a statement that is wrong. Whether a commit that failed
 * this way took place is unknown.
 */
export function isOutage(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message, errors } = error as Record<string, unknown>;
  if (typeof code === "string" && (SOCKET_CODES.has(code) || STATES.test(code))) return true;
  if (typeof message === "string" && MESSAGES.test(message)) return true;
  return Array.isArray(errors) && errors.some(isOutage);
}

/**
 * Deadlock victims (40P01) and serialization failures (40001): Postgres rolled the transaction back
 * for the sake of another, and doing it again may work.
 */
export function isLostToNeighbour(error: unknown): boolean {
  const code = codeOf(error);
  return code === "40P01" || code === "40001";
}

/** Why something failed that may work later, as the log says it; null: it is wrong. */
export type Hindrance = "database away" | "lost to a neighbour" | "statement took too long";

export function hindranceOf(error: unknown): Hindrance | null {
  if (isOutage(error)) return "database away";
  if (isLostToNeighbour(error)) return "lost to a neighbour";
  // 57014: the server ended it, so nothing was done
  return codeOf(error) === "57014" ? "statement took too long" : null;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}
