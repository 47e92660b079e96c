import type { Model } from "./explorer.ts";
import { Moves } from "./moves.ts";
import { blockers, commit, lock, write } from "./postgres.ts";
import type { Database } from "./postgres.ts";
import { recoveryMoves, clockMoves, inUse, normalizeDatabase, processMoves } from "./processes.ts";
import type { Belongings, Hooks } from "./processes.ts";
import { wakeForJobs, entries, hasWakeUp } from "./queue-model.ts";
import { claimMoves, isFree, isIdle, look, nudgeMoves } from "./run-runner.ts";
import {
  duePending,
  ended,
  initialRunState,
  jobOf,
  jobsOf,
  QUIET_RUN_WORLD,
  returned,
  RUN_RULES,
  submit,
} from "./run-state.ts";
import type { Audit, Job, RunRules, RunState, RunWorld } from "./run-state.ts";
import { runMoves, ticketMoves } from "./run-task.ts";

const MAX_CRASHES = 2;

/**
 * Jobs and their wake-ups: claims, ends, hand-backs, cancellations, nudges between processes,
 * the recovery of the dead, a process that stops and the audit. As in the lane's model one step is
 * one statement, but for transactions that lock a single row: those are one step. Each process has
 * one thread.
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
        const { tasks, audits: mended } = world;
        processMoves(moves, state, index, { tasks, mended }, hooks(rules));
        worker.tasks.forEach((_, place) => ticketMoves(moves, state, index, place, rules));
        claimMoves(moves, state, index, rules, world);
        nudgeMoves(moves, state, index, rules, world);
        worker.runs.forEach((_, place) => runMoves(moves, state, index, place, rules));
        if (world.audits) auditMoves(moves, state, index, rules);
        leaveMoves(moves, state, index, rules);
      });
      const adds = state.recovery?.leaving ? rules.leavingAddsWakeUp : rules.recoveryAddsWakeUp;
      const order = adds ? ORDER : ORDER.filter((pc) => pc !== "wakeForJobs");
      recoveryMoves(moves, state, { addsAgainWhenTaken: true }, order, RUNS);
      clientMoves(moves, state, rules);
      clockMoves(moves, state, () => undefined);
      return moves;
    },
    check,
    checkQuiet: (state) => checkQuiet(state, world),
    normalize,
  };
}

function hooks(rules: RunRules): Hooks<RunState> {
  return {
    take(s, index, entry) {
      s.workers[index]!.tasks.push({ entry, pc: "start", noted: false });
    },
    /** registerAnew */
    registeredAnew(s, index) {
      const worker = s.workers[index]!;
      for (const run of worker.runs) run.stop = true;
      if (rules.listensAndLooks) look(worker, true, rules);
    },
  };
}

const ORDER = ["takeBack", "wakeForJobs", "unlock", "commit"] as const;

const RUNS: Belongings<RunState> = {
  name: "lockRunsOf, returnRuns",
  rows: (db) => jobsOf(db).map(([key]) => key),
  areOf(db, key, registration) {
    const { status, worker } = jobOf(db, key);
    return status === "running" && worker === registration;
  },
  takeBack({ db, recovery }, tx, key) {
    const job = jobOf(db, key);
    const crashes = job.crashes + (recovery!.leaving ? 0 : 1);
    const poison = crashes >= MAX_CRASHES;
    write(db, tx, key, { ...(poison ? ended(job) : returned(job, 0)), crashes }, "update");
    return false;
  },
};

/** worker.stop: what is not done when the grace ends goes to others as it is. */
function leaveMoves(moves: Moves<RunState>, state: RunState, index: number, rules: RunRules): void {
  const { db, recovery } = state;
  const { stopping, tasks, claim, runs, registration } = state.workers[index]!;
  // in truth it may leave while another is declared dead; they have no row in common
  if (!stopping || recovery !== null) return;
  const me = `W${index + 1}`;
  const row = `worker:${registration}`;
  const done = tasks.length === 0 && claim === null && runs.length === 0;
  const name = `${me}: ${done ? "" : "the grace is over, "}unregister`;
  const add = done ? moves.add.bind(moves) : moves.world.bind(moves);
  if (db.rows[row] === undefined) {
    return add(`${name}, not registered`, (s) => {
      if (rules.deadLeaverAddsWakeUp) {
        wakeForJobs(s.db, me, 0, inUse(s));
        commit(s.db, me);
      }
      s.workers[index]!.up = false;
    });
  }
  const waits = blockers(db, "recovery", row, "update");
  if (waits.length > 0) return void (done && moves.waits.push({ who: "recovery", by: waits }));
  add(name, (s) => {
    lock(s.db, "recovery", row, "update");
    s.recovery = {
      worker: index,
      registration,
      pc: "takeBack",
      wake: false,
      row: 0,
      leaving: true,
    };
  });
}

/** flow/maintenance/reconcile.ts, auditOwn: orphaned runs, and jobs that a free thread was not told of. */
function auditMoves(moves: Moves<RunState>, state: RunState, index: number, rules: RunRules): void {
  const { db } = state;
  const worker = state.workers[index]!;
  const { audit, registration, runs } = worker;
  const tx = `W${index + 1} audit`;
  const over = (s: RunState): void => void (s.workers[index]!.audit = null);
  const to = (s: RunState, pc: Audit["pc"]): void => void (s.workers[index]!.audit!.pc = pc);
  if (audit === null) {
    if (worker.stopping) return;
    for (const [job, { status, worker: holder, run }] of jobsOf(db)) {
      if (status !== "running" || holder !== registration) continue;
      if (runs.some((r) => r.job === job)) continue;
      moves.add(`${tx}: findRunsOf, ${job} is not in hand`, (s) => {
        s.workers[index]!.audit = { pc: "settled", job, run };
      });
    }
    if (isIdle(worker) && duePending(db).length > 0) {
      moves.add(`${tx}: look`, (s) => void look(s.workers[index]!, false, rules));
    }
    return;
  }
  const { job, run } = audit;
  if (audit.pc === "settled") {
    if (worker.claim !== null && rules.auditAwaitsClaims) return;
    moves.add(`${tx}: settled`, (s) => to(s, "check"));
  } else if (audit.pc === "check") {
    const now = jobOf(db, job);
    const known = now.status === "running" && now.run === run && now.worker === registration;
    const orphaned = known && !runs.some((r) => r.job === job);
    moves.add(`${tx}: ${orphaned ? "orphaned" : "not orphaned"}`, (s) => {
      if (orphaned) to(s, "return");
      else over(s);
    });
  } else {
    moves.statement(tx, "returnRun, wakeForJobs, commit", blockers(db, tx, job, "update"), (s) => {
      const now = jobOf(s.db, job);
      if (now.status !== "running" || now.run !== run) return over(s);
      const inHand = s.workers[index]!.runs.some((r) => r.job === job && r.run === run);
      if (inHand) s.wrong = "the audit gave back a run that is in hand";
      write(s.db, tx, job, returned(now, 0));
      wakeForJobs(s.db, tx, 0, inUse(s));
      commit(s.db, tx);
      over(s);
    });
  }
}

/** T1: what the announcement sees may be out of date when it commits. And flow/jobs/cancel.ts, of a job that is pending. */
function clientMoves(moves: Moves<RunState>, state: RunState, rules: RunRules): void {
  const { db, left, submitting } = state;
  if (submitting !== null) {
    moves.add(`submitJob: commit, ${submitting}`, (s) => {
      s.submitting = null;
      submit(s.db);
      if (submitting === "told") {
        const listening = s.workers.filter(({ up, deaf }) => up && !deaf);
        if (rules.submissionTells) for (const worker of listening) look(worker, true, rules);
      } else {
        wakeForJobs(s.db, "client", 0, inUse(s));
        commit(s.db, "client");
      }
    });
  } else if (left.submissions > 0) {
    const registered = Object.keys(db.rows).some((row) => row.startsWith("worker:"));
    moves.world(`submitJob: ${registered ? "somebody is" : "nobody is"} registered`, (s) => {
      s.left.submissions -= 1;
      s.submitting = registered ? "told" : "wakeForJobs";
    });
  }
  if (left.cancels === 0) return;
  for (const [key, { status }] of jobsOf(db)) {
    if (status !== "pending" || blockers(db, "client", key, "update").length > 0) continue;
    moves.world(`cancelJob ${key}`, (s) => {
      s.left.cancels -= 1;
      s.db.rows[key] = ended(jobOf(s.db, key));
    });
  }
}

function check(state: RunState): string | null {
  if (state.wrong !== null) return state.wrong;
  for (const [key, job] of jobsOf(state.db)) {
    if (job.endings > 1) return "the job ended twice";
    if (job.worker !== null && state.db.rows[`worker:${job.worker}`] === undefined) {
      return "a run was claimed by a worker that is declared dead";
    }
    const current = state.workers
      .flatMap(({ runs }) => runs)
      .filter((r) => r.job === key && r.run === job.run);
    if (job.status === "running" && current.length > 1) return "two hold the same run";
  }
  return null;
}

/**
 * Only the world can move: runs may last, and time pass. A pending job has a job wake-up for when it
 * is due; or one that used up its job wake-up will look when its run is over, and no thread is free
 * that was not told, unless a nudge was lost. A process that starts looks as well.
 */
function checkQuiet(state: RunState, world: RunWorld): string | null {
  const { db, left } = state;
  const up = state.workers.filter((worker) => worker.up);
  if (up.length === 0) return null;
  for (const [key, { status, next, run }] of jobsOf(db)) {
    if (status === "running") {
      const computed = up.some(({ runs }) => runs.some((r) => r.job === key && r.run === run));
      if (!computed) return "nobody computes a running job";
    }
    if (status !== "pending" || hasWakeUp(db, next)) continue;
    if (next > 0 && world.audits) continue;
    const looksLater = up.some((worker) => worker.more && !isFree(worker));
    if (next > 0 || (!world.audits && !looksLater)) return `lost: ${key}`;
    if (left.lostNudges < world.lostNudges && !world.audits) continue;
    if (up.some(isIdle)) return `untold: a thread is free for ${key}`;
  }
  return null;
}

function normalize(state: RunState): void {
  for (const worker of state.workers) {
    if (worker.up) continue;
    Object.assign(worker, { tasks: [], audit: null, claim: null, runs: [] });
    Object.assign(worker, { more: false, telling: null, deaf: false });
  }
  for (const [key, { run, endings, status }] of jobsOf(state.db)) {
    for (const { claim, runs, audit } of state.workers) {
      if (claim?.chosen === key && claim.run !== null) claim.run = Math.max(-1, claim.run - run);
      for (const r of runs) if (r.job === key) r.run = r.run >= run ? r.run - run : -1;
      if (audit?.job === key) audit.run = audit.run === run ? 0 : -1;
    }
    for (const version of versionsOf(state.db, key)) version.run -= run;
    if (status === "ended" && endings === 1) jobOf(state.db, key).crashes = 0;
  }
  normalizeDatabase(state);
  if (state.recovery === null) renameWakeUps(state);
}

/** Which of two job wake-ups is which does not matter. */
function renameWakeUps({ db, workers }: RunState): void {
  const tasks = workers.flatMap((worker) => worker.tasks);
  const found = entries(db).map(([id, entry]) => {
    delete db.rows[id];
    const own = tasks.filter((task) => task.entry === id);
    return { entry, own, order: JSON.stringify([entry, own.map(({ pc }) => pc)]) };
  });
  found.sort((a, b) => (a.order < b.order ? -1 : 1));
  found.forEach(({ entry, own }, index) => {
    const id = `entry:${index + 1}`;
    db.rows[id] = entry;
    for (const task of own) task.entry = id;
  });
}

function versionsOf(db: Database, key: string): Job[] {
  const written = Object.values(db.open).map(({ writes }) => writes[key]);
  return [db.rows[key], ...written].filter((row) => row) as Job[];
}
