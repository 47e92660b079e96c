import { InvalidArgumentError } from "commander";
import { ConfigError } from "../src/config.ts";
import { parseRoles } from "../src/cli/serve-options.ts";
import { findPostgresBinaries } from "../src/embedded-postgres/binaries.ts";
import type { PostgresBinaries } from "../src/embedded-postgres/binaries.ts";

/** As the command line gives them. */
export interface BenchArguments {
  only?: string;
  quick?: true;
  deliveries?: number;
  jobs?: number;
  history?: number;
  seconds?: number;
  processes: string;
  lanes?: number;
  accounts?: number;
  pinned?: number;
  serveProcesses: number;
  databaseUrl?: string;
  binaries?: string;
  json?: string;
  plot?: string;
  writeDocs?: string;
  profile?: string;
  explain?: true;
}

/** How much of everything. */
export interface Sizes {
  /** Of a drain. */
  deliveries: number;
  /** Lanes of the drains with `v1` alone, one drain for each. */
  lanes: readonly number[];
  /** The same with `v1` and `v1a`. */
  lanesWithBoth: readonly number[];
  /** Endpoints that one message goes to. */
  fanOut: number;
  /** Of a phase at a steady rate. */
  seconds: number;
  /** Jobs per second, of the latencies. */
  rates: readonly number[];
  /** That the noisy account submits at once. */
  jobs: number;
  /** Jobs whose cost is measured. */
  costJobs: number;
  /** Attempts kept, each with its delivery, message and job. */
  history: number;
  /** Deliveries with bodies of 256 kB. */
  large: number;
  /** GETs per route. */
  lookUps: number;
  /** Seconds that a transaction is held open. */
  pinned: number;
  /** Lanes of which each has little. */
  manyLanes: number;
  manyAccounts: number;
}

const FULL: Sizes = {
  deliveries: 100_000,
  lanes: [1, 50, 1_000],
  lanesWithBoth: [50],
  fanOut: 1_000,
  seconds: 20,
  rates: [50, 200],
  jobs: 20_000,
  costJobs: 10_000,
  history: 1_000_000,
  large: 10_000,
  lookUps: 300,
  pinned: 60,
  manyLanes: 10_000,
  manyAccounts: 1_000,
};

const QUICK: Sizes = {
  deliveries: 5_000,
  lanes: [50],
  lanesWithBoth: [],
  fanOut: 200,
  seconds: 2,
  rates: [200],
  jobs: 1_000,
  costJobs: 1_000,
  history: 20_000,
  large: 200,
  lookUps: 50,
  pinned: 6,
  manyLanes: 1_000,
  manyAccounts: 100,
};

export function readSizes(given: BenchArguments): Sizes {
  const base = given.quick ? QUICK : FULL;
  return {
    ...base,
    deliveries: given.deliveries ?? base.deliveries,
    jobs: given.jobs ?? base.jobs,
    costJobs: Math.min(given.jobs ?? base.costJobs, base.costJobs),
    history: given.history ?? base.history,
    seconds: given.seconds ?? base.seconds,
    manyLanes: given.lanes ?? base.manyLanes,
    manyAccounts: given.accounts ?? base.manyAccounts,
    pinned: given.pinned ?? (given.seconds === undefined ? base.pinned : 3 * given.seconds),
  };
}

/** `api,compute+deliver` → the roles of two processes. @throws ConfigError unknown roles */
export function readProcesses(text: string): string[] {
  const processes = text.split(",").map((roles) => roles.trim().split("+").join(","));
  for (const roles of processes) parseRoles(roles);
  const has = new Set(processes.flatMap((roles) => roles.split(",")));
  for (const role of ["api", "compute", "deliver"]) {
    if (!has.has(role)) throw new ConfigError(`--processes ${text}: nobody has the role ${role}`);
  }
  return processes;
}

/** Null: those of the embedded Postgres. @throws Error they are not in the folder */
export function readBinaries({
  binaries,
  databaseUrl,
}: Pick<BenchArguments, "binaries" | "databaseUrl">): PostgresBinaries | null {
  if (binaries === undefined) return null;
  if (databaseUrl !== undefined) {
    throw new ConfigError("--binaries and --database-url: one of them, as each names a Postgres");
  }
  return findPostgresBinaries(binaries);
}

/** @throws InvalidArgumentError */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}
