import type { Output } from "../output/output.ts";
import { printable, printableLines } from "../output/printable.ts";
import type { ReceivedCall } from "./receive.ts";

const MAX_LINES = 24;

/** Shows one call for people: a line with its facts, then the data. */
export function showCall(out: Output, call: ReceivedCall, full: boolean): void {
  const { attempt, repeated, error, status, webhook_id: id } = call;
  const facts = [
    out.paint("dim", call.at.slice(11, 23)),
    out.paint("bold", printable(call.type ?? `${call.method} ${call.path}`)),
    printable(id ?? ""),
    attempt === null ? "" : `attempt ${attempt}`,
    repeated ? out.paint("yellow", "seen before") : "",
    verdict(out, call),
    `→ ${status < 300 ? out.paint("green", `${status}`) : out.paint("yellow", `${status}`)}`,
  ];
  out.line(facts.filter((fact) => fact !== "").join("  "));
  if (error !== null) out.line(`  ${out.paint("red", printable(error))}`);
  if (full)
    for (const [name, value] of Object.entries(call.headers)) {
      out.line(out.paint("dim", `  ${printable(`${name}: ${value}`)}`));
    }
  const lines = bodyText(call.body, full).split("\n");
  const shown = full ? lines : lines.slice(0, MAX_LINES);
  for (const line of shown) out.line(`  ${line}`);
  if (shown.length < lines.length) {
    out.line(out.paint("dim", `  … ${lines.length - shown.length} more lines (--full)`));
  }
}

function verdict(out: Output, { verified, signatures }: ReceivedCall): string {
  if (verified === null) return out.paint("yellow", "not verified");
  const marks = (["v1", "v1a"] as const)
    .filter((version) => signatures[version] !== null)
    .map((version) => `${version} ${signatures[version] === true ? "✓" : "✗"}`)
    .join(" ");
  return out.paint(verified ? "green" : "red", verified ? marks : `NOT GENUINE ${marks}`.trimEnd());
}

/** The data without the type, which is shown already; with `--full` the whole body. */
function bodyText(body: unknown, full: boolean): string {
  if (typeof body === "string") return printableLines(body);
  const { data } = (body ?? {}) as { data?: unknown };
  const shown = full || data === undefined ? body : data;
  return printableLines(JSON.stringify(shown, null, 2));
}
