import { parseMoment } from "../output/times.ts";
import { usageError } from "../exit.ts";

/** A filter of deliveries as the API takes it; the API judges names and values. */
export type Filter = Record<string, unknown>;

const TIMES = new Set(["since", "until"]);
/** Filters that take several values, with commas. */
const LISTS = new Set(["ids", "status_class", "error_code"]);

/** Parses `reason=exhausted`, `endpoint-id=ep_…`, `since=2h`, `ids=dlv_…,dlv_…`. */
export function parseFilter(parts: readonly string[]): Filter {
  return Object.fromEntries(parts.map(parsePart));
}

function parsePart(part: string): [string, unknown] {
  const [, name, value] = /^([a-z][a-z_-]*)=(.+)$/s.exec(part) ?? [];
  if (name === undefined || value === undefined) {
    throw usageError(`${JSON.stringify(part)} is no filter: write key=value, as reason=exhausted`);
  }
  const key = name.replaceAll("-", "_");
  if (TIMES.has(key)) return [key, parseMoment(value)];
  if (key === "status_code") return [key, value.split(",").map(Number)];
  // those to callback URLs
  if (key === "endpoint_id" && value === "none") return [key, null];
  return [key, LISTS.has(key) ? value.split(",") : value];
}
