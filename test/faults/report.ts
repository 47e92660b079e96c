import type { Check } from "./checks.ts";
import type { ScenarioName } from "./scenarios.ts";

export interface Recovery {
  scenario: ScenarioName;
  ms: number | null;
  /** What was the last to go on. */
  last: string;
}

export interface Report {
  seed: number;
  seconds: number;
  passed: boolean;
  jobs: number;
  webhooks: number;
  duplicates: number;
  checks: Check[];
  recoveries: Recovery[];
  refusals: Record<string, number>;
  longestAnswerMs: number;
  repairs: Record<string, number>;
  burials: number;
  fenced: number;
}

const SHOWN = 5;

/** The report as tables for a terminal. */
export function formatReport(report: Report): string {
  const { jobs, webhooks, duplicates, repairs, refusals } = report;
  const share = webhooks === 0 ? 0 : (100 * duplicates) / webhooks;
  const lost = report.checks.find(({ name }) => name.startsWith("every webhook is delivered"));
  return [
    "",
    `seed ${report.seed}, ${report.seconds} s: ${jobs} jobs acknowledged, ${webhooks} webhooks received`,
    `lost ${lost?.broken.length ?? "?"} · duplicates ${duplicates} (${share.toFixed(2)} %) · burials ${report.burials} · fenced writes ${report.fenced} · repairs ${counts(repairs)}`,
    `API refusals ${counts(refusals)} · longest answer ${(report.longestAnswerMs / 1000).toFixed(1)} s`,
    "",
    "check                                                      of   broken",
    ...report.checks.flatMap(formatCheck),
    "",
    "recovery after           runs  held up   p50 s   p99 s  worst s",
    ...formatRecoveries(report.recoveries),
    "",
    report.passed ? "all promises kept" : "PROMISES BROKEN",
  ].join("\n");
}

function formatCheck({ name, of, broken }: Check): string[] {
  return [
    `${name.padEnd(54)} ${String(of).padStart(6)} ${String(broken.length).padStart(8)}`,
    ...broken.slice(0, SHOWN).map((id) => `    ${id}`),
    ...(broken.length > SHOWN ? [`    and ${broken.length - SHOWN} more`] : []),
  ];
}

function formatRecoveries(recoveries: readonly Recovery[]): string[] {
  return [...Map.groupBy(recoveries, ({ scenario }) => scenario)].map(([scenario, all]) => {
    const times = all.flatMap(({ ms }) => ms ?? []).toSorted((a, b) => a - b);
    const figures = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1)];
    return [
      scenario.padEnd(22),
      String(all.length).padStart(6),
      String(times.length).padStart(8),
      ...figures.map((ms) => (ms === undefined ? "-" : (ms / 1000).toFixed(2)).padStart(7)),
    ].join(" ");
  });
}

function quantile(sorted: readonly number[], q: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function counts(map: Record<string, number>): string {
  const entries = Object.entries(map);
  if (entries.length === 0) return "0";
  return entries.map(([name, count]) => `${name} ${count}`).join(", ");
}
