import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PostgresBinaries } from "../src/embedded-postgres/binaries.ts";
import { startAgent } from "./agent.ts";
import type { Agent } from "./agent.ts";
import type { ClientOperations } from "./agents/client.ts";
import type { ReceiverOperations } from "./agents/receiver.ts";
import { createBench } from "./bench.ts";
import type { BenchParts } from "./bench.ts";
import { webhookBodies } from "./bodies.ts";
import { startServer } from "./database.ts";
import { readBinaries, readProcesses, readSizes } from "./arguments.ts";
import type { BenchArguments, Sizes } from "./arguments.ts";
import { describeRun } from "./machine.ts";
import { checkOutputs, printTable, writeOutputs } from "./report.ts";
import type { Report } from "./report.ts";
import { readScenarios, SCENARIOS } from "./scenarios/index.ts";

const WARM_UP = 20_000;
/** Some scenarios have a fixed number. */
const LEAST_LANES = 200;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Measures the product beside what the machine gives. */
export async function runBench(given: BenchArguments): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = new AbortController();
  const stopped = Promise.withResolvers<never>();
  for (const [name, exitCode] of Object.entries(EXIT_CODES)) {
    process.once(name, () => {
      process.exitCode = exitCode;
      stop.abort();
      stopped.reject(new Error("stopped; cleaning up"));
    });
  }
  const work = measure(given, undo, stop.signal);
  try {
    const report = await Promise.race([work, stopped.promise]);
    printTable(report);
    if (report.failures.length > 0) process.exitCode = 1;
  } catch (error) {
    process.exitCode ??= 1;
    console.error(`bench: ${(error as Error).message}`);
  }
  // what still runs fails, as its processes are ended
  work.catch(() => undefined);
  for (const step of undo.reverse()) {
    await step().catch((error: Error) => {
      console.error(`bench: not cleaned up: ${error.message}`);
      process.exitCode ??= 1;
    });
  }
  process.exit();
}

async function measure(
  given: BenchArguments,
  undo: (() => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<Report> {
  const names = readScenarios(given);
  const sizes = readSizes(given);
  const processes = readProcesses(given.processes);
  const binaries = readBinaries(given);
  await checkOutputs(given);
  const parts = await startParts(given, { sizes, processes, binaries }, undo);
  const { tell, server, client, receiverUrl } = parts;
  const report: Report = {
    ...(await describeRun(server.version, sizes)),
    figures: [],
    failures: [],
  };
  await warm(client, receiverUrl, Math.min(WARM_UP, sizes.deliveries * 4));
  for (const scenario of names) {
    tell(`${scenario}: ${SCENARIOS[scenario].about}`);
    try {
      const figures = await SCENARIOS[scenario].run(createBench(parts, scenario));
      report.figures.push(...figures.map((figure) => ({ scenario, ...figure })));
    } catch (error) {
      signal.throwIfAborted();
      const reason = (error as Error).message;
      report.failures.push({ scenario, reason });
      tell(`${scenario} failed: ${reason}`);
    }
    await writeOutputs(report, given);
  }
  return report;
}

/** Postgres with its template, the receiver and the client. */
async function startParts(
  given: BenchArguments,
  { binaries, ...plan }: { sizes: Sizes; processes: string[]; binaries: PostgresBinaries | null },
  undo: (() => Promise<unknown>)[],
): Promise<BenchParts> {
  const tell = (text: string): void => console.error(`  ${text}`);
  if (given.profile !== undefined) mkdirSync(given.profile, { recursive: true });

  const folder = await mkdtemp(path.join(tmpdir(), "ringback-bench-"));
  undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const receiver = startAgent<ReceiverOperations>("receiver");
  undo.push(() => receiver.stop());
  const client = startAgent<ClientOperations>("client");
  undo.push(() => client.stop());
  const receiverUrl = await receiver.call("listen");
  const server = await startServer({
    databaseUrl: given.databaseUrl ?? null,
    binaries,
    folder,
    receiverUrl,
    lanes: Math.max(LEAST_LANES, plan.sizes.fanOut, ...plan.sizes.lanes),
    explain: given.explain ?? false,
  });
  undo.push(() => server.stop());
  return {
    ...plan,
    server,
    receiver,
    receiverUrl,
    client,
    folder,
    profileFolder: given.profile ?? null,
    serveProcesses: given.serveProcesses,
    explain: given.explain ?? false,
    tell,
    onStart: (started: { stop(): Promise<void> }) => void undo.push(() => started.stop()),
  };
}

/** The ceilings are those of warm programs. */
async function warm(
  client: Agent<ClientOperations>,
  receiverUrl: string,
  count: number,
): Promise<void> {
  const headers = { "content-type": "application/json" };
  const load = { url: receiverUrl, headers, bodies: webhookBodies(), connections: 50 };
  await client.call("flood", { ...load, count });
}
