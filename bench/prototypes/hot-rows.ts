import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { findPostgresBinaries } from "../../src/embedded-postgres/binaries.ts";
import { startEmbeddedDatabase } from "../../src/server/embedded-database.ts";
import { startServer } from "../database.ts";
import { measureDeliveries } from "./measure-deliveries.ts";
import { measureJobs } from "./measure-jobs.ts";
import { tableOf } from "./tables.ts";
import type { Measured } from "./tables.ts";

/** Measures ways to store what is pending; docs of each are in the modules beside. */
const command = new Command("hot-rows")
  .description("measure ways to store deliveries and jobs that are pending")
  .option("--binaries <dir>", "binaries of a Postgres server; else the embedded one")
  .option("--kept <n>", "deliveries that ended before, over six weeks", Number, 0)
  .option("--groups <list>", "lives per statement", "1,12,200")
  .option("--variants <list>", "only these, by semicolons")
  .option("--what <list>", "deliveries, jobs", "deliveries,jobs")
  .option("--seconds <n>", "CPU seconds of each cell", Number, 1.5)
  .option("--pinned", "keep a snapshot open, so that no dead row can be removed", false)
  .option("--json <file>", "write all figures")
  .parse();
const given = command.opts<{
  binaries?: string;
  kept: number;
  groups: string;
  variants?: string;
  what: string;
  seconds: number;
  pinned: boolean;
  json?: string;
}>();

const folder = mkdtempSync(join(tmpdir(), "ringback-hot-rows-"));
const embedded = await startEmbeddedDatabase({
  dataDir: folder,
  ...(given.binaries === undefined ? {} : { binaries: findPostgresBinaries(given.binaries) }),
  // as durable as by default, and the prototype waits less
  flags: ["-c", "wal_sync_method=open_datasync"],
});
// the database stops when this process exits, which a signal alone doesn't make it do
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  const server = await startServer({
    databaseUrl: embedded.url,
    folder,
    receiverUrl: "http://127.0.0.1:1",
    lanes: 50,
    explain: false,
  });
  const options = {
    server,
    postmaster: embedded.pid,
    kept: given.kept,
    groups: given.groups.split(",").map(Number),
    seconds: given.seconds,
    pinned: given.pinned,
    only: given.variants?.split(";"),
    tell: (line: string) => process.stderr.write(`${line}\n`),
  };
  const found: Measured[] = [];
  const what = given.what.split(",");
  if (what.includes("deliveries")) found.push(...(await measureDeliveries(options)));
  if (what.includes("jobs")) found.push(...(await measureJobs(options)));
  process.stdout.write(`PostgreSQL ${server.version}, ${given.kept} kept\n\n${tableOf(found)}`);
  if (given.json !== undefined) writeFileSync(given.json, JSON.stringify(found, null, 2));
  await server.stop();
} finally {
  await embedded.stop();
  rmSync(folder, { recursive: true, force: true });
}
