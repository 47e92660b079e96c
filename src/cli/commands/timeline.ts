import type { Command } from "commander";
import type { TimelineEntry } from "../../client/openapi-types.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { duration } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";

/** `ringback jobs timeline` */
export function addTimeline(cli: Cli, jobs: Command): void {
  const timeline = jobs
    .command("timeline <id>")
    .description("what happened to a job, its webhooks and their attempts, in order of time");
  onApi(cli, timeline, async ({ client, out }, id: string) => {
    const answer = await client.request("GET /v1/jobs/{id}/timeline", { id });
    out.answer(answer, () => out.table(answer.data, COLUMNS));
  });
  examples(timeline, "jobs timeline job_01…");
}

const COLUMNS: readonly TextColumn<TimelineEntry>[] = [
  { head: "AT", text: ({ at }) => at.slice(0, 23).replace("T", " ") },
  { head: "WHAT", text: what },
  {
    head: "OUTCOME",
    text: ({ outcome, status_code, error_code }) => outcome ?? status_code ?? error_code ?? "",
    style: ({ outcome }) => stateStyle(outcome ?? ""),
  },
  { head: "TOOK", text: ({ duration_ms: ms }) => took(ms ?? null), right: true },
  { head: "DETAIL", text: about, gives: true },
];

function took(ms: number | null): string {
  return ms === null ? "" : duration(ms);
}

function what({ kind, attempt_number, run }: TimelineEntry): string {
  const number = kind === "attempt" ? attempt_number : kind === "run_started" ? run : undefined;
  return `${kind.replaceAll("_", " ")} ${number ?? ""}`.trim();
}

function about({ kind, title, event_type, url, detail }: TimelineEntry): string {
  const event = kind === "message" || kind === "delivery" ? event_type : null;
  return [title, event, url, detail].filter(Boolean).join("  ");
}
