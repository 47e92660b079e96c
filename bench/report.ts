import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import Table from "cli-table3";
import { ConfigError } from "../src/config.ts";
import type { Figure } from "./figure.ts";
import type { Circumstances } from "./machine.ts";
import type { BenchArguments } from "./arguments.ts";
import { plotFigures } from "./plot.ts";
import { goalText, machineText, ratioText, verdict } from "./report-text.ts";

export interface Report extends Circumstances {
  figures: Figure[];
  /** Scenarios that could not be measured. */
  failures: { scenario: string; reason: string }[];
}

const HEAD = ["scenario", "", "measured", "ceiling", "ratio", "goal", ""];

function cells(one: Figure): string[] {
  const { scenario, variant, measured, ceiling, ratio, goal } = one;
  return [scenario, variant, measured, ceiling, ratioText(ratio), goalText(goal), verdict(one)];
}

function failureLines({ failures }: Report): string[] {
  return failures.map(({ scenario, reason }) => `${scenario} failed: ${reason.split("\n")[0]}`);
}

export function printTable(report: Report): void {
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  table.push(...report.figures.map(cells));
  console.log(table.toString());
  for (const line of failureLines(report)) console.log(line);
}

const BEGIN = "<!-- figures:begin -->";
const END = "<!-- figures:end -->";

/** The page's text with this run's figures between its marks. */
function withFigures(page: string, report: Report): string {
  const { date, ringback, command, othersBefore } = report;
  const others =
    othersBefore === null
      ? ""
      : ` Other programs used ${othersBefore.toFixed(2)} cores just before.`;
  const table = [HEAD, HEAD.map(() => "---"), ...report.figures.map(cells)];
  const lines = [
    `${date.slice(0, 10)}, Ringback ${ringback}, ${machineText(report)}.${others}`,
    "",
    `\`${command}\``,
    "",
    ...table.map((row) => `| ${row.join(" | ")} |`),
    ...failureLines(report).flatMap((line) => ["", line]),
  ];
  const [before, after] = [page.split(BEGIN)[0]!, page.split(END)[1] ?? ""];
  return `${before}${BEGIN}\n\n${lines.join("\n")}\n\n${END}${after}`;
}

/** Before anything is measured: what can't be written later is told now. */
export async function checkOutputs({ writeDocs }: BenchArguments): Promise<void> {
  if (writeDocs === undefined) return;
  const page = await readFile(writeDocs, "utf8");
  if (!page.includes(BEGIN) || !page.includes(END)) {
    throw new ConfigError(`${writeDocs} has no ${BEGIN} … ${END}`);
  }
}

/** After each scenario, so that a run that is cut short leaves what it had. */
export async function writeOutputs(report: Report, given: BenchArguments): Promise<void> {
  const { json, plot, writeDocs } = given;
  for (const file of [json, plot]) {
    if (file !== undefined) await mkdir(path.dirname(file), { recursive: true });
  }
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  if (plot !== undefined) {
    const caption = `${report.date.slice(0, 10)}, ${machineText(report)}`;
    await writeFile(plot, plotFigures(report.figures, caption));
  }
  if (writeDocs !== undefined) {
    await writeFile(writeDocs, withFigures(await readFile(writeDocs, "utf8"), report));
  }
}
