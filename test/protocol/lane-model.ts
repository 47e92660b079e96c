import type { Model } from "./explorer.ts";
import { Moves } from "./moves.ts";
import { allVersions, blockers, commit, lock, rollBack, scan, write } from "./postgres.ts";
import type { Database, Row } from "./postgres.ts";
import * as queue from "./queue-model.ts";

/**
 * One lane, its deliveries and its wake-ups; processes that pump it; producers; the burial of the
 * dead, the audit of a worker's own leases and the reconciler. One step is one statement, named
 * after the function that issues it. Times are relative to now, one unit a pause of the queue.
 */

/** The guards of the protocol. A test takes one out to see that it is missed. */
export const LANE_RULES = {
  /** holdLanes: a producer holds the lane's row until it commits. */
  producersHoldTheLane: true,
  /** leaveLane: the look is a statement after the one that locked the row. */
  looksAfterTheLock: true,
  /** leaveLane: the wake-up is planned in the transaction that releases. */
  plansBeforeTheRelease: true,
  /** settleDeliveries: the epoch must be that of the lease. */
  settlesUnderItsEpoch: true,
  /** takeLease: the worker's row is held against its burial. */
  leaseHoldsTheWorker: true,
  /** pumpLane: a lane is noted in `pumps` before its lease is asked for. */
  notesItsIntention: true,
  /** pumpLane: a wake-up ends at a nudge only while the holder's look is still to come. */
  nudgesOnlyBeforeTheLook: true,
  /** pumpLane: a pump that lost its lease queues a wake-up, for the nudges it took. */
  wakesWhenLost: true,
  /** leaseLane: an entry that was refused because this worker was buried is put back. */
  refusedPutsBack: true,
  /** takeOver: what the dead held is queued under new ids, not unlocked in its place. */
  burialQueuesAnew: true,
  /** takeOver: rows are locked in the order of all others: lanes, then the queue. */
  burialLocksLanesFirst: true,
  /** addWakeUps: called again when the entry was taken between the two statements of add_jobs. */
  addsAgainWhenTaken: true,
  /** pumpLane: an entry met while the process stops is put back. */
  stoppingPutsBack: true,
};
export type LaneRules = typeof LANE_RULES;

/** What the world may do, and how often. */
export interface LaneWorld {
  /** Tasks at once in each process. */
  tasks: number[];
  /** Due times of the deliveries there are, relative to now. */
  deliveries: number[];
  /** When the one wake-up there is comes; null: there is none. */
  wakeUpAt: number | null;
  producers: number;
  crashes: number;
  /** Workers that lose their signs of life and go on. */
  zombies: number;
  failedSends: number;
  /** Answers of takeLease or of the commit of leaveLane that never arrive. */
  lostAnswers: number;
  /** Queue entries that vanish. */
  deletions: number;
  stops: number;
  audits: boolean;
  reconciler: boolean;
}

export const QUIET_WORLD: LaneWorld = {
  tasks: [1, 1],
  deliveries: [0],
  wakeUpAt: 0,
  producers: 0,
  crashes: 0,
  zombies: 0,
  failedSends: 0,
  lostAnswers: 0,
  deletions: 0,
  stops: 0,
  audits: false,
  reconciler: false,
};

const MAX_ATTEMPTS = 2;
/** Backoffs, in units: soon, and late. */
const BACKOFFS = [1, 3];
const LANE = "lane";
const SETTLED = { delivery: null, count: 0, delivered: false };

type Pc =
  | "start" // fetched, in the local queue
  | "take"
  | "refused"
  | "leased" // the answer is on its way
  | "pump"
  | "sending"
  | "settle"
  | "lockLease"
  | "nextDue"
  | "overtake" // the two statements of add_jobs
  | "upsert"
  | "release"
  | "left" // the answer is on its way
  | "lost"
  | "putBack" // as a producer does
  | "complete"
  | "fail";

interface Task {
  entry: string;
  pc: Pc;
  /** In `pumps`. */
  noted: boolean;
  /** It was refused because its worker is not registered any more. */
  buried: boolean;
  epoch: number | null;
  delivery: string | null;
  /** The attempt_count when it was read. */
  count: number;
  delivered: boolean;
  plan: number | null;
  /** Its transaction only plans; the lease was released before. */
  late: boolean;
}

interface Worker {
  up: boolean;
  stopping: boolean;
  /** Its signs of life are lost. */
  deaf: boolean;
  /** It was buried, or will be, and lives: its nudges may be forgotten if it dies as well. */
  zombie: boolean;
  registration: string;
  tasks: Task[];
  audit: { pc: "check" | "break" | "overtake" | "upsert" | "commit"; epoch: number } | null;
}

type Digger = {
  worker: number;
  registration: string;
  pc: "breakLeases" | "findEntries" | "unlock" | "overtake" | "upsert" | "commit";
  wake: boolean;
} | null;

interface State {
  db: Database;
  workers: Worker[];
  producers: { pc: "idle" | "insert" | "overtake" | "upsert" | "commit" | "done" }[];
  digger: Digger;
  reconciler: "hold" | "overtake" | "upsert" | "commit" | null;
  left: Pick<
    LaneWorld,
    "crashes" | "zombies" | "failedSends" | "lostAnswers" | "deletions" | "stops"
  >;
  /** What a step saw go wrong. */
  wrong: string | null;
}

type Lane = { leasedBy: string | null; epoch: number };
type Delivery = { status: "pending"; count: number; next: number };

export function laneModel(
  world: Partial<LaneWorld>,
  broken: Partial<LaneRules> = {},
): Model<State> {
  const w = { ...QUIET_WORLD, ...world };
  const rules = { ...LANE_RULES, ...broken };
  return {
    initial: initialState(w),
    next(state) {
      const moves = new Moves<State>();
      state.workers.forEach((_, index) => workerMoves(moves, state, index, rules, w));
      state.producers.forEach((_, index) => producerMoves(moves, state, index, rules));
      diggerMoves(moves, state, rules);
      if (w.reconciler) reconcilerMoves(moves, state, rules);
      clockMoves(moves, state);
      return moves;
    },
    check,
    checkQuiet: (state) => checkQuiet(state, w),
    normalize,
  };
}

function initialState(w: LaneWorld): State {
  const rows: Record<string, Row> = { [LANE]: { leasedBy: null, epoch: 0 } };
  w.tasks.forEach((_, index) => (rows[`worker:${index + 1}`] = {}));
  w.deliveries.forEach((next, index) => {
    rows[`delivery:${index + 1}`] = { status: "pending", count: 0, next };
  });
  if (w.wakeUpAt !== null) rows["entry:1"] = queue.newEntry(w.wakeUpAt);
  const { crashes, zombies, failedSends, lostAnswers, deletions, stops } = w;
  return {
    db: { rows, open: {} },
    workers: w.tasks.map((_, index) => ({
      up: true,
      stopping: false,
      deaf: false,
      zombie: false,
      registration: `${index + 1}`,
      tasks: [],
      audit: null,
    })),
    producers: Array.from({ length: w.producers }, () => ({ pc: "idle" })),
    digger: null,
    reconciler: null,
    left: { crashes, zombies, failedSends, lostAnswers, deletions, stops },
    wrong: null,
  };
}

function workerMoves(
  moves: Moves<State>,
  state: State,
  index: number,
  rules: LaneRules,
  w: LaneWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const me = `W${index + 1}`;
  if (!worker.up) return;

  if (worker.tasks.length < w.tasks[index]! && !worker.stopping) {
    for (const id of queue.fetchable(db)) {
      moves.add(`${me}: getJobs takes ${id}`, (s) => {
        queue.fetch(s.db, id, me);
        s.workers[index]!.tasks.push(newTask(id));
      });
    }
  }
  worker.tasks.forEach((_, place) => taskMoves(moves, state, index, place, rules, w));
  if (w.audits) auditMoves(moves, state, index, rules);

  if (db.rows[`worker:${worker.registration}`] === undefined) {
    moves.add(`${me}: beat finds itself buried, registers anew`, (s) => {
      const self = s.workers[index]!;
      self.registration += "'";
      self.deaf = false;
      s.db.rows[`worker:${self.registration}`] = {};
    });
  } else if (left.zombies > 0 && index === 0) {
    moves.world(`${me} loses its signs of life`, (s) => {
      s.left.zombies -= 1;
      Object.assign(s.workers[index]!, { deaf: true, zombie: true });
    });
  }
  if (left.crashes > 0 && (!worker.zombie || w.reconciler)) {
    moves.world(`${me} dies`, (s) => {
      s.left.crashes -= 1;
      for (const tx of Object.keys(s.db.open)) if (tx.startsWith(me)) rollBack(s.db, tx);
      Object.assign(s.workers[index]!, { up: false, tasks: [], audit: null });
    });
  }
  if (left.stops > 0 && !worker.stopping) {
    moves.world(`${me}: SIGTERM`, (s) => {
      s.left.stops -= 1;
      s.workers[index]!.stopping = true;
    });
  }
}

function newTask(entry: string): Task {
  return {
    entry,
    pc: "start",
    noted: false,
    buried: false,
    epoch: null,
    delivery: null,
    count: 0,
    delivered: false,
    plan: null,
    late: false,
  };
}

/** flow/pump-lane.ts and flow/lease-lane.ts */
function taskMoves(
  moves: Moves<State>,
  state: State,
  index: number,
  place: number,
  rules: LaneRules,
  w: LaneWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const task = worker.tasks[place]!;
  const pool = `W${index + 1}`;
  const me = worker.tasks.length > 1 ? `${pool} (${task.entry})` : pool;
  const tx = txOf(pool, task);
  const to = (pc: Pc, change: Partial<Task> = {}) => {
    return (s: State): void =>
      void Object.assign(s.workers[index]!.tasks[place]!, { pc, ...change });
  };
  const then = (...parts: ((s: State) => void)[]) => {
    return (s: State): void => parts.forEach((part) => part(s));
  };
  const commits = (s: State): void => commit(s.db, tx);
  const lane = lanes(db);
  const answer = { noted: true };
  // what is noted is seen by the other tasks and by the audit
  const alone = w.tasks[index] === 1 && !w.audits && left.lostAnswers + left.stops === 0;
  const within = (name: string, apply: (s: State) => void): void => {
    if (alone) moves.local(`${me}: ${name}`, apply);
    else moves.add(`${me}: ${name}`, apply);
  };

  switch (task.pc) {
    case "start": {
      const holder = worker.tasks.find((t) => t.noted);
      if (holder !== undefined) {
        const willLook = ["pump", "sending", "settle"].includes(holder.pc);
        if (willLook || !rules.nudgesOnlyBeforeTheLook) moves.add(`${me}: nudge`, to("complete"));
        else moves.await(tx, txOf(pool, holder));
      } else if (worker.stopping) {
        moves.add(`${me}: stopping`, to(rules.stoppingPutsBack ? "putBack" : "complete"));
      } else {
        within("pumpLane", to("take", { noted: rules.notesItsIntention }));
      }
      return;
    }
    case "take": {
      // `me` is a condition without columns, so it is asked first
      const row = `worker:${worker.registration}`;
      const held = rules.leaseHoldsTheWorker ? blockers(db, tx, row, "key share") : [];
      moves.statement(tx, "takeLease", held, (s) => {
        const now = lanes(s.db);
        // the scan meets the version of its snapshot: leased there, it does not wait
        const buried = s.db.rows[row] === undefined;
        if (buried || now.leasedBy !== null) return to("refused", { ...answer, buried })(s);
        const epoch = now.epoch + 1;
        s.db.rows[LANE] = { leasedBy: worker.registration, epoch };
        to("leased", { epoch })(s);
      });
      return;
    }
    case "refused":
      if (task.buried && rules.refusedPutsBack) {
        within("refused, not registered", to("putBack", { buried: false, plan: 1 }));
      } else within("refused", to("complete", { noted: false, buried: false }));
      return;
    case "leased":
      within("leased", to("pump", answer));
      if (left.lostAnswers > 0) {
        moves.world(`${me}: the answer of takeLease is lost`, (s) => {
          s.left.lostAnswers -= 1;
          to("fail", { noted: false, epoch: null })(s);
        });
      }
      return;
    case "pump": {
      const due = pending(db).find(([, d]) => d.next <= 0);
      if (due !== undefined && !worker.stopping) {
        const [delivery, { count }] = due;
        moves.add(`${me}: readDue finds ${delivery}`, to("sending", { delivery, count }));
      }
      const first = rules.looksAfterTheLock ? "lockLease" : "nextDue";
      moves.add(`${me}: the slice is over`, to(first));
      return;
    }
    case "sending":
      if (left.failedSends === 0) {
        return moves.local(`${me}: sendDelivery, 200`, to("settle", { delivered: true }));
      }
      moves.add(`${me}: sendDelivery, 200`, to("settle", { delivered: true }));
      if (left.failedSends > 0) {
        moves.world(`${me}: sendDelivery, 503`, (s) => {
          s.left.failedSends -= 1;
          to("settle", { delivered: false })(s);
        });
      }
      return;
    case "settle": {
      const waits = blockers(db, tx, LANE, "share");
      const delays = task.delivered || task.count + 1 === MAX_ATTEMPTS ? [0] : BACKOFFS;
      for (const delay of delays) {
        moves.statement(tx, "settleDeliveries", waits, (s) => {
          const key = task.delivery!;
          const row = s.db.rows[key] as Delivery | { status: "ended" };
          const current = lanes(s.db).epoch === task.epoch;
          const fits = row.status === "pending" && row.count === task.count;
          if (!fits || (rules.settlesUnderItsEpoch && !current)) {
            return to("lockLease", SETTLED)(s);
          }
          if (!current) s.wrong = "a settlement was accepted from a lease that is over";
          const count = row.count + 1;
          const again = !task.delivered && count < MAX_ATTEMPTS;
          s.db.rows[key] = again ? { status: "pending", count, next: delay } : { status: "ended" };
          to("pump", SETTLED)(s);
        });
      }
      return;
    }
    case "lockLease": {
      const isHolder = (l: Lane): boolean => l.leasedBy !== null && l.epoch === task.epoch;
      if (!isHolder(lane)) return moves.add(`${me}: lockLease, lost`, to("lost"));
      moves.statement(tx, "lockLease", blockers(db, tx, LANE, "update"), (s) => {
        lock(s.db, tx, LANE, "update");
        to(rules.looksAfterTheLock ? "nextDue" : task.plan === null ? "release" : "overtake")(s);
      });
      return;
    }
    case "nextDue":
      moves.add(`${me}: readOutlook`, (s) => {
        const times = pending(s.db).map(([, d]) => Math.max(0, d.next));
        const plan = times.length === 0 ? null : Math.min(...times);
        if (!rules.looksAfterTheLock) return to("lockLease", { plan })(s);
        const plansNow = plan !== null && rules.plansBeforeTheRelease;
        to(plansNow ? "overtake" : "release", { plan })(s);
      });
      return;
    case "overtake":
      moves.statement(tx, "addWakeUps (leave): overtake", queue.overtake.waitsFor(db, tx), (s) => {
        queue.overtake.apply(s.db, tx);
        to("upsert")(s);
      });
      return;
    case "upsert":
      moves.statement(tx, "addWakeUps (leave): upsert", queue.upsert.waitsFor(db, tx), (s) => {
        const added = queue.upsert.apply(s.db, tx, task.plan!, inUse(s));
        if (!added && rules.addsAgainWhenTaken) to("overtake")(s);
        else if (task.late) then(commits, to("left", { late: false, plan: null }))(s);
        else to("release", { plan: null })(s);
      });
      return;
    case "release":
      moves.add(`${me}: releaseLease, commit`, (s) => {
        write(s.db, tx, LANE, { leasedBy: null, epoch: lanes(s.db).epoch });
        commit(s.db, tx);
        const late = !rules.plansBeforeTheRelease && task.plan !== null;
        to(late ? "overtake" : "left", late ? { late } : { plan: null })(s);
      });
      return;
    case "left":
      within("left", to("complete", { noted: false, epoch: null }));
      if (left.lostAnswers > 0) {
        moves.world(`${me}: the answer of leaveLane is lost, persist tries again`, (s) => {
          s.left.lostAnswers -= 1;
          to("lockLease")(s);
        });
      }
      return;
    case "lost":
      within("the lease is lost", (s) => {
        to(rules.wakesWhenLost ? "putBack" : "complete", { noted: false, epoch: null })(s);
      });
      return;
    case "putBack": {
      const waits = [...queue.overtake.waitsFor(db, tx), ...queue.upsert.waitsFor(db, tx)];
      const waitsForLane = blockers(db, tx, LANE, "key share");
      moves.statement(tx, "holdLanes, wakeLanes", [...waits, ...waitsForLane], (s) => {
        queue.overtake.apply(s.db, tx);
        queue.upsert.apply(s.db, tx, task.plan ?? 0, inUse(s));
        then(commits, to("complete", { noted: false, plan: null }))(s);
      });
      return;
    }
    case "complete":
    case "fail": {
      const waits = blockers(db, tx, task.entry, "update");
      moves.statement(tx, `${task.pc}Jobs`, waits, (s) => {
        if (task.pc === "complete") queue.complete(s.db, task.entry);
        else queue.fail(s.db, task.entry, pool);
        s.workers[index]!.tasks.splice(place, 1);
      });
      return;
    }
  }
}

/** flow/repair.ts, auditOwn: one lease that the database knows of. */
function auditMoves(moves: Moves<State>, state: State, index: number, rules: LaneRules): void {
  const { db } = state;
  const worker = state.workers[index]!;
  const tx = `W${index + 1} audit`;
  const { audit } = worker;
  const to = (pc: NonNullable<Worker["audit"]>["pc"]) => {
    return (s: State): void => void (s.workers[index]!.audit!.pc = pc);
  };
  if (audit === null) {
    const { leasedBy, epoch } = lanes(db);
    if (leasedBy !== worker.registration) return;
    moves.add(`${tx}: findLeasesOf`, (s) => {
      s.workers[index]!.audit = { pc: "check", epoch };
    });
    return;
  }
  switch (audit.pc) {
    case "check": {
      const noted = worker.tasks.some((t) => t.noted);
      moves.add(`${tx}: ${noted ? "noted" : "not noted"}`, (s) => {
        if (noted) s.workers[index]!.audit = null;
        else to("break")(s);
      });
      return;
    }
    case "break":
      moves.statement(tx, "breakLease", blockers(db, tx, LANE, "no key update"), (s) => {
        const { leasedBy, epoch } = lanes(s.db);
        if (leasedBy === null || epoch !== audit.epoch) {
          s.workers[index]!.audit = null;
          return;
        }
        if (s.workers[index]!.tasks.some((t) => t.epoch === epoch)) {
          s.wrong = "the audit broke a lease that is in hand";
        }
        write(s.db, tx, LANE, { leasedBy: null, epoch: epoch + 1 });
        to("overtake")(s);
      });
      return;
    default:
      addWakeUp(moves, db, tx, rules, audit.pc, to, (s) => (s.workers[index]!.audit = null));
  }
}

/** flow/publish.ts; flow/replay.ts does the same with a delivery that is reopened. */
function producerMoves(moves: Moves<State>, state: State, index: number, rules: LaneRules): void {
  const { db } = state;
  const { pc } = state.producers[index]!;
  const tx = `P${index + 1}`;
  const to = (next: typeof pc) => {
    return (s: State): void => void (s.producers[index]!.pc = next);
  };
  if (pc === "done") return;
  if (pc !== "idle" && state.left.crashes > 0) {
    moves.world(`${tx} rolls back`, (s) => {
      s.left.crashes -= 1;
      rollBack(s.db, tx);
      to("done")(s);
    });
  }
  if (pc === "idle") {
    moves.world(`${tx} begins`, to("insert"));
  } else if (pc === "insert") {
    const waits = rules.producersHoldTheLane ? blockers(db, tx, LANE, "key share") : [];
    moves.statement(tx, "holdLanes, insertDeliveries", waits, (s) => {
      if (rules.producersHoldTheLane) lock(s.db, tx, LANE, "key share");
      write(s.db, tx, `delivery:${tx}`, { status: "pending", count: 0, next: 0 }, "update");
      to("overtake")(s);
    });
  } else {
    addWakeUp(moves, db, tx, rules, pc, to, to("done"));
  }
}

/** flow/bury-worker.ts; the one who buries is a process apart. */
function diggerMoves(moves: Moves<State>, state: State, rules: LaneRules): void {
  const { db, digger } = state;
  const tx = "burial";
  const order: NonNullable<Digger>["pc"][] = rules.burialLocksLanesFirst
    ? ["breakLeases", rules.burialQueuesAnew ? "findEntries" : "unlock", "overtake", "upsert"]
    : ["findEntries", "overtake", "upsert", "breakLeases"];
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
  const after = (pc: NonNullable<Digger>["pc"]): NonNullable<Digger>["pc"] =>
    order[order.indexOf(pc) + 1] ?? "commit";
  const to = (pc: NonNullable<Digger>["pc"]) => {
    return (s: State): void => void (s.digger!.pc = pc);
  };
  if (state.left.crashes > 0) {
    moves.world("the one who buries dies", (s) => {
      s.left.crashes -= 1;
      rollBack(s.db, tx);
      s.digger = null;
    });
  }
  const toWakeUps = (s: State): void => {
    const { wake } = s.digger!;
    to(wake ? "overtake" : after("upsert"))(s);
  };
  switch (digger.pc) {
    case "breakLeases": {
      const next = to(after("breakLeases"));
      if (lanes(db).leasedBy !== digger.registration) {
        return moves.add(`${tx}: breakLeases, none`, next);
      }
      moves.statement(tx, "breakLeases", blockers(db, tx, LANE, "update"), (s) => {
        const { leasedBy, epoch } = lanes(s.db);
        if (leasedBy === digger.registration) {
          s.digger!.wake = true;
          write(s.db, tx, LANE, { leasedBy: null, epoch: epoch + 1 }, "update");
        }
        next(s);
      });
      return;
    }
    case "findEntries":
      moves.add(`${tx}: findEntriesOf`, (s) => {
        const held = queue.entries(s.db, tx).some(([, e]) => e.keyed && e.lockedBy === pool);
        s.digger!.wake ||= held || lanes(s.db).leasedBy === digger.registration;
        toWakeUps(s);
      });
      return;
    case "unlock": {
      const id = queue.nextLockedBy(db, tx, pool);
      if (id === null) return moves.add(`${tx}: unlockQueueJobs, no more`, toWakeUps);
      moves.statement(tx, `unlockQueueJobs ${id}`, blockers(db, tx, id, "no key update"), (s) =>
        queue.unlock(s.db, tx, id),
      );
      return;
    }
    case "overtake":
    case "upsert":
      addWakeUp(moves, db, tx, rules, digger.pc, (pc) =>
        to(pc === "commit" ? after("upsert") : pc),
      );
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
function reconcilerMoves(moves: Moves<State>, state: State, rules: LaneRules): void {
  const { db, reconciler: pc } = state;
  const tx = "reconciler";
  const to = (next: State["reconciler"]) => {
    return (s: State): void => void (s.reconciler = next);
  };
  if (pc === null) {
    const overdue = pending(db).some(([, d]) => d.next <= 0);
    if (overdue && lanes(db).leasedBy === null && !queue.hasWakeUp(db, 0)) {
      moves.add(`${tx}: findForgottenLanes`, to("hold"));
    }
  } else if (pc === "hold") {
    moves.statement(tx, "holdLanes", blockers(db, tx, LANE, "key share"), (s) => {
      lock(s.db, tx, LANE, "key share");
      to("overtake")(s);
    });
  } else {
    addWakeUp(moves, db, tx, rules, pc, to, to(null));
  }
}

/** addWakeUps for now, at the end of a transaction that holds the lane. */
function addWakeUp(
  moves: Moves<State>,
  db: Database,
  tx: string,
  rules: LaneRules,
  pc: "overtake" | "upsert" | "commit",
  to: (next: "overtake" | "upsert" | "commit") => (s: State) => void,
  committed?: (s: State) => void,
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

function clockMoves(moves: Moves<State>, state: State): void {
  // a plan is a point in time, though its statement is told the time from now
  const tasksOf = (s: State): Task[] => s.workers.flatMap(({ tasks }) => tasks);
  const isAhead = (row: Row): boolean => Number(row["next"] ?? row["runAt"] ?? 0) > 0;
  if (allVersions(state.db).some(isAhead)) {
    moves.world("time passes", (s) => {
      for (const row of allVersions(s.db)) {
        for (const field of ["next", "runAt"]) {
          if (Number(row[field] ?? 0) > 0) row[field] = Number(row[field]) - 1;
        }
      }
      for (const task of tasksOf(s)) if (task.plan !== null && task.plan > 0) task.plan -= 1;
    });
  }
  if (state.left.deletions > 0) {
    for (const [id, { lockedBy }] of queue.entries(state.db)) {
      if (lockedBy !== null || blockers(state.db, "", id, "update").length > 0) continue;
      moves.world(`${id} vanishes`, (s) => {
        s.left.deletions -= 1;
        delete s.db.rows[id];
      });
    }
  }
}

function check(state: State): string | null {
  if (state.wrong !== null) return state.wrong;
  const { leasedBy, epoch } = lanes(state.db);
  if (leasedBy !== null && state.db.rows[`worker:${leasedBy}`] === undefined) {
    return "a lease was given to a worker that is buried";
  }
  const tasks = state.workers.flatMap((worker) => worker.tasks);
  const inFlight = tasks.filter((t) => t.delivery !== null && t.epoch === epoch);
  if (inFlight.length > 1) return "two holders of one lease send";
  return null;
}

/** Each pending delivery has a wake-up that comes about when it is due, or before. */
function checkQuiet(state: State, w: LaneWorld): string | null {
  for (const [id, { next }] of pending(state.db)) {
    // the reconciler comes when it is overdue
    if (w.reconciler && next > 0) continue;
    if (!queue.hasWakeUp(state.db, next + 1)) return `lost: nothing will wake the lane for ${id}`;
  }
  return null;
}

function normalize(state: State): void {
  const { epoch } = lanes(state.db);
  const relative = (e: number): number => (e === epoch ? 0 : -1);
  for (const worker of state.workers) {
    for (const task of worker.tasks) if (task.epoch !== null) task.epoch = relative(task.epoch);
    if (worker.audit !== null) worker.audit.epoch = relative(worker.audit.epoch);
  }
  for (const row of allVersions(state.db)) {
    if (typeof row["epoch"] === "number") row["epoch"] -= epoch;
  }
  for (const [id, e] of queue.entries(state.db)) {
    // nobody takes it, and nobody finds it by the key
    const swept = e.spent && !e.keyed && blockers(state.db, "", id, "update").length === 0;
    if (swept && !inUse(state).has(id)) delete state.db.rows[id];
  }
  state.db.rows = Object.fromEntries(Object.entries(state.db.rows).sort());
  state.db.open = Object.fromEntries(Object.entries(state.db.open).sort());
}

function lanes(db: Database): Lane {
  return db.rows[LANE] as Lane;
}

function pending(db: Database): [string, Delivery][] {
  return (scan(db, "delivery:") as [string, Delivery][]).filter(([, d]) => d.status === "pending");
}

function inUse(state: State): Set<string> {
  return new Set(state.workers.flatMap(({ tasks }) => tasks.map(({ entry }) => entry)));
}

function txOf(pool: string, task: Task): string {
  return `${pool}/${task.entry}`;
}
