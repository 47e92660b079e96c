import type { Attempt } from "../../api/types.ts";

/** Headers that the client sets itself. */
const OMITTED = /^(content-length|host|connection|transfer-encoding)$/i;

/** The request of an attempt as a command for a POSIX shell. Its timestamp and signature are old. */
export function toCurl({ url, request_headers }: Attempt, body: string): string {
  const headers = Object.entries(request_headers)
    .filter(([name]) => !OMITTED.test(name))
    .map(([name, value]) => `  -H ${quote(`${name}: ${value}`)}`);
  return [`curl -i -X POST ${quote(url)}`, ...headers, `  --data-raw ${quote(body)}`].join(" \\\n");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
