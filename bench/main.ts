import { Command } from "commander";
import { positive } from "./arguments.ts";
import type { BenchArguments } from "./arguments.ts";
import { runBench } from "./run-bench.ts";
import { SCENARIO_NAMES } from "./scenarios/index.ts";

/** `npm run bench`: measures the product beside what this machine gives. */
const command = new Command("bench")
  .description("measure the product beside what this machine gives; see docs/benchmarks.md")
  .option("--only <list>", `scenarios, comma-separated: ${SCENARIO_NAMES.join(", ")}`)
  .option("--quick", "small sizes, and only what is done in about a minute")
  .option("--deliveries <number>", "of a drain", positive)
  .option("--jobs <number>", "that the noisy account submits at once", positive)
  .option(
    "--history <number>",
    "attempts kept, each with its delivery and job; for retention, of the week",
    positive,
  )
  .option("--seconds <number>", "of a phase at a steady rate", positive)
  .option(
    "--processes <list>",
    "processes of the product, where all of it is needed",
    "api,compute+deliver",
  )
  .option("--lanes <number>", "of many-lanes", positive)
  .option("--accounts <number>", "of many-accounts", positive)
  .option("--pinned <number>", "seconds that pinned-xmin holds a transaction open", positive)
  .option(
    "--serve-processes <number>",
    "that each of them starts, by `serve --processes`",
    positive,
    1,
  )
  .option("--database-url <url>", "a Postgres to make databases in; else an embedded one")
  .option("--binaries <folder>", "of another Postgres's initdb and postgres, to start that one")
  .option("--json <file>", "write all figures as JSON")
  .option("--plot <file>", "write a plot of the ratios as SVG")
  .option("--write-docs <file>", "put the table of figures into a page")
  .option("--profile <folder>", "write CPU profiles of the product's processes")
  .option("--explain", "print the statements that took most of the database's time")
  .addHelpText(
    "after",
    "\nExamples:\n  npm run bench -- --quick\n  npm run bench -- --only drain --deliveries 20000 --json figures.json",
  )
  .action(async (given: BenchArguments) => await runBench(given));
await command.parseAsync();
