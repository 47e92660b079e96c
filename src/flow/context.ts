import type { Pool } from "pg";
import type { ComputePool } from "../compute/pool.ts";
import type { JobTypeRegistry } from "../compute/registry.ts";
import type { Config } from "../config.ts";
import type { Breaker, Evidence } from "../core/breaker.ts";
import type { StoredResponse } from "../core/model.ts";
import type { RateLimitState } from "../core/rate-limit.ts";
import type { TargetRules } from "../core/targets.ts";
import type { Vault } from "../core/vault.ts";
import type { NewDelivery } from "../db/deliveries/deliveries.ts";
import type { DueDelivery, DueWanted } from "../db/deliveries/due.ts";
import type { LaneConfig, LeaseAnswer } from "../db/deliveries/leases.ts";
import type { Settlement } from "../db/deliveries/settlements.ts";
import type { IdempotencyRecord } from "../db/idempotency.ts";
import type { EndedJob, RunEnd } from "../db/jobs/ends.ts";
import type { NewJob } from "../db/jobs/jobs.ts";
import type { ClaimedRun } from "../db/jobs/runs.ts";
import type { Notifier } from "../db/notifier.ts";
import type { Reader } from "../db/transaction.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Transport } from "../transport/send.ts";
import type { Publication } from "./deliveries/publish.ts";
import type { GroupCommit } from "./group-commit.ts";

/** All parts of the program, built in one place. Use cases take the parts they use. */
export interface Context {
  config: Config & { publicUrl: string };
  databaseUrl: string;
  pool: Pool;
  /** For lists and counts, whose best plan depends on the values in the query. */
  lookups: Reader;
  /** For searches: a statement ends after some seconds, and when nobody waits for it any more. */
  searches(gone: AbortSignal): Reader;
  notifier: Notifier;
  vault: Vault;
  telemetry: Telemetry;
  jobTypes: JobTypeRegistry;
  targets: TargetRules;
  transport: Transport;
  compute: ComputePool;
  now(): Date;
  /** A random number, uniform in [0, 1). */
  random(): number;
  /** Aborted when the process begins to stop. */
  stopping: AbortSignal;
  /**
   * The registration of this process; another id after it was declared dead by mistake. `peers`:
   * the number of others that deliver. `doubtful`: lanes for whose lease the answer was lost.
   */
  worker: { id: string; peers: number; doubtful: Set<string> };
  runs: Map<string, RunHandle>;
  pumps: Map<string, PumpHandle>;
  load: Load;
  jobs: JobRunner;
  submissions: SubmissionGroup;
  publications: PublicationGroup;
  endings: RunEndGroup;
  settlements: SettlementGroup;
  leaseTakes: LeaseTakes;
  leaseReads: LeaseReads;
  leaves: LeaveGroup;
  dueReads: DueReads;
}

/** A run that this process computes. */
export interface RunHandle {
  run: number;
  /** The part of the job that decides who receives its end. */
  job: Pick<ClaimedRun, "account_id" | "callbacks">;
  stop(reason: "canceled" | "shutdown"): void;
}

/** Deliveries of one lane that a transaction of this process has made due. */
export interface MadeDue {
  deliveries: readonly DueDelivery[];
  /** The begin of the transaction, by `performance.now()`: no read before has seen them. */
  since: number;
}

/** A lane that this process pumps, or is about to lease. */
export interface PumpHandle {
  /**
   * Makes the pump look again, as a delivery may be due. False: not known whether that look is
   * still to come, as the lease is being taken or given back.
   * @param made the deliveries that became due, when known without a read
   */
  nudge(made?: MadeDue): boolean;
  /** Resolves when that is known. */
  settled(): Promise<void>;
  /** Whether the lane is empty, and kept for what may come. */
  isIdle(): boolean;
}

/** Claims pending jobs for the threads of this process that are free, and computes them. */
export interface JobRunner {
  /**
   * Looks for pending jobs. Resolves when a claim that began after the call is over, or no thread
   * is free: then the next that becomes free claims, and other processes are nudged.
   * @param nudged by another process that has no thread free
   */
  look(nudged?: boolean): Promise<void>;
  /** Resolves when no claim is under way. */
  settled(): Promise<void>;
  /** Resolves when no run is in hand. */
  idle(): Promise<void>;
  hasFreeThread(): boolean;
  /** Whether a thread is free, with no claim for it to come. */
  isIdle(): boolean;
}

/** The load of all pumps of this process together. */
export interface Load {
  /** Bytes of bodies in hand. */
  bytes: number;
  sends: number;
  /** Whether the main thread hardly pauses, so that more sends would only wait for it. */
  isBusy(): boolean;
}

/** The rows of a submission. */
export interface NewSubmission {
  job: NewJob;
  record: IdempotencyRecord | null;
}

/**
 * The answer for a request's key: null, the request is the first (or has no key) and goes on; the
 * record of an earlier request; or `busy`, another request with the key is being processed.
 */
export type KeyAnswer = IdempotencyRecord | null | "busy";

/** A submission → null, it was stored; or the answer for its key. */
export type SubmissionGroup = GroupCommit<NewSubmission, KeyAnswer>;

/** A message of one's own, to be published once per key. */
export interface NewPublication {
  publication: Publication & { messageId: string };
  idempotency: {
    key: string;
    fingerprint: string;
    /** Makes the response to keep, before the commit, so that it commits with the message. */
    respond(deliveries: readonly NewDelivery[]): StoredResponse;
  } | null;
}

/** A publication → its deliveries, when it was made; or the answer for its key. */
export type PublicationGroup = GroupCommit<
  NewPublication,
  { made: NewDelivery[] } | Exclude<KeyAnswer, null>
>;

/** The end of a run → the job's end; null: the claim was lost. */
export type RunEndGroup = GroupCommit<RunEnd, EndedJob | null>;

/** A settlement → false: its lease or attempt number was out of date, and nothing changed. */
export type SettlementGroup = GroupCommit<Settlement, boolean>;

/** A lane → its lease, or why not. */
export type LeaseTakes = GroupCommit<{ laneId: string; workerId: string }, LeaseAnswer>;

/** A lane's breaker and what it is judged by. */
export interface JudgedLane {
  config: Pick<LaneConfig, "id" | "epoch" | "endpoint_id" | "disable_after_s">;
  breaker: Breaker;
  evidence: Evidence;
}

/** A lane that its holder leaves. */
export interface LaneLeave extends RateLimitState, JudgedLane {
  id: string;
  epoch: string;
  /** Whether the holder could as well keep the lane. */
  mayStay: boolean;
  /** Whether the database has another one. */
  isBreakerChanged: boolean;
}

/** `stays`: producers are under way, so the lane is not at rest, and its holder goes on. */
export type Leaving = "left" | "stays" | "lost";

/** A lane that is left → how; `alone`: it takes a transaction of its own. */
export type LeaveGroup = GroupCommit<LaneLeave, Leaving | "alone">;

/** A lease → the lane as it is now; null: the lease is lost. */
export type LeaseReads = GroupCommit<{ id: string; epoch: string }, LaneConfig | null>;

export interface DueRead {
  due: DueDelivery[];
  /** More deliveries may be due. */
  more: boolean;
}

export interface DueReads {
  free: GroupCommit<DueWanted, DueRead>;
  /** Those that became due last, without replayed ones. */
  newest: DueReads["free"];
  ordered: GroupCommit<DueWanted, DueRead>;
  /** The id of a lane → whether anything is pending in it, due or not. */
  pending: GroupCommit<string, boolean>;
}
