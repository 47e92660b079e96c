/** Counting stops here: what is shown is "more than 10,000". */
export const CAPPED_AT = 10_000;

/** Counting stops here where many counts are shown in one list. */
export const FIGURES_CAPPED_AT = 1_000;

/** A count that costs the same however many there are. */
export interface CappedCount {
  count: number;
  more: boolean;
}

/** @param count at most one more than is told */
export function toCapped(count: number): CappedCount {
  return { count: Math.min(count, CAPPED_AT), more: count > CAPPED_AT };
}
