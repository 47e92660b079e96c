import type { ReplayPace } from "./model.ts";

/** Steps a second, while there are that many to do: so the pace is even within a second. */
const STEPS_PER_S = 4;

/** The rate at a time of the ramp, a second. */
function rateAt({ per_s, ramp_s }: ReplayPace, sinceMs: number): number {
  const since = sinceMs / 1_000;
  if (per_s <= 1 || since >= ramp_s) return per_s;
  return 1 + ((per_s - 1) * Math.max(0, since)) / ramp_s;
}

/** The size of the next step, and the time that each of it takes. */
export function paceStep(
  pace: ReplayPace,
  sinceMs: number,
  most: number,
): { limit: number; msEach: number } {
  const rate = rateAt(pace, sinceMs);
  const limit = Math.min(most, Math.max(1, Math.floor(rate / STEPS_PER_S)));
  return { limit, msEach: 1_000 / rate };
}
