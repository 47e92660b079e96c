import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { findPostgresBinaries } from "../../src/embedded-postgres/binaries.ts";
import { runFaultProgram } from "./program.ts";
import { formatMarkdown, formatReport } from "./report.ts";
import { LONG, SCENARIOS } from "./scenarios.ts";
import type { ScenarioName } from "./scenarios.ts";

const USAGE = `npm run faults -- [options]

Starts the real program as several processes, breaks things at random, and checks that nothing was lost.

  --seconds <n>       how long faults happen (120; 12 with --only)
  --seed <n>          repeat a run; without it a new one is chosen and printed
  --only <name,name>  scenarios by name
  --each              each scenario once, in the order of --list, whatever the time
  --hold <s>          how long a slowness or an overload lasts (12)
  --binaries <dir>    the folder of another Postgres's initdb and postgres
  --list              the names of all scenarios
  --json <file>       write the report
  --markdown          print the table of docs/reliability.md as well
  --keep              leave logs and database where they are
  --help

Ends with 0 when every check passed, else with 1.`;

const { values } = readArguments();

function readArguments() {
  try {
    const parsed = parseArgs({
      options: {
        seconds: { type: "string" },
        seed: { type: "string" },
        only: { type: "string" },
        each: { type: "boolean", default: false },
        hold: { type: "string", default: "12" },
        binaries: { type: "string" },
        markdown: { type: "boolean", default: false },
        json: { type: "string" },
        keep: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (parsed.values.binaries !== undefined) findPostgresBinaries(parsed.values.binaries);
    return parsed;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function numberOf(text: string, name: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} must be a whole number, not ${text}\n${USAGE}`);
}

function scenariosOf(only: string | undefined, seconds: number): readonly ScenarioName[] {
  if (only === undefined) {
    return seconds >= 60 || values.each
      ? SCENARIOS
      : SCENARIOS.filter((name) => !LONG.includes(name));
  }
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(SCENARIOS as readonly string[]).includes(name));
  if (unknown.length === 0) return names as ScenarioName[];
  throw new Error(`no such scenario: ${unknown.join(", ")} (known: ${SCENARIOS.join(", ")})`);
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  if (values.list) return console.log(SCENARIOS.join("\n"));
  const seconds = numberOf(values.seconds ?? (values.only === undefined ? "120" : "12"), "seconds");
  const seed = numberOf(values.seed ?? String(Date.now() % 1_000_000), "seed");
  const scenarios = scenariosOf(values.only, seconds);
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
  console.log(
    `seed ${seed}, ${values.each ? "one each" : `${seconds} s`} of ${scenarios.join(", ")}`,
  );
  const { report, folder } = await runFaultProgram({
    seconds,
    seed,
    scenarios,
    each: values.each,
    holdMs: numberOf(values.hold, "hold") * 1_000,
    binaries: values.binaries,
    keep: values.keep,
    say: (line) => console.log(line),
    signal: interrupted.signal,
  });
  console.log(formatReport(report));
  if (values.markdown) console.log(`\n${formatMarkdown(report)}`);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2));
  if (!report.passed) process.exitCode = 1;
  if (!report.passed || values.keep) console.log(`logs and database: ${folder}`);
}

await main().catch((error: Error) => {
  console.error(error.name === "AbortError" ? "interrupted" : error);
  process.exitCode = 1;
});
// whatever sockets the faults have left half-closed must not hold the end up
process.exit();
