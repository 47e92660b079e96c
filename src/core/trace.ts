const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The trace id of a `traceparent` header, or null when the header is absent or malformed, in which
 * case the caller starts a new trace. Versions above 00 may carry more fields.
 * Source: W3C Trace Context, 2.2 and 3.2.
 */
export function parseTraceparent(header: string | undefined): string | null {
  const match = header === undefined ? null : TRACEPARENT.exec(header.trim());
  if (match === null) return null;
  const [, version, traceId = "", parentId = "", , more] = match;
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  return /^0+$/.test(traceId) || /^0+$/.test(parentId) ? null : traceId;
}
