import type { Model } from "./explorer.ts";
import { Moves } from "./moves.ts";
import { allVersions, blockers, commit, lock, rollBack, write } from "./postgres.ts";
import type { Database, Row } from "./postgres.ts";
import * as queue from "./queue-model.ts";

/**
 * One job and its wake-ups: the claim of a run, its end, the hand-back, a cancellation, the burial
 * of the dead and the reconciler. As in the lane's model one step is one statement.
 */

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
  burialLocksJobsFirst: true,
  /** addWakeUps: called again when the entry was taken between the two statements of add_jobs. */
  addsAgainWhenTaken: true,
};
export type RunRules = typeof RUN_RULES;

/** What the world may do, and how often. */
export interface RunWorld {
  /** Tasks at once in each process. */
  tasks: number[];
  crashes: number;
  /** Workers that lose their signs of life and go on. */
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

const MAX_CRASHES = 2;
const RUN_RETRY = 3;
const JOB = "job";

type Pc =
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

interface Task {
  entry: string;
  pc: Pc;
  /** In `runs`. */
  noted: boolean;
  run: number | null;
  delay: number;
}

interface Worker {
  up: boolean;
  stopping: boolean;
  deaf: boolean;
  zombie: boolean;
  registration: string;
  tasks: Task[];
  audit: { pc: "check" | "return" | "overtake" | "upsert" | "commit"; run: number } | null;
}

type Digger = {
  worker: number;
  registration: string;
  pc: "lockRuns" | "findEntries" | "unlock" | "overtake" | "upsert" | "commit";
  wake: boolean;
} | null;

interface State {
  db: Database;
  workers: Worker[];
  digger: Digger;
  reconciler: "overtake" | "upsert" | "commit" | null;
  left: Omit<RunWorld, "tasks" | "audits" | "reconciler">;
  /** What a step saw go wrong. */
  wrong: string | null;
}

interface Job extends Row {
  status: "pending" | "running" | "ended";
  run: number;
  worker: string | null;
  next: number;
  crashes: number;
  endings: number;
}

export function runModel(world: Partial<RunWorld>, broken: Partial<RunRules> = {}): Model<State> {
  const w = { ...QUIET_RUN_WORLD, ...world };
  const rules = { ...RUN_RULES, ...broken };
  return {
    initial: initialState(w),
    next(state) {
      const moves = new Moves<State>();
      state.workers.forEach((_, index) => workerMoves(moves, state, index, rules, w));
      diggerMoves(moves, state, rules);
      if (w.reconciler) reconcilerMoves(moves, state, rules);
      worldMoves(moves, state);
      return moves;
    },
    check,
    checkQuiet: (state) => checkQuiet(state, w),
    normalize,
  };
}

function initialState(w: RunWorld): State {
  const rows: Record<string, Row> = {
    [JOB]: { status: "pending", run: 0, worker: null, next: 0, crashes: 0, endings: 0 },
    "entry:1": queue.newEntry(0),
  };
  w.tasks.forEach((_, index) => (rows[`worker:${index + 1}`] = {}));
  const { tasks, audits: _audits, reconciler: _reconciler, ...left } = w;
  return {
    db: { rows, open: {} },
    workers: tasks.map((_, index) => ({
      up: true,
      stopping: false,
      deaf: false,
      zombie: false,
      registration: `${index + 1}`,
      tasks: [],
      audit: null,
    })),
    digger: null,
    reconciler: null,
    left,
    wrong: null,
  };
}

function workerMoves(
  moves: Moves<State>,
  state: State,
  index: number,
  rules: RunRules,
  w: RunWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const pool = `W${index + 1}`;
  if (!worker.up) return;
  if (worker.tasks.length < w.tasks[index]! && !worker.stopping) {
    for (const id of queue.fetchable(db)) {
      moves.add(`${pool}: getJobs takes ${id}`, (s) => {
        queue.fetch(s.db, id, pool);
        const task: Task = { entry: id, pc: "start", noted: false, run: null, delay: 0 };
        s.workers[index]!.tasks.push(task);
      });
    }
  }
  worker.tasks.forEach((_, place) => taskMoves(moves, state, index, place, rules, w));
  if (w.audits) auditMoves(moves, state, index, rules);

  if (db.rows[`worker:${worker.registration}`] === undefined) {
    moves.add(`${pool}: beat finds itself buried, registers anew`, (s) => {
      const self = s.workers[index]!;
      self.registration += "'";
      self.deaf = false;
      s.db.rows[`worker:${self.registration}`] = {};
    });
  } else if (left.zombies > 0 && index === 0) {
    moves.world(`${pool} loses its signs of life`, (s) => {
      s.left.zombies -= 1;
      Object.assign(s.workers[index]!, { deaf: true, zombie: true });
    });
  }
  if (left.crashes > 0 && (!worker.zombie || w.reconciler)) {
    moves.world(`${pool} dies`, (s) => {
      s.left.crashes -= 1;
      for (const tx of Object.keys(s.db.open)) if (tx.startsWith(pool)) rollBack(s.db, tx);
      Object.assign(s.workers[index]!, { up: false, tasks: [], audit: null });
    });
  }
  if (left.stops > 0 && !worker.stopping) {
    moves.world(`${pool}: SIGTERM`, (s) => {
      s.left.stops -= 1;
      s.workers[index]!.stopping = true;
    });
  }
}

/** queue/worker.ts (runInSlot), flow/run-job.ts, flow/run-group.ts, flow/finish-job.ts */
function taskMoves(
  moves: Moves<State>,
  state: State,
  index: number,
  place: number,
  rules: RunRules,
  w: RunWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const task = worker.tasks[place]!;
  const pool = `W${index + 1}`;
  const tx = `${pool}/${task.entry}`;
  const to = (pc: Pc, change: Partial<Task> = {}) => {
    return (s: State): void =>
      void Object.assign(s.workers[index]!.tasks[place]!, { pc, ...change });
  };
  // what is noted is seen by the other tasks and by the audit
  const alone = w.tasks[index] === 1 && !w.audits && left.stops === 0 && !worker.stopping;
  const within = (name: string, apply: Act, choices = 0): void => {
    if (alone && choices === 0) moves.local(`${tx}: ${name}`, apply);
    else moves.add(`${tx}: ${name}`, apply);
  };
  const rare = (
    kind: "noThreads" | "failedRuns" | "lostAnswers",
    name: string,
    next: Act,
  ): void => {
    if (left[kind] === 0) return;
    moves.world(`${tx}: ${name}`, (s) => {
      s.left[kind] -= 1;
      next(s);
    });
  };

  switch (task.pc) {
    case "start": {
      const inHand = worker.tasks.some((t) => t.noted);
      const kept = worker.stopping ? rules.stoppingPutsBack : rules.inHandPutsBack;
      if (worker.stopping || inHand) {
        const what = worker.stopping ? "stopping" : "in hand";
        moves.add(`${tx}: ${what}`, to(kept ? "putBack" : "complete"));
      } else {
        within("runJob", to("claim", { noted: true }), left.noThreads);
        rare("noThreads", "no slot, requeueRun", to("overtake"));
      }
      return;
    }
    case "claim": {
      const row = `worker:${worker.registration}`;
      const held = rules.claimHoldsTheWorker ? blockers(db, tx, row, "key share") : [];
      moves.statement(tx, "claimRuns: me", held, (s) => {
        if (s.db.rows[row] === undefined) return to("refused")(s);
        // the statement's snapshot is of now, and the row must be pending in it as well
        if (jobOf(s.db).status !== "pending") return to("refused")(s);
        if (rules.claimHoldsTheWorker) lock(s.db, tx, row, "key share");
        to("lockJob")(s);
      });
      return;
    }
    case "lockJob":
      moves.statement(tx, "claimRuns: update", blockers(db, tx, JOB, "update"), (s) => {
        const job = jobOf(s.db);
        if (job.status !== "pending" || job.next > 0) {
          rollBack(s.db, tx);
          return to("refused")(s);
        }
        const run = job.run + 1;
        write(s.db, tx, JOB, { ...job, status: "running", run, worker: worker.registration });
        to("commitClaim", { run })(s);
      });
      return;
    case "commitClaim":
      moves.add(`${tx}: claimRuns, commit`, (s) => {
        commit(s.db, tx);
        to("claimed")(s);
      });
      return;
    case "claimed":
      within("claimed", to("compute"), left.lostAnswers);
      rare(
        "lostAnswers",
        "the answer of the claim is lost",
        to("fail", { noted: false, run: null }),
      );
      return;
    case "refused":
      within("refused", to(rules.refusedPutsBack ? "putBack" : "complete", { noted: false }));
      return;
    case "putBack":
      moves.add(`${tx}: pendingDueMs`, (s) => {
        const { status, next } = jobOf(s.db);
        if (status === "pending") to("overtake", { delay: Math.max(1, next) })(s);
        else to("complete")(s);
      });
      return;
    case "compute":
      within("computed", to("end"), left.failedRuns + left.noThreads);
      rare("failedRuns", "the run failed", to("return", { delay: RUN_RETRY }));
      rare("noThreads", "no thread", to("return"));
      if (worker.stopping) moves.add(`${tx}: handed back`, to("return"));
      return;
    case "end":
      moves.statement(tx, "endRuns", blockers(db, tx, JOB, "update"), (s) => {
        if (!holds(s, task, rules)) return to("complete", OVER)(s);
        write(s.db, tx, JOB, ended(jobOf(s.db)));
        to("commitEnd")(s);
      });
      return;
    case "commitEnd":
      moves.add(`${tx}: endRuns, commit`, (s) => {
        commit(s.db, tx);
        to("complete", OVER)(s);
      });
      return;
    case "return":
      moves.statement(tx, "returnRun", blockers(db, tx, JOB, "update"), (s) => {
        if (!holds(s, task, rules)) return to("complete", OVER)(s);
        write(s.db, tx, JOB, returned(jobOf(s.db), task.delay));
        to("overtake")(s);
      });
      return;
    case "overtake":
      moves.statement(tx, "addWakeUps: overtake", queue.overtake.waitsFor(db, tx), (s) => {
        queue.overtake.apply(s.db, tx);
        to("upsert")(s);
      });
      return;
    case "upsert":
      moves.statement(tx, "addWakeUps: upsert", queue.upsert.waitsFor(db, tx), (s) => {
        const added = queue.upsert.apply(s.db, tx, task.delay, inUse(s));
        to(added || !rules.addsAgainWhenTaken ? "commitReturn" : "overtake")(s);
      });
      return;
    case "commitReturn":
      moves.add(`${tx}: commit`, (s) => {
        commit(s.db, tx);
        to(task.run === null ? "complete" : "returned")(s);
      });
      return;
    case "returned":
      within("handed back", to("complete", OVER), left.lostAnswers);
      rare("lostAnswers", "the answer of handBack is lost, persist tries again", to("return"));
      return;
    case "complete":
    case "fail":
      moves.statement(tx, `${task.pc}Jobs`, blockers(db, tx, task.entry, "update"), (s) => {
        if (task.pc === "complete") queue.complete(s.db, task.entry);
        else queue.fail(s.db, task.entry, pool);
        s.workers[index]!.tasks.splice(place, 1);
      });
  }
}

type Act = (s: State) => void;
const OVER = { noted: false, run: null, delay: 0 };

function holds(s: State, task: Task, rules: RunRules): boolean {
  const { status, run } = jobOf(s.db);
  if (status !== "running" || (run !== task.run && rules.fencedByRun)) return false;
  if (run !== task.run) s.wrong = "a write was accepted from a run that is over";
  return true;
}

function ended(job: Job): Job {
  return { ...job, status: "ended", worker: null, next: 0, endings: job.endings + 1 };
}

function returned(job: Job, next: number): Job {
  return { ...job, status: "pending", worker: null, next };
}

/** flow/repair.ts, auditOwn: a run that the database knows of. */
function auditMoves(moves: Moves<State>, state: State, index: number, rules: RunRules): void {
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
  const to =
    (pc: typeof audit.pc) =>
    (s: State): void =>
      void (s.workers[index]!.audit!.pc = pc);
  const over = (s: State): void => void (s.workers[index]!.audit = null);
  if (audit.pc === "check") {
    const noted = worker.tasks.some((t) => t.noted);
    moves.add(`${tx}: ${noted ? "noted" : "not noted"}`, noted ? over : to("return"));
  } else if (audit.pc === "return") {
    moves.statement(tx, "returnRun", blockers(db, tx, JOB, "update"), (s) => {
      const now = jobOf(s.db);
      if (now.status !== "running" || now.run !== audit.run) return over(s);
      write(s.db, tx, JOB, returned(now, 0));
      to("overtake")(s);
    });
  } else {
    addWakeUp(moves, db, tx, rules, audit.pc, to, over);
  }
}

/** flow/bury-worker.ts; the one who buries is a process apart. */
function diggerMoves(moves: Moves<State>, state: State, rules: RunRules): void {
  const { db, digger } = state;
  const tx = "burial";
  const order: NonNullable<Digger>["pc"][] = rules.burialLocksJobsFirst
    ? ["lockRuns", rules.burialQueuesAnew ? "findEntries" : "unlock", "overtake", "upsert"]
    : ["unlock", "lockRuns", "overtake", "upsert"];
  if (digger === null) {
    state.workers.forEach((worker, index) => {
      const row = `worker:${worker.registration}`;
      if ((worker.up && !worker.deaf) || db.rows[row] === undefined) return;
      moves.statement(tx, `lockDeadWorker W${index + 1}`, blockers(db, tx, row, "update"), (s) => {
        lock(s.db, tx, row, "update");
        const { registration } = worker;
        s.digger = { worker: index, registration, pc: order[0]!, wake: false };
      });
    });
    return;
  }
  const pool = `W${digger.worker + 1}`;
  const to =
    (pc: NonNullable<Digger>["pc"]) =>
    (s: State): void =>
      void (s.digger!.pc = pc);
  const goOn = (s: State): void => {
    const next = order[order.indexOf(digger.pc) + 1]!;
    to(next === "overtake" && !s.digger!.wake ? "commit" : next)(s);
  };
  switch (digger.pc) {
    case "lockRuns": {
      const own = (job: Job): boolean =>
        job.status === "running" && job.worker === digger.registration;
      // the look finds what is committed now; what is not locked by then is no run of the dead
      if (!own(jobOf(db))) return moves.add(`${tx}: lockRunsOf, none`, goOn);
      moves.statement(tx, "lockRunsOf, returnRuns", blockers(db, tx, JOB, "update"), (s) => {
        const job = jobOf(s.db);
        if (own(job)) {
          const crashes = job.crashes + 1;
          const poison = crashes >= MAX_CRASHES;
          const after = poison ? ended(job) : returned(job, 0);
          write(s.db, tx, JOB, { ...after, crashes }, "update");
          s.digger!.wake ||= !poison;
        }
        goOn(s);
      });
      return;
    }
    case "findEntries":
      moves.add(`${tx}: findEntriesOf`, (s) => {
        s.digger!.wake ||= queue.entries(s.db, tx).some(([, e]) => e.keyed && e.lockedBy === pool);
        goOn(s);
      });
      return;
    case "unlock": {
      const id = queue.nextLockedBy(db, tx, pool);
      if (id === null) return moves.add(`${tx}: unlockQueueJobs, no more`, goOn);
      moves.statement(tx, `unlockQueueJobs ${id}`, blockers(db, tx, id, "no key update"), (s) =>
        queue.unlock(s.db, tx, id),
      );
      return;
    }
    case "overtake":
    case "upsert":
      addWakeUp(moves, db, tx, rules, digger.pc, to);
      return;
    case "commit":
      moves.add(`${tx}: deleteWorker, commit`, (s) => {
        write(s.db, tx, `worker:${digger.registration}`, null, "update");
        commit(s.db, tx);
        s.digger = null;
      });
  }
}

/** flow/repair.ts, repairWakeUps: the look, and its transaction later. */
function reconcilerMoves(moves: Moves<State>, state: State, rules: RunRules): void {
  const { db, reconciler: pc } = state;
  const to =
    (next: State["reconciler"]) =>
    (s: State): void =>
      void (s.reconciler = next);
  if (pc !== null) return addWakeUp(moves, db, "reconciler", rules, pc, to, to(null));
  const job = jobOf(db);
  if (job.status === "pending" && job.next <= 0 && !queue.hasWakeUp(db, 0)) {
    moves.add("reconciler: findForgottenJobs", to("overtake"));
  }
}

/** addWakeUps for now, at the end of a transaction. */
function addWakeUp(
  moves: Moves<State>,
  db: Database,
  tx: string,
  rules: RunRules,
  pc: "overtake" | "upsert" | "commit",
  to: (next: "overtake" | "upsert" | "commit") => Act,
  committed?: Act,
): void {
  if (pc === "overtake") {
    moves.statement(tx, "addWakeUps: overtake", queue.overtake.waitsFor(db, tx), (s) => {
      queue.overtake.apply(s.db, tx);
      to("upsert")(s);
    });
  } else if (pc === "upsert") {
    moves.statement(tx, "addWakeUps: upsert", queue.upsert.waitsFor(db, tx), (s) => {
      const added = queue.upsert.apply(s.db, tx, 0, inUse(s));
      to(added || !rules.addsAgainWhenTaken ? "commit" : "overtake")(s);
    });
  } else {
    moves.add(`${tx}: commit`, (s) => {
      commit(s.db, tx);
      committed?.(s);
    });
  }
}

function worldMoves(moves: Moves<State>, state: State): void {
  const { db, left } = state;
  const isAhead = (row: Row): boolean => Number(row["next"] ?? row["runAt"] ?? 0) > 0;
  const adding = (s: State): Task[] =>
    s.workers.flatMap(({ tasks }) =>
      tasks.filter(({ pc }) => pc === "overtake" || pc === "upsert"),
    );
  if (allVersions(db).some(isAhead)) {
    moves.world("time passes", (s) => {
      for (const row of allVersions(s.db)) {
        for (const field of ["next", "runAt"]) {
          if (Number(row[field] ?? 0) > 0) row[field] = Number(row[field]) - 1;
        }
      }
      // the delay of a wake-up counts from the beginning of its transaction
      for (const task of adding(s)) task.delay = Math.max(0, task.delay - 1);
    });
  }
  if (left.cancels > 0) {
    const job = jobOf(db);
    const waits = blockers(db, "cancel", JOB, "update");
    if (job.status === "pending" && waits.length === 0) {
      moves.world("cancelJob", (s) => {
        s.left.cancels -= 1;
        s.db.rows[JOB] = ended(jobOf(s.db));
      });
    }
  }
  if (left.deletions > 0) {
    for (const [id, { lockedBy }] of queue.entries(db)) {
      if (lockedBy !== null || blockers(db, "", id, "update").length > 0) continue;
      moves.world(`${id} vanishes`, (s) => {
        s.left.deletions -= 1;
        delete s.db.rows[id];
      });
    }
  }
}

function check(state: State): string | null {
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
function checkQuiet(state: State, w: RunWorld): string | null {
  const { status, next } = jobOf(state.db);
  if (status === "running") return "nobody computes a running job";
  if (status !== "pending" || (w.reconciler && next > 0)) return null;
  return queue.hasWakeUp(state.db, next + 1) ? null : "lost: nothing will wake the job";
}

function normalize(state: State): void {
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
  for (const [id, e] of queue.entries(state.db)) {
    // nobody takes it, and nobody finds it by the key
    const swept = e.spent && !e.keyed && blockers(state.db, "", id, "update").length === 0;
    if (swept && !inUse(state).has(id)) delete state.db.rows[id];
  }
  state.db.rows = Object.fromEntries(Object.entries(state.db.rows).sort());
  state.db.open = Object.fromEntries(Object.entries(state.db.open).sort());
}

function jobOf(db: Database): Job {
  return db.rows[JOB] as Job;
}

function inUse(state: State): Set<string> {
  return new Set(state.workers.flatMap(({ tasks }) => tasks.map(({ entry }) => entry)));
}
