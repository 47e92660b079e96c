// SQLSTATE: 08 connection, 53 resources (disk, memory, connections), 58 system, 57P01-05 shutting
// down or starting up, 57014 statement timeout, 25006 standby, 25P03 idle in a transaction, 40001
// and 40P01 lost to a neighbour.
const STATES = /^(08...|53...|58...|57P0[1-5]|57014|25006|25P03|40001|40P01)$/;
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
