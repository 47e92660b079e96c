import type { Check } from "./checks.ts";
import type { Incident, SlowTime } from "./incident.ts";
import { PAUSE_MS, SUBMITTERS } from "./load.ts";
import type { Recovery } from "./report.ts";
import type { Silence, Watch } from "./watch.ts";

/** Round trips, one after the other, of a submission that waits for the group before it; or of a lane's turn. */
const ROUND_TRIPS = 12;
/** What one of them takes a busy database, that is slow by its share. */
const ROUND_TRIP_MS = 20;
/** Nothing stands still for longer on a fast database, whatever dies. */
const STILL_MS = 5_000;
/** A short measure on a busy machine may be so much off. */
const LEAST = 0.5;

export interface SlowRow {
  scenario: string;
  /** Submissions acknowledged per second: before, meanwhile, and the least that the delay explains. */
  before: number;
  during: number;
  least: number;
  longest: Silence | null;
  /** Longer is standing still. */
  stillMs: number;
  recoveryMs: number | null;
}

/** What slow times did to the load, held against what the slowness explains. */
export function measureSlowness(
  incidents: readonly Incident[],
  recoveries: readonly Recovery[],
  times: readonly number[],
  watch: Pick<Watch, "silences">,
): { rows: SlowRow[]; checks: Check[] } {
  const rows = incidents.flatMap((incident, index) => {
    const { slow, scenario } = incident;
    if (slow === undefined) return [];
    const before = rate(times, slow.calmFrom, slow.from);
    const [longest] = watch.silences(slow.from, slow.to);
    return {
      scenario,
      before,
      during: rate(times, slow.from, slow.to),
      least: LEAST * explained(before, slow),
      longest: longest ?? null,
      stillMs: STILL_MS + slow.stallMs + wait(slow),
      recoveryMs: recoveries[index]?.ms ?? null,
    };
  });
  const check = (name: string, broken: (row: SlowRow) => string | false): Check => ({
    name,
    of: rows.length,
    broken: rows.flatMap((row) => {
      const what = broken(row);
      return what === false ? [] : `${row.scenario}: ${what}`;
    }),
  });
  return {
    rows,
    checks: [
      check(
        "throughput falls no further than the delay explains",
        ({ before, during, least }) =>
          during < least &&
          `${before.toFixed(1)} submissions/s before, ${during.toFixed(1)} meanwhile, ${least.toFixed(1)} expected`,
      ),
      check(
        "nothing stands still on a slow database",
        ({ longest, stillMs }) =>
          longest !== null &&
          longest.ms > stillMs &&
          `${longest.of} got nothing for ${Math.round(longest.ms)} ms, of ${Math.round(stillMs)}`,
      ),
      check(
        "held-up work goes on in 5 s when it is fast again",
        ({ recoveryMs }) => recoveryMs !== null && recoveryMs > STILL_MS && `${recoveryMs} ms`,
      ),
    ],
  };
}

/** Submissions per second by as many submitters, when each waits for its answer before its pause. */
function explained(before: number, slow: SlowTime): number {
  if (slow.stallMs > 0) return before * slow.share;
  const answerMs = Math.max(0, (1_000 * SUBMITTERS) / before - PAUSE_MS);
  return (1_000 * SUBMITTERS) / (PAUSE_MS + answerMs / slow.share + wait(slow));
}

/** What the round trips take more. */
function wait({ roundTripMs, share, stallMs }: SlowTime): number {
  // between two stalls it is as fast as ever
  if (stallMs > 0) return 0;
  return ROUND_TRIPS * (roundTripMs + ROUND_TRIP_MS / share - ROUND_TRIP_MS);
}

function rate(times: readonly number[], from: number, to: number): number {
  return times.filter((at) => at >= from && at < to).length / ((to - from) / 1_000);
}
