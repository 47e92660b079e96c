import type { ReplayCanary } from "./model.ts";

/** The outcomes of the first ones that were sent again; `failures` by what failed. */
export interface CanaryOutcomes {
  sent: number;
  waiting: number;
  failures: ReadonlyMap<string, number>;
}

/** What follows from them: go on, stop for this reason, or wait for more. */
export type Verdict = { kind: "passed" | "waiting" } | { kind: "failed"; reason: string };

const NAMED = 5;

/** Decides as soon as the outcomes still awaited can't change it. */
export function judgeCanary(
  { max_failed_percent: most }: ReplayCanary,
  { sent, waiting, failures }: CanaryOutcomes,
): Verdict {
  const failed = [...failures.values()].reduce((sum, n) => sum + n, 0);
  const tooMany = (count: number): boolean => count * 100 > most * sent;
  if (tooMany(failed)) {
    const causes = [...failures].toSorted(([, a], [, b]) => b - a);
    const named = causes.slice(0, NAMED).map(([cause, count]) => `${count} × ${cause}`);
    const rest = causes.length > NAMED ? ", …" : "";
    return {
      kind: "failed",
      reason: `${failed} of ${sent} failed again: ${named.join(", ")}${rest}`,
    };
  }
  return { kind: tooMany(failed + waiting) ? "waiting" : "passed" };
}
