import { createSubmissionGroup } from "./flow/submit-job.ts";
import type { SubmissionGroup } from "./flow/submit-job.ts";
import { createLeaseReads } from "./flow/lease-lane.ts";
import type { LeaseReads } from "./flow/lease-lane.ts";
import { createLoad } from "./flow/load.ts";
import type { Load } from "./flow/load.ts";
import { createDueReads } from "./flow/read-due.ts";
import type { DueReads } from "./flow/read-due.ts";
import { createEndingGroup } from "./flow/run-group.ts";
import type { EndingGroup } from "./flow/run-group.ts";
import { createJobRunner } from "./flow/run-jobs.ts";
import type { JobRunner } from "./flow/run-jobs.ts";
import { createSettlementGroup } from "./flow/settle-attempts.ts";
import type { SettlementGroup } from "./flow/settle-attempts.ts";
import { availableParallelism } from "node:os";
import type { Pool } from "pg";
import { createComputePool } from "./compute/pool.ts";
import type { ComputePool } from "./compute/pool.ts";
import { loadJobTypes } from "./compute/registry.ts";
import type { JobTypeRegistry } from "./compute/registry.ts";
import type { Config } from "./config.ts";
import { clock } from "./core/clock.ts";
import { parseAllowTargets } from "./core/targets.ts";
import type { TargetRules } from "./core/targets.ts";
import { createVault } from "./core/vault.ts";
import type { Vault } from "./core/vault.ts";
import type { DueDelivery } from "./db/due.ts";
import { createPool } from "./db/pool.ts";
import type { ClaimedRun } from "./db/runs.ts";
import { plannedEachTime } from "./db/transaction.ts";
import type { Reader } from "./db/transaction.ts";
import { createLogger } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import { createTransport } from "./transport/send.ts";
import type { Transport } from "./transport/send.ts";

/** A run that this process computes. */
export interface RunHandle {
  run: number;
  /** What decides who is told of its end. */
  job: Pick<ClaimedRun, "account_id" | "callbacks">;
  stop(reason: "canceled" | "shutdown"): void;
}

/** Deliveries of one lane that a transaction of this process has made due. */
export interface MadeDue {
  deliveries: readonly DueDelivery[];
  /** When the transaction began, by `performance.now()`: no read before can have seen them. */
  since: number;
}

/** A lane that this process pumps, or is about to lease. */
export interface PumpHandle {
  /**
   * Something may be due: look again. False: whether the look is still to come is not known, as
   * the lease is being taken or given back.
   * @param made what became due, when it is known and need not be read
   */
  nudge(made?: MadeDue): boolean;
  /** When that is known. */
  settled(): Promise<void>;
}

/** Everything the program is made of, built in one place. Use cases take what they use. */
export interface Context {
  config: Config & { publicUrl: string };
  databaseUrl: string;
  pool: Pool;
  /** For lists and counts, whose best plan depends on what is asked for. */
  lookups: Reader;
  vault: Vault;
  telemetry: Telemetry;
  jobTypes: JobTypeRegistry;
  targets: TargetRules;
  transport: Transport;
  compute: ComputePool;
  now(): Date;
  /** Uniform in [0, 1). */
  random(): number;
  /** Aborted when the process begins to stop. */
  stopping: AbortSignal;
  /**
   * The registration of this process; another id after it was buried by mistake. `peers`: how many
   * others deliver. `doubtful`: lanes whose lease was asked for, and the answer was lost.
   */
  worker: { id: string; peers: number; doubtful: Set<string> };
  runs: Map<string, RunHandle>;
  pumps: Map<string, PumpHandle>;
  load: Load;
  jobs: JobRunner;
  submissions: SubmissionGroup;
  endings: EndingGroup;
  settlements: SettlementGroup;
  leaseReads: LeaseReads;
  dueReads: DueReads;
}

/** What tests and the command line may put in place of the usual parts. */
export type Overrides = Partial<
  Pick<Context, "telemetry" | "transport" | "compute" | "now" | "random">
>;

export interface ContextOptions {
  config: Config & { publicUrl: string };
  databaseUrl: string;
  /** 32 bytes each, base64; the newest first. */
  masterKeys: readonly string[];
  stopping: AbortSignal;
  /** One line a person can read instead of JSON. */
  readableLog?: boolean;
  overrides?: Overrides;
}

const POOL_SIZE = 24;

/** Builds the parts. Nothing is connected or started yet. */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, databaseUrl, overrides = {} } = options;
  const log = createLogger({ level: config.logLevel, readable: options.readableLog ?? false });
  const telemetry = overrides.telemetry ?? createTelemetry(log, createMetrics());
  const targets = parseAllowTargets(config.allowTargets);
  const pool = createPool({
    connectionString: databaseUrl,
    max: POOL_SIZE,
    name: config.roles.join(","),
    onError(error) {
      if (options.stopping.aborted) return;
      telemetry.log.warn("idle connection lost", { error: error.message });
    },
  });
  const parts = {
    config,
    databaseUrl,
    pool,
    lookups: plannedEachTime(pool),
    vault: createVault(options.masterKeys),
    telemetry,
    jobTypes: await loadJobTypes(config.jobTypeModules),
    targets,
    transport: overrides.transport ?? createTransport({ rules: targets }),
    compute:
      overrides.compute ??
      createComputePool({
        modules: config.jobTypeModules,
        threads: availableParallelism(),
        env: config.jobEnvironment,
        allowTargets: config.allowTargets,
      }),
    now: overrides.now ?? clock.now,
    random: overrides.random ?? Math.random,
    stopping: options.stopping,
    worker: { id: "", peers: 0, doubtful: new Set<string>() },
    runs: new Map<string, RunHandle>(),
    pumps: new Map<string, PumpHandle>(),
    load: createLoad(),
  };
  const endings = createEndingGroup(parts);
  const threads = config.roles.includes("compute") ? parts.compute.threads : 0;
  return {
    ...parts,
    jobs: createJobRunner({ ...parts, endings }, threads),
    submissions: createSubmissionGroup(parts),
    endings,
    settlements: createSettlementGroup(parts),
    leaseReads: createLeaseReads(parts),
    dueReads: createDueReads(parts),
  };
}
