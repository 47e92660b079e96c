import type { Model } from "./explorer.ts";
import { Moves } from "./moves.ts";
import { allVersions, blockers, write } from "./postgres.ts";
import {
  addWakeUpMoves,
  burialMoves,
  clockMoves,
  normalizeDatabase,
  processMoves,
} from "./processes.ts";
import type { Belongings } from "./processes.ts";
import { hasWakeUp } from "./queue-model.ts";
import {
  ended,
  initialRunState,
  JOB,
  jobOf,
  QUIET_RUN_WORLD,
  returned,
  RUN_RULES,
} from "./run-state.ts";
import type { Audit, RunRules, RunState, RunWorld } from "./run-state.ts";
import { runMoves } from "./run-task.ts";

const MAX_CRASHES = 2;

/**
 * One job and its wake-ups: the claim of a run, its end, the hand-back, a cancellation, the burial
 * of the dead and the reconciler. As in the lane's model one step is one statement.
 */
export function runModel(what: Partial<RunWorld>, broken: Partial<RunRules> = {}): Model<RunState> {
  const world = { ...QUIET_RUN_WORLD, ...what };
  const rules = { ...RUN_RULES, ...broken };
  return {
    initial: initialRunState(world),
    next(state) {
      const moves = new Moves<RunState>();
      state.workers.forEach((worker, index) => {
        if (!worker.up) return;
        processMoves(moves, state, index, world, (s, entry) => {
          const task = { entry, pc: "start" as const, noted: false, run: null, delay: 0 };
          s.workers[index]!.tasks.push(task);
        });
        worker.tasks.forEach((_, place) => runMoves(moves, state, index, place, rules, world));
        if (world.audits) auditMoves(moves, state, index, rules);
      });
      burialMoves(moves, state, rules, RUN);
      if (world.reconciler) reconcilerMoves(moves, state, rules);
      cancelMoves(moves, state);
      clockMoves(moves, state, ageDelays);
      return moves;
    },
    check,
    checkQuiet: (state) => checkQuiet(state, world),
    normalize,
  };
}

const RUN: Belongings<RunState> = {
  name: "lockRunsOf, returnRuns",
  row: JOB,
  areOf(db, registration) {
    const { status, worker } = jobOf(db);
    return status === "running" && worker === registration;
  },
  takeBack({ db }, tx) {
    const job = jobOf(db);
    const crashes = job.crashes + 1;
    const poison = crashes >= MAX_CRASHES;
    write(db, tx, JOB, { ...(poison ? ended(job) : returned(job, 0)), crashes }, "update");
    return !poison;
  },
};

/** flow/repair.ts, auditOwn: a run that the database knows of. */
function auditMoves(moves: Moves<RunState>, state: RunState, index: number, rules: RunRules): void {
  const { db } = state;
  const worker = state.workers[index]!;
  const tx = `W${index + 1} audit`;
  const { audit } = worker;
  const job = jobOf(db);
  if (audit === null) {
    if (job.status !== "running" || job.worker !== worker.registration) return;
    moves.add(`${tx}: findRunsOf`, (s) => {
      s.workers[index]!.audit = { pc: "check", run: job.run };
    });
    return;
  }
  const to = (s: RunState, pc: Audit["pc"]): void => void (s.workers[index]!.audit!.pc = pc);
  const over = (s: RunState): void => void (s.workers[index]!.audit = null);
  if (audit.pc === "check") {
    const noted = worker.tasks.some((t) => t.noted);
    moves.add(`${tx}: ${noted ? "noted" : "not noted"}`, noted ? over : (s) => to(s, "return"));
  } else if (audit.pc === "return") {
    moves.statement(tx, "returnRun", blockers(db, tx, JOB, "update"), (s) => {
      const now = jobOf(s.db);
      if (now.status !== "running" || now.run !== audit.run) return over(s);
      write(s.db, tx, JOB, returned(now, 0));
      to(s, "overtake");
    });
  } else {
    addWakeUpMoves(moves, state, tx, rules, audit.pc, to, over);
  }
}

/** flow/repair.ts, repairWakeUps: the look, and its transaction later. */
function reconcilerMoves(moves: Moves<RunState>, state: RunState, rules: RunRules): void {
  const { db, reconciler: pc } = state;
  const to = (s: RunState, next: RunState["reconciler"]): void => void (s.reconciler = next);
  if (pc !== null && pc !== "hold") {
    return addWakeUpMoves(moves, state, "reconciler", rules, pc, to, (s) => to(s, null));
  }
  const { status, next } = jobOf(db);
  if (status === "pending" && next <= 0 && !hasWakeUp(db, 0)) {
    moves.add("reconciler: findForgottenJobs", (s) => to(s, "overtake"));
  }
}

/** flow/cancel-job.ts, of a job that is pending. */
function cancelMoves(moves: Moves<RunState>, { db, left }: RunState): void {
  const isFree = blockers(db, "cancel", JOB, "update").length === 0;
  if (left.cancels === 0 || jobOf(db).status !== "pending" || !isFree) return;
  moves.world("cancelJob", (s) => {
    s.left.cancels -= 1;
    s.db.rows[JOB] = ended(jobOf(s.db));
  });
}

/** The delay of a wake-up counts from the beginning of its transaction. */
function ageDelays(s: RunState): void {
  for (const { tasks } of s.workers) {
    for (const task of tasks) {
      const adding = task.pc === "overtake" || task.pc === "upsert";
      if (adding) task.delay = Math.max(0, task.delay - 1);
    }
  }
}

function check(state: RunState): string | null {
  if (state.wrong !== null) return state.wrong;
  const job = jobOf(state.db);
  if (job.endings > 1) return "the job ended twice";
  if (job.worker !== null && state.db.rows[`worker:${job.worker}`] === undefined) {
    return "a run was claimed by a worker that is buried";
  }
  const current = state.workers.flatMap((worker) => worker.tasks).filter((t) => t.run === job.run);
  if (job.status === "running" && current.length > 1) return "two hold the same run";
  return null;
}

/** A pending job has a wake-up that comes about when it is due, or before. */
function checkQuiet(state: RunState, { reconciler }: RunWorld): string | null {
  const { status, next } = jobOf(state.db);
  if (status === "running") return "nobody computes a running job";
  if (status !== "pending" || (reconciler && next > 0)) return null;
  return hasWakeUp(state.db, next + 1) ? null : "lost: nothing will wake the job";
}

function normalize(state: RunState): void {
  const { run, endings, status } = jobOf(state.db);
  for (const { tasks, audit } of state.workers) {
    for (const task of tasks)
      if (task.run !== null) task.run = task.run >= run ? task.run - run : -1;
    if (audit !== null) audit.run = audit.run === run ? 0 : -1;
  }
  for (const row of allVersions(state.db)) {
    if (typeof row["run"] === "number") row["run"] -= run;
  }
  if (status === "ended" && endings === 1) jobOf(state.db).crashes = 0;
  normalizeDatabase(state);
}
