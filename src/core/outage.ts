const OUTAGE_CODES = new Set([
  // the socket
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
  // Postgres: shutting down, starting up, dropped, read-only standby, statement timed out
  "57P01",
  "57P02",
  "57P03",
  "57P05",
  "25006",
  "57014",
]);

const OUTAGE_MESSAGES =
  /connection terminated|query read timeout|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|client was closed|cannot use a pool after calling end/i;

/**
 * True when the database is away or can't work right now (lost connections, restarts, no free
 * connection, a full disk), as opposed to a statement that is wrong. Whether a commit that failed
 * this way took place is unknown.
 */
export function isOutage(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string") {
    // classes 08 (connection), 53 (resources: connections, memory, disk), 58 (system)
    if (OUTAGE_CODES.has(code) || /^(08|53|58)...$/.test(code)) return true;
  }
  return typeof message === "string" && OUTAGE_MESSAGES.test(message);
}
