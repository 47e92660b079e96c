import type { Check } from "./checks.ts";
import type { SlowRow } from "./checks-of-slowness.ts";

export interface Recovery {
  scenario: string;
  ms: number | null;
  /** What was the last to go on. */
  last: string;
}

export interface Report {
  /** Of Postgres. */
  version: string;
  seed: number;
  seconds: number;
  passed: boolean;
  jobs: number;
  webhooks: number;
  duplicates: number;
  checks: Check[];
  recoveries: Recovery[];
  slowness: SlowRow[];
  refusals: Record<string, number>;
  longestAnswerMs: number;
  repairs: Record<string, number>;
  deadWorkers: number;
  fenced: number;
}

const SHOWN = 5;

/** The report as tables for a terminal. */
export function formatReport(report: Report): string {
  const { jobs, webhooks, duplicates, repairs, refusals } = report;
  const share = webhooks === 0 ? 0 : (100 * duplicates) / webhooks;
  return [
    "",
    `PostgreSQL ${report.version}, seed ${report.seed}, ${report.seconds} s: ${jobs} jobs acknowledged, ${webhooks} webhooks received`,
    `lost ${lostOf(report)} · duplicates ${duplicates} (${share.toFixed(2)} %) · dead workers ${report.deadWorkers} · fenced writes ${report.fenced} · repairs ${counts(repairs)}`,
    `API refusals ${counts(refusals)} · longest answer ${(report.longestAnswerMs / 1000).toFixed(1)} s`,
    "",
    ...formatChecks(report.checks),
    "",
    "recovery after           runs  held up   p50 s   p99 s  worst s",
    ...formatRecoveries(report.recoveries),
    "",
    ...formatSlowness(report.slowness),
    report.passed ? "all promises kept" : "PROMISES BROKEN",
  ].join("\n");
}

export function formatChecks(checks: readonly Check[]): string[] {
  return [
    "check                                                      of   broken",
    ...checks.flatMap(formatCheck),
  ];
}

function formatCheck({ name, of, broken }: Check): string[] {
  return [
    `${name.padEnd(54)} ${String(of).padStart(6)} ${String(broken.length).padStart(8)}`,
    ...broken.slice(0, SHOWN).map((id) => `    ${id}`),
    ...(broken.length > SHOWN ? [`    and ${broken.length - SHOWN} more`] : []),
  ];
}

function formatRecoveries(recoveries: readonly Recovery[]): string[] {
  return summarize(recoveries).map(({ scenario, runs, heldUp, times }) =>
    [
      scenario.padEnd(22),
      String(runs).padStart(6),
      String(heldUp).padStart(8),
      ...times.map((ms) => seconds(ms).padStart(7)),
    ].join(" "),
  );
}

function formatSlowness(rows: readonly SlowRow[]): string[] {
  if (rows.length === 0) return [];
  return [
    "while slow           jobs/s before  during   least  longest silence s",
    ...rows.map(({ scenario, before, during, least, longest }) =>
      [
        scenario.padEnd(22),
        ...[before, during, least].map((one) => one.toFixed(1).padStart(11)),
        longest === null ? "-" : `${seconds(longest.ms).padStart(8)}  ${longest.of}`,
      ].join(" "),
    ),
    "",
  ];
}

/** The rows of the tables in docs/reliability.md, for this version of Postgres. */
export function formatMarkdown(report: Report): string {
  const slow = Map.groupBy(report.slowness, ({ scenario }) => scenario);
  const rows = summarize(report.recoveries).map(({ scenario, runs, heldUp, times }) => {
    const [first] = slow.get(scenario) ?? [];
    const silences = (slow.get(scenario) ?? []).map(({ longest }) => longest?.ms ?? 0);
    return [
      `\`${scenario}\``,
      runs,
      heldUp,
      ...times.map(seconds),
      first === undefined ? "" : `${first.before.toFixed(1)} → ${first.during.toFixed(1)}`,
      first === undefined ? "" : seconds(Math.max(...silences)),
    ];
  });
  return [
    `### PostgreSQL ${report.version}`,
    "",
    `${report.jobs} jobs acknowledged, ${report.webhooks} webhooks received, **lost ${lostOf(report)}**, ` +
      `${report.duplicates} received twice; ${report.checks.filter(({ broken }) => broken.length === 0).length} ` +
      `of ${report.checks.length} checks passed.`,
    "",
    "| fault | runs | held work up | p50 s | p99 s | worst s | jobs/s, before → while slow | longest silence s |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...rows
      .toSorted(([a], [b]) => String(a).localeCompare(String(b)))
      .map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

interface Summary {
  scenario: string;
  runs: number;
  heldUp: number;
  /** p50, p99 and worst recovery, in ms. */
  times: (number | undefined)[];
}

function summarize(recoveries: readonly Recovery[]): Summary[] {
  return [...Map.groupBy(recoveries, ({ scenario }) => scenario)].map(([scenario, all]) => {
    const times = all.flatMap(({ ms }) => ms ?? []).toSorted((a, b) => a - b);
    return {
      scenario,
      runs: all.length,
      heldUp: times.length,
      times: [quantile(times, 0.5), quantile(times, 0.99), times.at(-1)],
    };
  });
}

function lostOf({ checks }: Report): number | "?" {
  return (
    checks.find(({ name }) => name.startsWith("every webhook is delivered"))?.broken.length ?? "?"
  );
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "-" : (ms / 1_000).toFixed(2);
}

export function quantile(sorted: readonly number[], q: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function counts(map: Record<string, number>): string {
  const entries = Object.entries(map);
  if (entries.length === 0) return "0";
  return entries.map(([name, count]) => `${name} ${count}`).join(", ");
}
