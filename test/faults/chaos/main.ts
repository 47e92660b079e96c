import { parseArgs } from "node:util";
import { findPostgresBinaries } from "../../../src/embedded-postgres/binaries.ts";
import { runChaos } from "./program.ts";
import { formatChaos } from "./report.ts";

const USAGE = `npm run chaos -- [options]

Two processes under traffic, while admins change everything and receivers answer anything: no
deadlock, nothing stands still, the books balance.

  --seconds <n>       how long (600)
  --call <s>          the longest that a call may take (5)
  --silence <s>       the longest that due work may stand still (10)
  --binaries <dir>    the folder of another Postgres's initdb and postgres
  --keep              leave logs and database where they are
  --help

Ends with 0 when every check passed, else with 1.`;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "600" },
        call: { type: "string", default: "5" },
        silence: { type: "string", default: "10" },
        binaries: { type: "string" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [seconds, call, silence] = (["seconds", "call", "silence"] as const).map((name) => {
      const number = Number(values[name]);
      if (Number.isSafeInteger(number) && number >= 1) return number;
      throw new Error(`--${name} must be a whole number above 0, not ${values[name]}`);
    }) as [number, number, number];
    if (values.binaries !== undefined) findPostgresBinaries(values.binaries);
    return { ...values, seconds, limits: { callMs: call * 1_000, silenceMs: silence * 1_000 } };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function main(): Promise<void> {
  const { seconds, limits, binaries, keep, help } = readArguments();
  if (help) return console.log(USAGE);
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
  const { report, folder } = await runChaos({
    seconds,
    limits,
    binaries,
    keep,
    say: (line) => console.log(line),
    signal: interrupted.signal,
  });
  console.log(formatChaos(report));
  if (!report.passed) process.exitCode = 1;
  if (!report.passed || keep) console.log(`logs and database: ${folder}`);
}

await main().catch((error: Error) => {
  console.error(error.name === "AbortError" ? "interrupted" : error);
  process.exitCode = 1;
});
// connections that receivers cut must not hold the end up
process.exit();
