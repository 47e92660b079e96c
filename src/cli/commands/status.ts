import { Option } from "commander";
import type { Command } from "commander";
import type { QueryOf } from "../../client/caller.ts";
import type { CappedCount, Overview, Stats } from "../../client/openapi-types.ts";
import type { TextColumn } from "../output/table.ts";
import { duration, relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { rangeOf, withRange } from "../api/list.ts";
import type { RangeOptions } from "../api/list.ts";
import type { CliSession } from "../api/session.ts";

/** `ringback status` and `ringback stats` */
export function addStatus(cli: Cli, program: Command): void {
  const status = program.command("status").description("what is going on right now");
  onApi(cli, status, async (session) => {
    const overview = await session.client.request("GET /v1/overview");
    session.out.answer(overview, () => showOverview(session, overview));
  });
  examples(status, "status", "status --json");
  const stats = withRange(
    program
      .command("stats")
      .description("jobs, deliveries and latency over time; by default the last hour")
      .addOption(
        new Option("--step <length>", "of a row").choices(Object.keys(STEPS)).default("5m"),
      )
      .option("--endpoint-id <id>", "of this endpoint"),
  );
  type Options = RangeOptions & { step: keyof typeof STEPS; endpointId?: string };
  onApi(cli, stats, async (session, options: Options) => {
    const { step, endpointId } = options;
    const query = {
      step_s: STEPS[step],
      ...(endpointId === undefined ? {} : { endpoint_id: endpointId }),
      ...rangeOf(options),
    } as QueryOf<"GET /v1/stats">;
    const answer = await session.client.request("GET /v1/stats", { query });
    session.out.answer(answer, () => showStats(session, answer));
  });
  examples(stats, "stats", "stats --since 7d --step 1d", "stats --since 24h --step 1h --json");
}

const STEPS = { "1m": "60", "5m": "300", "1h": "3600", "1d": "86400" } as const;

function capped({ count, more }: CappedCount): string {
  return `${count}${more ? "+" : ""}`;
}

function showOverview({ out }: CliSession, overview: Overview): void {
  const { jobs, deliveries, dead_letters: letters, lanes, workers } = overview;
  const due = deliveries.oldest_due_at;
  const dueText = due === null ? "" : `, the oldest due ${relative(due)}`;
  out.details([
    ["jobs", `${capped(jobs.pending)} pending, ${capped(jobs.running)} running`],
    ["deliveries", `${capped(deliveries.pending)} pending${dueText}`],
    ["dead letters", capped(letters)],
    [
      "lanes",
      `${lanes.total}, of them ${lanes.failing} failing, ${lanes.paused} paused, ${lanes.disabled} disabled`,
    ],
    [
      "workers",
      `${workers.alive} alive (${workers.compute} compute, ${workers.deliver} deliver), ${workers.silent} silent`,
    ],
  ]);
}

type Point = Stats["series"][number];

function showStats({ out }: CliSession, { series, totals, until, step_s: stepS }: Stats): void {
  const busy = series.filter((point) => JSON.stringify(point).match(/":[1-9]/) !== null);
  if (busy.length === 0) return out.note("Nothing happened in this time.");
  out.table(busy, columns(stepS));
  const { success_rate: rate } = totals;
  out.line();
  out.details([
    ["jobs", `${totals.jobs.accepted} accepted, ${totals.jobs.completed} completed`],
    ["delivered", `${totals.deliveries.delivered}, ${totals.deliveries.dead} dead`],
    ["success", rate === null ? null : `${(rate * 100).toFixed(2)} %`],
    ["until", until],
  ]);
}

function columns(stepS: number): readonly TextColumn<Point>[] {
  const count = (head: string, text: (point: Point) => number): TextColumn<Point> => ({
    head,
    text,
    right: true,
  });
  return [
    { head: "FROM", text: ({ at }) => (stepS < 86_400 ? at.slice(0, 16) : at.slice(0, 10)) },
    count("ACCEPTED", ({ jobs }) => jobs.accepted),
    count("COMPLETED", ({ jobs }) => jobs.completed),
    count("FAILED", ({ jobs }) => jobs.failed),
    count("DELIVERED", ({ deliveries }) => deliveries.delivered),
    count("DEAD", ({ deliveries }) => deliveries.dead),
    count("2XX", ({ attempts }) => attempts["2xx"]),
    count("OTHER", ({ attempts }) => sum(attempts) - attempts["2xx"]),
    { head: "P50", text: ({ latency_ms: ms }) => ms && duration(ms.p50), right: true },
    { head: "P99", text: ({ latency_ms: ms }) => ms && duration(ms.p99), right: true },
  ];
}

function sum(attempts: Point["attempts"]): number {
  return Object.values(attempts).reduce((total, one) => total + one, 0);
}
