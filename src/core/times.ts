/** `850 ms`, `1.2 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0).replace(/\.0$/, "")} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return twoUnits(seconds, 60, "min", "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return twoUnits(minutes, 60, "h", "min");
  return twoUnits(Math.round(minutes / 60), 24, "d", "h");
}

function twoUnits(amount: number, step: number, big: string, small: string): string {
  const rest = amount % step;
  const whole = `${Math.floor(amount / step)} ${big}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

/** Four digits are all that ISO 8601 has for a year without further agreement. */
const FIRST = Date.parse("0001-01-01T00:00:00Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * The nearest time of the years 1 to 9999: nothing was before, and nothing will be after them.
 * @param ms since the epoch
 */
export function withinYears(ms: number): Date {
  return new Date(Math.min(Math.max(ms, FIRST), LAST));
}
