/** Count, sum and extremes of many columns side by side, in one block of memory. */
export type StatsBlock = Float64Array;

export interface Stats {
  count: number;
  /** Null when it exceeds the largest number; so the mean. */
  sum: number | null;
  mean: number | null;
  min: number | null;
  max: number | null;
}

const COUNT = 0;
const SUM = 1;
const CARRY = 2;
const MIN = 3;
const MAX = 4;
const WIDTH = 5;

export function createStats(columns: number): StatsBlock {
  return new Float64Array(columns * WIDTH);
}

/** Adds a value. The sum keeps what rounding loses: Neumaier's variant of Kahan summation. */
export function addToStats(stats: StatsBlock, column: number, value: number): void {
  const at = column * WIDTH;
  const count = stats[at + COUNT] ?? 0;
  const sum = stats[at + SUM] ?? 0;
  const next = sum + value;
  const lost = Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
  stats[at + COUNT] = count + 1;
  stats[at + SUM] = next;
  stats[at + CARRY] = (stats[at + CARRY] ?? 0) + lost;
  if (count === 0 || value < (stats[at + MIN] ?? 0)) stats[at + MIN] = value;
  if (count === 0 || value > (stats[at + MAX] ?? 0)) stats[at + MAX] = value;
}

export function readStats(stats: StatsBlock, column: number): Stats {
  const at = column * WIDTH;
  const count = stats[at + COUNT] ?? 0;
  if (count === 0) return { count, sum: 0, mean: null, min: null, max: null };
  const sum = (stats[at + SUM] ?? 0) + (stats[at + CARRY] ?? 0);
  return {
    count,
    sum: Number.isFinite(sum) ? sum : null,
    mean: Number.isFinite(sum) ? sum / count : null,
    min: stats[at + MIN] ?? null,
    max: stats[at + MAX] ?? null,
  };
}
