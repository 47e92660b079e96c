import { formatChecks, quantile } from "../report.ts";
import type { ChaosReport } from "./program.ts";

const SHOWN = 5;

/** The report as tables for a terminal. */
export function formatChaos(report: ChaosReport): string {
  const { calls, silences, checks } = report;
  return [
    "",
    `PostgreSQL ${report.version}, ${report.seconds} s of chaos: ${report.webhooks} webhooks received, ` +
      `drained in ${(report.drainMs / 1_000).toFixed(1)} s`,
    "",
    "call                    count   p50 ms   p99 ms   max ms  answers",
    ...[...calls]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, { ms, statuses }]) => {
        const sorted = ms.toSorted((a, b) => a - b);
        const figures = [quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.at(-1)];
        return [
          name.padEnd(20),
          String(ms.length).padStart(8),
          ...figures.map((one) => (one ?? 0).toFixed(0).padStart(8)),
          ` ${[...statuses].map(([status, n]) => `${status}: ${n}`).join(", ")}`,
        ].join(" ");
      }),
    "",
    "longest silence with work due   s",
    ...silences
      .slice(0, SHOWN)
      .map(({ of, ms }) => `${(ms / 1_000).toFixed(2).padStart(8)}  ${of}`),
    "",
    ...formatChecks(checks),
    "",
    report.passed ? "all promises kept" : "PROMISES BROKEN",
  ].join("\n");
}
