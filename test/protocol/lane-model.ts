import type { Model } from "./explorer.ts";
import { firstOfRelease, pumpMoves } from "./lane-pump.ts";
import {
  initialLaneState,
  LANE,
  LANE_RULES,
  laneOf,
  newPump,
  pending,
  QUIET_WORLD,
} from "./lane-state.ts";
import type { Audit, LaneRules, LaneState, LaneWorld } from "./lane-state.ts";
import { Moves } from "./moves.ts";
import { allVersions, blockers, lock, rollBack, write } from "./postgres.ts";
import {
  addWakeUpMoves,
  recoveryMoves,
  clockMoves,
  normalizeDatabase,
  processMoves,
} from "./processes.ts";
import type { Belongings, RecoveryPc } from "./processes.ts";
import { hasWakeUp } from "./queue-model.ts";

/**
 * One lane, its deliveries and its wake-ups; processes that pump it; producers; the recovery of the
 * dead, the audit of a worker's own leases and the reconciler. One step is one statement, named
 * after the function that issues it. Times are relative to now, one unit a pause of the queue.
 */
export function laneModel(
  what: Partial<LaneWorld>,
  broken: Partial<LaneRules> = {},
): Model<LaneState> {
  const world = { ...QUIET_WORLD, ...what };
  const rules = { ...LANE_RULES, ...broken };
  return {
    initial: initialLaneState(world),
    next(state) {
      const moves = new Moves<LaneState>();
      state.workers.forEach((worker, index) => {
        if (!worker.up) return;
        const { tasks, reconciler: mended, slowFetches } = world;
        processMoves(moves, state, index, { tasks, mended, slowFetches }, TASKS);
        worker.tasks.forEach((_, place) => pumpMoves(moves, state, index, place, rules, world));
        if (world.audits) auditMoves(moves, state, index, rules);
      });
      state.producers.forEach((_, index) => producerMoves(moves, state, index, rules, world));
      recoveryMoves(moves, state, rules, recoveryOrder(rules), LEASE);
      if (world.reconciler) reconcilerMoves(moves, state, rules);
      expiryMoves(moves, state, rules);
      clockMoves(moves, state, agePlans);
      return moves;
    },
    check,
    checkQuiet: (state) => checkQuiet(state, world),
    normalize,
  };
}

const TASKS = {
  take(s: LaneState, index: number, entry: string): void {
    s.workers[index]!.tasks.push(newPump(entry));
  },
};

function recoveryOrder(rules: LaneRules): RecoveryPc[] {
  const add = [firstOfRelease(rules), "overtake", "upsert"] as const;
  if (!rules.recoveryLocksOursFirst) return ["unlock", "takeBack", ...new Set(add)];
  return ["takeBack", rules.recoveryQueuesAnew ? "findEntries" : "unlock", ...new Set(add)];
}

const LEASE: Belongings<LaneState> = {
  name: "breakLeases",
  rows: () => [LANE],
  areOf: (db, _lane, registration) => laneOf(db).leasedBy === registration,
  takeBack({ db }, tx) {
    write(db, tx, LANE, { leasedBy: null, epoch: laneOf(db).epoch + 1 }, "update");
    return true;
  },
};

/**
 * flow/deliveries/publish.ts; flow/deliveries/replay.ts does the same with a delivery that is reopened. The nudge to the
 * holder has no step: it may be lost, and a holder may look at any time.
 */
function producerMoves(
  moves: Moves<LaneState>,
  state: LaneState,
  index: number,
  rules: LaneRules,
  { endless }: LaneWorld,
): void {
  const { db } = state;
  const { pc, leased: wasLeased, woken: wasWoken } = state.producers[index]!;
  const tx = `P${index + 1}`;
  const to = (s: LaneState, next: typeof pc): void => void (s.producers[index]!.pc = next);
  if (pc === "done") return;
  if (pc !== "idle" && state.left.crashes > 0) {
    moves.world(`${tx} rolls back`, (s) => {
      s.left.crashes -= 1;
      rollBack(s.db, tx);
      to(s, "done");
    });
  }
  if (pc === "idle") {
    moves.world(`${tx} begins`, (s) => {
      if (!rules.asksTheHeldRow) s.producers[index]!.leased = laneOf(s.db).leasedBy !== null;
      if (!rules.asksForWaitingWhenHeld) s.producers[index]!.woken = hasWakeUp(s.db, 0);
      to(s, "insert");
    });
  } else if (pc === "insert") {
    const waits = rules.producersHoldTheLane ? blockers(db, tx, LANE, "key share") : [];
    const leased = rules.asksTheHeldRow ? laneOf(db).leasedBy !== null : wasLeased;
    const name = `shareLanes, insertMessages${leased ? ", leased" : ""}`;
    moves.statement(tx, name, waits, (s) => {
      if (rules.producersHoldTheLane) lock(s.db, tx, LANE, "key share");
      write(s.db, tx, `delivery:${tx}`, { status: "pending", count: 0, next: 0 }, "update");
      Object.assign(s.producers[index]!, { leased: false, woken: false });
      to(s, leased || wasWoken ? "commit" : "check");
    });
  } else {
    addWakeUpMoves(moves, state, tx, rules, pc, to, (s) => to(s, endless ? "idle" : "done"));
  }
}

/** flow/maintenance/reconcile.ts, auditOwn: one lease that the database knows of. */
function auditMoves(
  moves: Moves<LaneState>,
  state: LaneState,
  index: number,
  rules: LaneRules,
): void {
  const { db } = state;
  const worker = state.workers[index]!;
  const tx = `W${index + 1} audit`;
  const { audit } = worker;
  if (audit === null) {
    const { leasedBy, epoch } = laneOf(db);
    if (leasedBy !== worker.registration) return;
    moves.add(`${tx}: findLeasesOf`, (s) => {
      s.workers[index]!.audit = { pc: "check", epoch };
    });
    return;
  }
  if (audit.pc === "check") {
    const noted = worker.tasks.some((t) => t.noted);
    moves.add(`${tx}: ${noted ? "noted" : "not noted"}`, (s) => {
      if (noted) s.workers[index]!.audit = null;
      else s.workers[index]!.audit!.pc = "break";
    });
  } else if (audit.pc === "break") {
    moves.statement(tx, "breakLease", blockers(db, tx, LANE, "no key update"), (s) => {
      const self = s.workers[index]!;
      const { leasedBy, epoch } = laneOf(s.db);
      if (leasedBy === null || epoch !== audit.epoch) {
        self.audit = null;
        return;
      }
      if (self.tasks.some((t) => t.epoch === epoch)) {
        s.wrong = "the audit broke a lease that is in hand";
      }
      write(s.db, tx, LANE, { leasedBy: null, epoch: epoch + 1 });
      self.audit!.pc = firstOfRelease(rules);
    });
  } else {
    const to = (s: LaneState, pc: Audit["pc"]): void => void (s.workers[index]!.audit!.pc = pc);
    addWakeUpMoves(moves, state, tx, rules, audit.pc, to, (s) => {
      s.workers[index]!.audit = null;
    });
  }
}

/** flow/maintenance/reconcile.ts, createReconciler: the look, and its transaction later. */
function reconcilerMoves(moves: Moves<LaneState>, state: LaneState, rules: LaneRules): void {
  const { db, reconciler: pc } = state;
  const tx = "reconciler";
  const to = (s: LaneState, next: typeof pc): void => void (s.reconciler = next);
  if (pc === null) {
    const overdue = pending(db).some(([, d]) => d.next <= 0);
    if (overdue && laneOf(db).leasedBy === null && !hasWakeUp(db, 0)) {
      moves.add(`${tx}: findStarvedLanes`, (s) => to(s, "hold"));
    }
  } else if (pc === "hold") {
    moves.statement(tx, "shareLanes", blockers(db, tx, LANE, "key share"), (s) => {
      lock(s.db, tx, LANE, "key share");
      to(s, "check");
    });
  } else {
    addWakeUpMoves(moves, state, tx, rules, pc, to, (s) => to(s, null));
  }
}

/**
 * flow/maintenance/expire.ts: what is due is past its age. The statements wait for nobody; the lock
 * comes an arbitrary time after the look.
 */
function expiryMoves(moves: Moves<LaneState>, state: LaneState, rules: LaneRules): void {
  const { db, expiry: pc } = state;
  const tx = "expiry";
  const to = (s: LaneState, next: typeof pc): void => void (s.expiry = next);
  if (pc === null) {
    if (state.left.expiries === 0 || !pending(db).some(([, d]) => d.next <= 0)) return;
    moves.world(`${tx}: findLanesOverAge`, (s) => {
      s.left.expiries -= 1;
      to(s, "lock");
    });
  } else if (pc === "lock") {
    const isLeased = rules.expiresInFreeLanes && laneOf(db).leasedBy !== null;
    if (isLeased || blockers(db, tx, LANE, "no key update").length > 0) {
      moves.add(`${tx}: lockFreeLane, none`, (s) => to(s, null));
      return;
    }
    moves.add(`${tx}: lockFreeLane`, (s) => {
      if (rules.expiryHoldsTheLane) lock(s.db, tx, LANE, "no key update");
      to(s, "expire");
    });
  } else {
    moves.add(`${tx}: expireDeliveries, commit`, (s) => {
      const { leasedBy, epoch } = laneOf(s.db);
      const tasks = s.workers.flatMap((worker) => worker.tasks);
      for (const [id] of pending(s.db).filter(([, d]) => d.next <= 0)) {
        const isHeld = tasks.some((t) => t.delivery === id && t.epoch === epoch);
        if (leasedBy !== null && isHeld) s.wrong = "a delivery in flight was given up";
        s.db.rows[id] = { status: "ended" };
      }
      rollBack(s.db, tx);
      to(s, null);
    });
  }
}

/** A plan is a point in time. */
function agePlans(s: LaneState): void {
  for (const { tasks } of s.workers) {
    for (const task of tasks) if (task.plan !== null) task.plan = Math.max(0, task.plan - 1);
  }
}

function check(state: LaneState): string | null {
  if (state.wrong !== null) return state.wrong;
  const { leasedBy, epoch } = laneOf(state.db);
  if (leasedBy !== null && state.db.rows[`worker:${leasedBy}`] === undefined) {
    return "a lease was given to a worker that is declared dead";
  }
  const tasks = state.workers.flatMap((worker) => worker.tasks);
  const inFlight = tasks.filter((t) => t.delivery !== null && t.epoch === epoch);
  if (inFlight.length > 1) return "two holders of one lease send";
  return null;
}

/** Each pending delivery has a wake-up that comes about when it is due, or before. */
function checkQuiet(state: LaneState, { reconciler }: LaneWorld): string | null {
  for (const [id, { next }] of pending(state.db)) {
    // the reconciler comes when it is overdue
    if (reconciler && next > 0) continue;
    if (!hasWakeUp(state.db, next + 1)) return `lost: nothing will wake the lane for ${id}`;
  }
  return null;
}

function normalize(state: LaneState): void {
  const { epoch } = laneOf(state.db);
  const relative = (e: number): number => (e === epoch ? 0 : -1);
  for (const { tasks, audit } of state.workers) {
    for (const task of tasks) if (task.epoch !== null) task.epoch = relative(task.epoch);
    if (audit !== null) audit.epoch = relative(audit.epoch);
  }
  for (const row of allVersions(state.db)) {
    if (typeof row["epoch"] === "number") row["epoch"] -= epoch;
  }
  normalizeDatabase(state);
}
