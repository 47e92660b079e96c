import { availableParallelism } from "node:os";
import { createComputePool } from "../compute/pool.ts";
import { loadJobTypes } from "../compute/registry.ts";
import type { Config } from "../config.ts";
import { clock } from "../core/clock.ts";
import { parseAllowTargets } from "../core/targets.ts";
import { createVault } from "../core/vault.ts";
import { createNotifier } from "../db/notifier.ts";
import { createPool } from "../db/pool.ts";
import { plannedEachTime, untilNobodyWaits } from "../db/transaction.ts";
import type { Context, PumpHandle, RunHandle } from "../flow/context.ts";
import { createDueReads } from "../flow/deliveries/due.ts";
import { createLeaseReads, createLeaseTakes } from "../flow/deliveries/lane/lease.ts";
import { createLeaveGroup } from "../flow/deliveries/lane/leave.ts";
import { createLoad } from "../flow/deliveries/load.ts";
import { createPublicationGroup } from "../flow/deliveries/publish-message.ts";
import { createSettlementGroup } from "../flow/deliveries/settle.ts";
import { createJobRunner } from "../flow/jobs/claim.ts";
import { createRunEndGroup } from "../flow/jobs/finish.ts";
import { createSubmissionGroup } from "../flow/jobs/submit.ts";
import { createLogger } from "../telemetry/logger.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { createTransport } from "../transport/send.ts";
import type { ProcessShare } from "./processes/messages.ts";

/** Parts that tests and the command line may replace. */
export type Overrides = Partial<
  Pick<Context, "telemetry" | "transport" | "compute" | "now" | "random">
>;

export interface ContextOptions {
  config: Config & { publicUrl: string };
  databaseUrl: string;
  /** 32 bytes each, base64; the newest first. */
  masterKeys: readonly string[];
  stopping: AbortSignal;
  /** Lines that a person can read instead of JSON. */
  readableLog?: boolean;
  /** Which of several processes it is for, and how the metrics of the others are asked for. */
  share?: ProcessShare | undefined;
  pagesOfOthers?: (() => Promise<string[]>) | undefined;
  overrides?: Overrides;
}

const POOL_SIZE = 24;
/** The longest statement of a search. */
const SEARCH_MS = 4_000;

/** The threads of all processes together are as many as there are cores, where that is enough. */
function threadsOf({ number, of }: ProcessShare): number {
  return Math.max(1, Math.floor((availableParallelism() + of - number) / of));
}

/** Builds the parts. Nothing is connected or started yet. */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, databaseUrl, overrides = {}, share } = options;
  const log = createLogger({
    level: config.logLevel,
    readable: options.readableLog ?? false,
    process: share?.number,
  });
  const metrics = createMetrics({ process: share?.number, pagesOfOthers: options.pagesOfOthers });
  const telemetry = overrides.telemetry ?? createTelemetry(log, metrics);
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
    searches: (gone: AbortSignal) => untilNobodyWaits(pool, SEARCH_MS, gone),
    notifier: createNotifier({ databaseUrl, log: telemetry.log }),
    vault: createVault(options.masterKeys),
    telemetry,
    jobTypes: await loadJobTypes(config.jobTypeModules),
    targets,
    transport: overrides.transport ?? createTransport({ rules: targets }),
    compute:
      overrides.compute ??
      createComputePool({
        modules: config.jobTypeModules,
        threads: share === undefined ? availableParallelism() : threadsOf(share),
        env: config.jobEnvironment,
        allowTargets: config.allowTargets,
        ...(config.threadMemoryMb !== null && { memoryMb: config.threadMemoryMb }),
      }),
    now: overrides.now ?? clock.now,
    random: overrides.random ?? Math.random,
    stopping: options.stopping,
    worker: { id: "", peers: 0, doubtful: new Set<string>() },
    runs: new Map<string, RunHandle>(),
    pumps: new Map<string, PumpHandle>(),
    load: createLoad(),
  };
  const endings = createRunEndGroup(parts);
  const threads = config.roles.includes("compute") ? parts.compute.threads : 0;
  return {
    ...parts,
    jobs: createJobRunner({ ...parts, endings }, threads),
    submissions: createSubmissionGroup(parts),
    publications: createPublicationGroup(parts),
    endings,
    settlements: createSettlementGroup(parts),
    leaseTakes: createLeaseTakes(parts),
    leaseReads: createLeaseReads(parts),
    leaves: createLeaveGroup(parts),
    dueReads: createDueReads(parts),
  };
}
