import type { JobEvent } from "../../client/job-events.ts";
import { stateStyle } from "../output/output.ts";
import { printable } from "../output/printable.ts";
import type { CliSession } from "./session.ts";

/** Shows events as they come: a line each, or a line of JSON each. */
export async function streamEvents(
  { out }: Pick<CliSession, "out">,
  events: AsyncIterable<JobEvent>,
): Promise<void> {
  for await (const event of events) out.item(event, () => out.line(eventLine(out, event)));
}

function eventLine(out: CliSession["out"], { type, at, ...rest }: JobEvent): string {
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
