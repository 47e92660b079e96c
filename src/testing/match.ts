import { isDeepStrictEqual } from "node:util";

/** Whether a value has all members of the pattern; lists must be equal. */
export function fits(pattern: unknown, value: unknown): boolean {
  if (!isPlain(pattern)) return isDeepStrictEqual(pattern, value);
  return (
    typeof value === "object" &&
    value !== null &&
    Object.entries(pattern).every(([name, part]) =>
      fits(part, (value as Record<string, unknown>)[name]),
    )
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}
