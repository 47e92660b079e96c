/** The counters behind the charts: plain counts, then two histograms, in one row of numbers. */
const COUNTERS = [
  "jobs.accepted",
  "jobs.completed",
  "jobs.failed",
  "jobs.canceled",
  "deliveries.delivered",
  "deliveries.dead",
  "attempts.2xx",
  "attempts.3xx",
  "attempts.4xx",
  "attempts.5xx",
  "attempts.error",
] as const;
type Counter = (typeof COUNTERS)[number];

/** Upper bounds in milliseconds; what is longer goes into one bucket more. */
const BOUNDS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000,
  5_000, 7_000, 10_000, 15_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000, 43_200_000,
  86_400_000, 259_200_000,
];
const BUCKETS = BOUNDS.length + 1;
const HISTOGRAMS = { latency: COUNTERS.length, response: COUNTERS.length + BUCKETS };

export const STATS_WIDTH = COUNTERS.length + 2 * BUCKETS;

/** Bounds are those of the smallest and of the largest steps of charts that have rows of their own. */
export const STATS_STEPS_S = [60, 3_600] as const;
/** `endpoint_id` of what belongs to no endpoint. */
export const NO_ENDPOINT = "00000000-0000-0000-0000-000000000000";

/** The slot of a counter in that row. */
export function counterSlot(counter: Counter): number {
  return COUNTERS.indexOf(counter);
}

/** The slot of the bucket that a duration falls into. */
export function durationSlot(histogram: keyof typeof HISTOGRAMS, ms: number): number {
  const found = BOUNDS.findIndex((bound) => ms <= bound);
  return HISTOGRAMS[histogram] + (found === -1 ? BOUNDS.length : found);
}

/** The counter of an attempt that ended in this status code; null: in none. */
export function attemptCounter(statusCode: number | null): Counter {
  if (statusCode === null) return "attempts.error";
  if (statusCode < 300) return "attempts.2xx";
  if (statusCode < 400) return "attempts.3xx";
  return statusCode < 500 ? "attempts.4xx" : "attempts.5xx";
}

export interface Percentiles {
  p50: number;
  p90: number;
  p99: number;
}

/** Numbers of one span of time, by name. */
export interface StatsSummary {
  jobs: { accepted: number; completed: number; failed: number; canceled: number };
  deliveries: { delivered: number; dead: number };
  attempts: { "2xx": number; "3xx": number; "4xx": number; "5xx": number; error: number };
  /** From a message's creation to its delivery. */
  latency_ms: Percentiles | null;
  /** Durations of HTTP attempts. */
  response_ms: Percentiles | null;
}

export function summarize(counts: readonly number[]): StatsSummary {
  const of = (counter: Counter): number => counts[counterSlot(counter)] ?? 0;
  return {
    jobs: {
      accepted: of("jobs.accepted"),
      completed: of("jobs.completed"),
      failed: of("jobs.failed"),
      canceled: of("jobs.canceled"),
    },
    deliveries: { delivered: of("deliveries.delivered"), dead: of("deliveries.dead") },
    attempts: {
      "2xx": of("attempts.2xx"),
      "3xx": of("attempts.3xx"),
      "4xx": of("attempts.4xx"),
      "5xx": of("attempts.5xx"),
      error: of("attempts.error"),
    },
    latency_ms: percentiles(counts, HISTOGRAMS.latency),
    response_ms: percentiles(counts, HISTOGRAMS.response),
  };
}

function percentiles(counts: readonly number[], start: number): Percentiles | null {
  const buckets = counts.slice(start, start + BUCKETS);
  const total = buckets.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  const at = (share: number): number => quantile(buckets, share * total);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** Taken as evenly spread within its bucket; the last bucket has no end, so its beginning counts. */
function quantile(buckets: readonly number[], rank: number): number {
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    const to = BOUNDS[index];
    const from = BOUNDS[index - 1] ?? 0;
    if (to === undefined) return from;
    if (count > 0 && below + count >= rank) {
      return Math.round((from + ((to - from) * (rank - below)) / count) * 10) / 10;
    }
    below += count;
  }
  return BOUNDS.at(-1)!;
}
