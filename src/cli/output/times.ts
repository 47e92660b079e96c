import { withinYears } from "../../core/times.ts";
import { usageError } from "../exit.ts";

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** `1.2 s`, `3 min`, `5 h`, `2 d`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** `3 min ago`, or `in 5 s`. */
export function relative(time: string | null, now = Date.now()): string {
  if (time === null) return "";
  const ms = now - Date.parse(time);
  if (Math.abs(ms) < 1_000) return "now";
  return ms >= 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
}

/** `2026-11-21 10:15:30 UTC (3 min ago)`. */
export function fullTime(time: string | null, now = Date.now()): string {
  if (time === null) return "";
  return `${time.slice(0, 19).replace("T", " ")} UTC (${relative(time, now)})`;
}

/** A moment: ISO 8601, or how long ago: `90s`, `30m`, `2h`, `7d`. */
export function parseMoment(text: string, now = Date.now()): string {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const seconds = UNITS.find(([name]) => name === unit)?.[1];
  const ago = count !== undefined && seconds !== undefined ? Number(count) * seconds * 1_000 : null;
  const at = ago !== null ? now - ago : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  const time = withinYears(at);
  if (Number.isNaN(time.getTime())) {
    throw usageError(
      `${JSON.stringify(text)} is no time: give 2026-11-21T10:00:00Z, or how long ago: 30m, 2h, 7d`,
    );
  }
  return time.toISOString();
}
