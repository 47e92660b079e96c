import type { JobActivity } from "../../client/job-activity.ts";
import { stateStyle } from "../output/output.ts";
import { printable } from "../output/printable.ts";
import type { CliSession } from "./session.ts";

/** Shows activity as it comes: each entry as a line, or a line of JSON. */
export async function streamActivity(
  { out }: Pick<CliSession, "out">,
  entries: AsyncIterable<JobActivity>,
): Promise<void> {
  for await (const entry of entries) out.item(entry, () => out.line(entryLine(out, entry)));
}

function entryLine(out: CliSession["out"], { type, at, ...rest }: JobActivity): string {
  const style = stateStyle(type.split(".")[1] ?? "");
  const name = printable(type).padEnd(20);
  const facts = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${out.paint("dim", `${printable(key)}=`)}${printable(textOf(value))}`);
  const shown = style === null ? name : out.paint(style, name);
  return [at.slice(11, 23), shown, ...facts].join("  ").trimEnd();
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
