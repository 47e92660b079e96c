/** Stands in for the value of a header that is not shown. */
export const REDACTED = "[redacted]";

const SENSITIVE =
  /^(authorization|proxy-authorization|cookie|set-cookie)$|token|secret|key|password/i;
/** Names that only sound like it: ids of public keys. */
const HARMLESS = new Set(["webhook-key-id"]);

/** The headers' names, without any value. */
export function redactAll(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, REDACTED]));
}

/** The headers as they may be shown: values that look like credentials are replaced. */
export function redactHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      SENSITIVE.test(name) && !HARMLESS.has(name) ? REDACTED : value,
    ]),
  );
}
