/** Stands in for the value of a header that is not shown. */
export const REDACTED = "[redacted]";

const SENSITIVE =
  /^(authorization|proxy-authorization|cookie|set-cookie)$|token|secret|key|password/i;
/** Names that only sound like it: ids of public keys. */
const HARMLESS = new Set(["webhook-key-id"]);

/** The headers' names, without any value. */
export function redactAll(headers: Record<string, string>): Record<string, string> {
  // a copy, then changed: a name may be that of a setter, such as __proto__
  const redacted = { ...headers };
  for (const name in redacted) redacted[name] = REDACTED;
  return redacted;
}

/** The headers as they may be shown: values that look like credentials are replaced. */
export function redactHeaders(headers: Record<string, string>): Record<string, string> {
  const shown = { ...headers };
  for (const name in shown) {
    if (SENSITIVE.test(name) && !HARMLESS.has(name)) shown[name] = REDACTED;
  }
  return shown;
}
