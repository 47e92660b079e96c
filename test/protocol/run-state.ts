import type { Database, Row } from "./postgres.ts";
import { newWorkers } from "./processes.ts";
import type { AddPc, Protocol, Task } from "./processes.ts";
import { newEntry } from "./queue-model.ts";

/** The guards of the protocol. A test takes one out to see that it is missed. */
export const RUN_RULES = {
  /** claimRuns: the worker's row is held against its burial. */
  claimHoldsTheWorker: true,
  /** endRuns, returnRun: the run must be the one that was claimed. */
  fencedByRun: true,
  /** runJob: an entry met while its job is in hand is put back if the job is pending. */
  inHandPutsBack: true,
  /** runJob: the same while the process stops. */
  stoppingPutsBack: true,
  /** runJob: the same when the claim is refused: not due yet, or this worker was buried. */
  refusedPutsBack: true,
  /** takeOver: what the dead held is queued under new ids, not unlocked in its place. */
  burialQueuesAnew: true,
  /** takeOver: rows are locked in the order of all others: jobs, then the queue. */
  burialLocksOursFirst: true,
  /** addWakeUps: called again when the entry was taken between the two statements of add_jobs. */
  addsAgainWhenTaken: true,
};
export type RunRules = typeof RUN_RULES;

/** What the world may do, and how often. */
export interface RunWorld {
  /** Tasks at once in each process. */
  tasks: number[];
  crashes: number;
  /** Workers that lose their signs of life and go on. One that then dies is the reconciler's. */
  zombies: number;
  failedRuns: number;
  /** Entries that find no slot, or runs that find no thread. */
  noThreads: number;
  /** Answers of claims or hand-backs that never arrive. */
  lostAnswers: number;
  deletions: number;
  stops: number;
  cancels: number;
  audits: boolean;
  reconciler: boolean;
}

export const QUIET_RUN_WORLD: RunWorld = {
  tasks: [1, 1],
  crashes: 0,
  zombies: 0,
  failedRuns: 0,
  noThreads: 0,
  lostAnswers: 0,
  deletions: 0,
  stops: 0,
  cancels: 0,
  audits: false,
  reconciler: false,
};

/** Where runJob is. */
export type RunPc =
  | "start" // fetched, in the local queue
  | "claim"
  | "lockJob"
  | "commitClaim"
  | "claimed" // the answer is on its way
  | "refused"
  | "putBack"
  | "compute"
  | "end"
  | "commitEnd"
  | "return"
  | "overtake" // the two statements of add_jobs
  | "upsert"
  | "commitReturn"
  | "returned" // the answer is on its way
  | "complete"
  | "fail";

export interface RunTask extends Task {
  pc: RunPc;
  run: number | null;
  delay: number;
}

export type Audit = { pc: "check" | "return" | AddPc; run: number };

export interface RunState extends Protocol<RunTask, Audit> {
  left: Omit<RunWorld, "tasks" | "audits" | "reconciler">;
}

export const JOB = "job";

export interface Job extends Row {
  status: "pending" | "running" | "ended";
  run: number;
  worker: string | null;
  next: number;
  crashes: number;
  endings: number;
}

export function jobOf(db: Database): Job {
  return db.rows[JOB] as Job;
}

export function ended(job: Job): Job {
  return { ...job, status: "ended", worker: null, next: 0, endings: job.endings + 1 };
}

export function returned(job: Job, next: number): Job {
  return { ...job, status: "pending", worker: null, next };
}

export function initialRunState(world: RunWorld): RunState {
  const rows: Record<string, Row> = {
    [JOB]: { status: "pending", run: 0, worker: null, next: 0, crashes: 0, endings: 0 },
    "entry:1": newEntry(0),
  };
  const { tasks, audits: _audits, reconciler: _reconciler, ...left } = world;
  tasks.forEach((_, index) => (rows[`worker:${index + 1}`] = {}));
  return {
    db: { rows, open: {} },
    workers: newWorkers(tasks.length),
    burial: null,
    reconciler: null,
    left,
    wrong: null,
  };
}
