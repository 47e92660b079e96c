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
