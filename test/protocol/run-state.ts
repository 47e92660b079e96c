import type { Database, Row } from "./postgres.ts";
import { scan } from "./postgres.ts";
import { newWorkers } from "./processes.ts";
import type { Protocol, Task, Worker } from "./processes.ts";
import { newJobWakeUp } from "./queue-model.ts";

/** The guards of the protocol. A test takes one out to see that it is missed. */
export const RUN_RULES = {
  /** claimRuns: the worker's row is held against its recovery. */
  claimHoldsTheWorker: true,
  /** claimRuns: what was chosen is locked and must be pending still. */
  claimRechecks: true,
  /** endRuns, returnRun: the run must be the one that was claimed. */
  fencedByRun: true,
  /** createJobRunner, look: without a thread, the next that becomes free claims. */
  looksLater: true,
  /** createJobRunner, release: a thread that becomes free claims, if there is more. */
  freedThreadLooks: true,
  /** createJobRunner, claim: as many as there was room for, so there may be more. */
  fullClaimLooksAgain: true,
  /** createJobRunner, look and claim: without a thread for the rest, other processes are told. */
  tellsOthers: true,
  /** insertJobs: those who compute are told. */
  submissionTells: true,
  /** startLiveness: one that did not listen for a while looks. */
  listensAndLooks: true,
  /** createJobRunner, nudgeOthers: what came while it paused is told as well. */
  tellsAgain: true,
  /** handBack: a job wake-up for the time when the job is due again. */
  handBackAddsWakeUp: true,
  /** recoverWorker: a job wake-up in place of those it used up. */
  recoveryAddsWakeUp: true,
  /** unregister: the same. */
  leavingAddsWakeUp: true,
  /** unregister: the same when it was declared dead meanwhile. */
  deadLeaverAddsWakeUp: true,
  /** auditOwn: a claim that is under way is awaited before a run counts as orphaned. */
  auditAwaitsClaims: true,
};
export type RunRules = typeof RUN_RULES;

/** What the world may do, and how often. */
export interface RunWorld {
  /** Job wake-ups at once in each process. */
  tasks: number[];
  /** Jobs that are pending in the beginning, with one wake-up for all. */
  jobs: number;
  /** Jobs that are submitted later: told of, or a job wake-up each when nobody is registered. */
  submissions: number;
  crashes: number;
  /** Workers that lose their signs of life and go on. One that then dies is the audit's. */
  zombies: number;
  failedRuns: number;
  /** Nudges that do not arrive. */
  lostNudges: number;
  /** Answers of claims or hand-backs that never arrive. */
  lostAnswers: number;
  /** Job wake-ups that vanish. */
  deletions: number;
  stops: number;
  cancels: number;
  audits: boolean;
  /** The pause after a nudge, in which no other is sent. */
  pauses: boolean;
}

export const QUIET_RUN_WORLD: RunWorld = {
  tasks: [1, 1],
  jobs: 1,
  submissions: 0,
  crashes: 0,
  zombies: 0,
  failedRuns: 0,
  lostNudges: 0,
  lostAnswers: 0,
  deletions: 0,
  stops: 0,
  cancels: 0,
  audits: false,
  pauses: false,
};

/** Where the task of a job wake-up is; `answered`: by the claim that is under way. */
export interface Ticket extends Task {
  pc: "start" | "answered" | "complete";
}

/** A run in hand; the thread is taken while it computes. */
export interface Run {
  job: string;
  run: number;
  pc: "compute" | "end" | "return" | "returned";
  delay: number;
  /** It was told to stop. */
  stop: boolean;
}

export interface Audit {
  pc: "settled" | "check" | "return";
  job: string;
  run: number;
}

/** A claim that is under way; the thread is taken. */
export interface Claim {
  pc: "choose" | "me" | "hold" | "answer";
  chosen: string | null;
  run: number | null;
}

/** One thread, and what JobRunner keeps (flow/jobs/claim.ts). */
export interface Process extends Worker<Ticket, Audit> {
  more: boolean;
  /** `again`: there was more to tell in the pause after the nudge. */
  telling: "send" | "pause" | "again" | null;
  runs: Run[];
  claim: Claim | null;
}

export interface RunState extends Protocol<Ticket, Audit> {
  workers: Process[];
  /** T1 that is not committed: how it announces its job. */
  submitting: "told" | "wakeForJobs" | null;
  left: Omit<RunWorld, "tasks" | "jobs" | "audits" | "pauses">;
}

export interface Job extends Row {
  status: "pending" | "running" | "ended";
  run: number;
  worker: string | null;
  next: number;
  crashes: number;
  endings: number;
}

const NEW_JOB: Job = {
  status: "pending",
  run: 0,
  worker: null,
  next: 0,
  crashes: 0,
  endings: 0,
};

export function jobsOf(db: Database): [string, Job][] {
  return scan(db, "job:") as [string, Job][];
}

export function jobOf(db: Database, key: string): Job {
  return db.rows[key] as Job;
}

export function duePending(db: Database): string[] {
  return jobsOf(db)
    .filter(([, { status, next }]) => status === "pending" && next <= 0)
    .map(([key]) => key);
}

export function ended(job: Job): Job {
  return { ...job, status: "ended", worker: null, next: 0, endings: job.endings + 1 };
}

export function returned(job: Job, next: number): Job {
  return { ...job, status: "pending", worker: null, next };
}

export function submit(db: Database): void {
  db.rows[`job:${jobsOf(db).length + 1}`] = { ...NEW_JOB };
}

export function initialRunState(world: RunWorld): RunState {
  const db: Database = { rows: { "entry:1": newJobWakeUp(0) }, open: {}, seen: {} };
  const { tasks, jobs, audits: _audits, pauses: _pauses, ...left } = world;
  for (let n = 0; n < jobs; n++) submit(db);
  tasks.forEach((_, index) => (db.rows[`worker:${index + 1}`] = {}));
  return {
    db,
    workers: newWorkers<Ticket, Audit>(tasks.length).map((worker) => ({
      ...worker,
      more: false,
      telling: null,
      runs: [],
      claim: null,
    })),
    submitting: null,
    recovery: null,
    reconciler: null,
    left,
    wrong: null,
  };
}
