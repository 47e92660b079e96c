import type { Database } from "./postgres.ts";
import { scan } from "./postgres.ts";
import { newWorkers } from "./processes.ts";
import type { AddPc, Protocol, Task } from "./processes.ts";
import { newEntry } from "./queue-model.ts";

/** The guards of the protocol. A test takes one out to see that it is missed. */
export const LANE_RULES = {
  /** shareLanes: a producer holds the lane's row until it commits. */
  producersHoldTheLane: true,
  /** shareLanes: whether the lane is leased, and needs no wake-up, is asked of the row that is held. */
  asksTheHeldRow: true,
  /** leaveLane: the look is a statement after the one that locked the row. */
  looksAfterTheLock: true,
  /** leaveLane: a lane with producers under way is not left to rest, but passed on, due now. */
  passesOnWhenBusy: true,
  /** leaveLane: it does not wait until no producer is under way. */
  leavesWithoutWaiting: true,
  /** wake: one that waits and is early enough is not touched. */
  leavesWaitingAlone: true,
  /** wakeAfterRelease: one that waits does not stand for that of who gives a lease back. */
  releasersAddTheirOwn: true,
  /** wake: whether one waits is asked when the lane is held, not before. */
  asksForWaitingWhenHeld: true,
  /** leaveLane: the wake-up is planned in the transaction that releases. */
  plansBeforeTheRelease: true,
  /** settleDeliveries: the epoch must be that of the lease. */
  settlesUnderItsEpoch: true,
  /** takeLeases: the worker's row is held against its recovery. */
  leaseHoldsTheWorker: true,
  /** pumpLane: a lane is noted in `pumps` before its lease is asked for. */
  notesItsIntention: true,
  /** pumpLane: a wake-up ends at a nudge only while the holder's look is still to come. */
  nudgesOnlyBeforeTheLook: true,
  /** pumpLane: a pump that lost its lease queues a wake-up, for the nudges it took. */
  wakesWhenLost: true,
  /** leaseLane: an entry that was refused because this worker was declared dead is put back. */
  refusedPutsBack: true,
  /** recoverWorker: what the dead held is queued under new ids, not unlocked in its place. */
  recoveryQueuesAnew: true,
  /** recoverWorker: rows are locked in the order of all others: lanes, then the queue. */
  recoveryLocksOursFirst: true,
  /** wake: called again when the entry was taken between the two statements of add_jobs. */
  addsAgainWhenTaken: true,
  /** pumpLane: an entry met while the process stops is put back. */
  stoppingPutsBack: true,
  /** lockFreeLane: a lane that is leased is left to its holder. */
  expiresInFreeLanes: true,
  /** lockFreeLane: the lane's row is held, so that nobody leases it meanwhile. */
  expiryHoldsTheLane: true,
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
  /** They begin anew when they have committed. */
  endless: boolean;
  /** Between what a fetch sees and what it locks others may come. */
  slowFetches: boolean;
  crashes: number;
  /** Workers that lose their signs of life and go on. One that then dies is the reconciler's. */
  zombies: number;
  failedSends: number;
  /** Answers of takeLeases or of the commit of leaveLane that never arrive. */
  lostAnswers: number;
  /** Queue entries that vanish. */
  deletions: number;
  stops: number;
  /** Turns in which what is due is found to be past its age. */
  expiries: number;
  audits: boolean;
  reconciler: boolean;
}

export const QUIET_WORLD: LaneWorld = {
  tasks: [1, 1],
  deliveries: [0],
  wakeUpAt: 0,
  producers: 0,
  endless: false,
  slowFetches: false,
  crashes: 0,
  zombies: 0,
  failedSends: 0,
  lostAnswers: 0,
  deletions: 0,
  stops: 0,
  expiries: 0,
  audits: false,
  reconciler: false,
};

/** Where pumpLane is. */
export type PumpPc =
  | "start" // fetched, in the local queue
  | "take"
  | "refused"
  | "leased" // the answer is on its way
  | "pump"
  | "sending"
  | "settle"
  | "lockLease"
  | "pass" // the same, beside producers
  | "nextDue"
  | "check" // whether a wake-up waits
  | "overtake" // the two statements of add_jobs
  | "upsert"
  | "release"
  | "left" // the answer is on its way
  | "lost"
  | "putBack" // as a producer does
  | "complete"
  | "fail";

export interface Pump extends Task {
  pc: PumpPc;
  /** It was refused because its worker is not registered any more. */
  gone: boolean;
  epoch: number | null;
  delivery: string | null;
  /** The attempt_count when it was read. */
  count: number;
  delivered: boolean;
  plan: number | null;
  /** Its transaction only plans; the lease was released before. */
  late: boolean;
}

export type Audit = { pc: "check" | "break" | AddPc; epoch: number };

export interface LaneState extends Protocol<Pump, Audit> {
  /** `leased`, `woken`: in a look without a lock, when the rule is taken out. */
  producers: { pc: "idle" | "insert" | AddPc | "done"; leased: boolean; woken: boolean }[];
  left: Pick<
    LaneWorld,
    "crashes" | "zombies" | "failedSends" | "lostAnswers" | "deletions" | "stops" | "expiries"
  >;
  expiry: "lock" | "expire" | null;
}

export const LANE = "lane";
export type Lane = { leasedBy: string | null; epoch: number };
export type Delivery = { status: "pending"; count: number; next: number };

export function laneOf(db: Database): Lane {
  return db.rows[LANE] as Lane;
}

export function pending(db: Database): [string, Delivery][] {
  return (scan(db, "delivery:") as [string, Delivery][]).filter(([, d]) => d.status === "pending");
}

export function newPump(entry: string): Pump {
  return {
    entry,
    pc: "start",
    noted: false,
    gone: false,
    epoch: null,
    delivery: null,
    count: 0,
    delivered: false,
    plan: null,
    late: false,
  };
}

export function initialLaneState(world: LaneWorld): LaneState {
  const { tasks, deliveries, wakeUpAt, producers } = world;
  const db: Database = { rows: { [LANE]: { leasedBy: null, epoch: 0 } }, open: {}, seen: {} };
  tasks.forEach((_, index) => (db.rows[`worker:${index + 1}`] = {}));
  deliveries.forEach((next, index) => {
    db.rows[`delivery:${index + 1}`] = { status: "pending", count: 0, next };
  });
  if (wakeUpAt !== null) db.rows["entry:1"] = newEntry(wakeUpAt);
  const { crashes, zombies, failedSends, lostAnswers, deletions, stops, expiries } = world;
  return {
    db,
    workers: newWorkers(tasks.length),
    producers: Array.from({ length: producers }, () => ({
      pc: "idle",
      leased: false,
      woken: false,
    })),
    recovery: null,
    reconciler: null,
    left: { crashes, zombies, failedSends, lostAnswers, deletions, stops, expiries },
    expiry: null,
    wrong: null,
  };
}
