import type { Job } from "../../client/openapi-types.ts";
import { stateStyle } from "../output/output.ts";
import { printable, printableLines } from "../output/printable.ts";
import type { TextColumn } from "../output/table.ts";
import { duration, fullTime, relative } from "../output/times.ts";
import type { CliSession } from "./session.ts";

export const jobColumns: readonly TextColumn<Job>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "TYPE", text: ({ type }) => type, gives: true },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "PROGRESS", text: ({ progress }) => percent(progress.fraction), right: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  { head: "TOOK", text: took, right: true },
  { head: "ERROR", text: ({ error }) => error?.code ?? "", gives: true },
];

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`;
}

function took({ started_at, finished_at }: Job): string {
  if (started_at === null || finished_at === null) return "";
  return duration(Date.parse(finished_at) - Date.parse(started_at));
}

/** The sources of the secrets for receivers at callback URLs. */
function verificationOf({ callbacks }: Job): string[] {
  const ways = callbacks.flatMap(({ url, signing }) => {
    if (url === undefined || signing === undefined) return [];
    if (signing.secret === "own") return ["the callback's own secret"];
    return [`ringback signing secret ${new URL(url).origin}`];
  });
  return [...new Set(ways)];
}

function waitText(wait: Job["waiting_for"]): string | null {
  if (wait === null) return null;
  const { detail, until, ahead } = wait;
  return [
    `${detail}${until === null ? "" : `: ${fullTime(until)}`}`,
    ...(ahead === undefined ? [] : [`${ahead.count}${ahead.more ? "+" : ""} of yours before it`]),
  ].join("; ");
}

export function showJob({ out }: Pick<CliSession, "out">, job: Job): void {
  const { progress, error } = job;
  const metadata = Object.keys(job.metadata).length === 0 ? null : JSON.stringify(job.metadata);
  out.line(`${out.paint("bold", job.id)}  ${paintState(out, job.status)}`);
  out.details([
    ["type", job.type],
    ["progress", `${percent(progress.fraction)} ${progress.message ?? ""}`.trim()],
    ["waiting for", waitText(job.waiting_for)],
    ["run", job.run],
    ["error", error === null ? null : `${error.code}: ${error.message}`],
    ["created", fullTime(job.created_at)],
    ["started", fullTime(job.started_at)],
    ["finished", fullTime(job.finished_at)],
    ["took", took(job)],
    ["expected", job.status === "running" ? fullTime(job.eta) : null],
    ["callbacks", job.callbacks.map(({ url, endpoint_id }) => url ?? endpoint_id).join(", ")],
    ["verified by", verificationOf(job).join(", ")],
    ["metadata", metadata],
    ["request", job.request_id],
  ]);
}

export function paintState(out: CliSession["out"], state: string): string {
  const style = stateStyle(state);
  return style === null ? printable(state) : out.paint(style, printable(state));
}

/** A result for people: indented JSON. */
export function showJson({ out }: Pick<CliSession, "out">, value: unknown): void {
  out.line(printableLines(JSON.stringify(value, null, 2) ?? "null"));
}
