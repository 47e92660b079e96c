import { parseMoment } from "../output/times.ts";
import { usageError } from "../exit.ts";

/** A filter of deliveries as the API takes it; the API judges names and values. */
export type Filter = Record<string, unknown>;

const TIMES = new Set(["since", "until"]);

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
  return [key, key === "ids" ? value.split(",") : value];
}
