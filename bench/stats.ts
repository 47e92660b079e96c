import type { Arrivals } from "./agents/receiver.ts";
import type { Sent } from "./agents/open-loop.ts";

/** The value that a share `q` of the values does not exceed. NaN of nothing. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

/** Per second, from the first arrival to the last. */
export function rateOf(ticks: Float64Array): number {
  const spanMs = ticks[ticks.length - 1]! - ticks[0]!;
  return ((ticks.length - 1) / spanMs) * 1000;
}

/** The same of the middle 80 %: without its start and its end. */
export function middleRate(ticks: Float64Array): number {
  const sorted = ticks.toSorted();
  return rateOf(sorted.subarray(Math.floor(sorted.length * 0.1), Math.ceil(sorted.length * 0.9)));
}

/** Per second between two times. */
export function rateBetween(ticks: Float64Array, from: number, to: number): number {
  return (ticks.filter((tick) => tick >= from && tick < to).length / (to - from)) * 1000;
}

/**
 * Milliseconds from the begin of each request to the first arrival that it caused.
 * @param counts says of request n (0, 1, …) whether it counts
 * @throws Error when one that counts never arrived
 */
export function latencies(
  sent: Sent,
  { keys, ticks }: Arrivals,
  counts: (n: number) => boolean = () => true,
): number[] {
  const arrivedAt = new Map<string, number>();
  keys.forEach((key, index) => {
    if (!arrivedAt.has(key)) arrivedAt.set(key, ticks[index]!);
  });
  return sent.keys.flatMap((key, n) => {
    if (!counts(n)) return [];
    const at = arrivedAt.get(key);
    if (at === undefined) throw new Error(`request ${key} never arrived`);
    return at - sent.ticks[n]!;
  });
}

/** How many arrived more than once. */
export function countTwice({ ids }: Arrivals): number {
  return ids.length - new Set(ids).size;
}
