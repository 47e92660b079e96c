/** RFC 6901: `["a/b", 0]` → `/a~1b/0`. The whole document is the empty string. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path
    .map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}
