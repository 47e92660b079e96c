import type { Moves } from "./moves.ts";
import { allVersions, blockers, commit, lock, rollBack, write } from "./postgres.ts";
import type { Database, Row } from "./postgres.ts";
import * as queue from "./queue-model.ts";

/** What both models have in common: processes with a queue runner, those who bury, the clock. */

export interface Task {
  /** The queue entry that it works on. */
  entry: string;
  pc: string;
  /** In `pumps` or in `runs`. */
  noted: boolean;
}

export interface Worker<T extends Task, Audit> {
  up: boolean;
  stopping: boolean;
  /** Its signs of life are lost. */
  deaf: boolean;
  /** It is declared dead while alive, or will be. What it took meanwhile may be forgotten if it dies as well. */
  zombie: boolean;
  registration: string;
  tasks: T[];
  audit: Audit | null;
}

export type AddPc = "check" | "overtake" | "upsert" | "commit";

/** What the two protocols ask of wake. */
export interface AddRules {
  addsAgainWhenTaken: boolean;
  leavesWaitingAlone?: boolean;
}

export type RecoveryPc = "takeBack" | "findEntries" | "unlock" | "wakeForJobs" | AddPc;

export interface Protocol<T extends Task, Audit> {
  db: Database;
  workers: Worker<T, Audit>[];
  recovery: Recovery | null;
  reconciler: "hold" | AddPc | null;
  /** What the world may still do. */
  left: { crashes: number; zombies: number; deletions: number; stops: number };
  /** What a step saw go wrong. */
  wrong: string | null;
}

export interface Recovery {
  worker: number;
  registration: string;
  pc: RecoveryPc;
  wake: boolean;
  /** How many belongings were looked at. */
  row: number;
  /** The worker itself does it, as it leaves. */
  leaving: boolean;
}

export function newWorkers<T extends Task, Audit>(count: number): Worker<T, Audit>[] {
  return Array.from({ length: count }, (_, index) => ({
    up: true,
    stopping: false,
    deaf: false,
    zombie: false,
    registration: `${index + 1}`,
    tasks: [],
    audit: null,
  }));
}

export interface Hooks<S> {
  take(s: S, index: number, entry: string): void;
  registeredAnew?(s: S, index: number): void;
}

/**
 * The life of a process, and what its queue runner fetches.
 * @param world mended: what a zombie that dies took with it is found by other means
 */
export function processMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  state: S,
  index: number,
  world: { tasks: number[]; mended: boolean; slowFetches?: boolean },
  { take, registeredAnew }: Hooks<S>,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const pool = `W${index + 1}`;
  const hasRoom = worker.tasks.length < world.tasks[index]! && !worker.stopping;
  if (hasRoom && world.slowFetches === true) {
    slowFetchMoves(moves, state, pool, (s, id) => take(s, index, id));
  } else if (hasRoom) {
    for (const id of queue.fetchable(db)) {
      moves.add(`${pool}: getJobs takes ${id}`, (s) => {
        queue.fetch(s.db, id, pool);
        take(s, index, id);
      });
    }
  }
  if (db.rows[`worker:${worker.registration}`] === undefined) {
    moves.add(`${pool}: beat finds itself declared dead, registers anew`, (s) => {
      const self = s.workers[index]!;
      self.registration += "'";
      self.deaf = false;
      s.db.rows[`worker:${self.registration}`] = {};
      registeredAnew?.(s, index);
    });
  } else if (left.zombies > 0 && index === 0) {
    moves.world(`${pool} loses its signs of life`, (s) => {
      s.left.zombies -= 1;
      Object.assign(s.workers[index]!, { deaf: true, zombie: true });
    });
  }
  if (left.crashes > 0 && (!worker.zombie || world.mended)) {
    moves.world(`${pool} dies`, (s) => {
      s.left.crashes -= 1;
      for (const tx of Object.keys(s.db.open)) if (tx.startsWith(pool)) rollBack(s.db, tx);
      if (s.recovery?.leaving && s.recovery.worker === index) {
        rollBack(s.db, "recovery");
        s.recovery = null;
      }
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

/** A fetch that takes long: what it found may be changed or locked before it gets to lock it. */
function slowFetchMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  { db }: S,
  pool: string,
  take: (s: S, id: string) => void,
): void {
  const me = `${pool} fetch`;
  const found = db.seen[pool];
  if (found === undefined) {
    for (const id of queue.waiting(db)) {
      moves.add(`${me}: getJobs finds ${id}`, (s) => {
        s.db.seen[pool] = { key: id, stale: false };
      });
    }
    return;
  }
  const { key, stale } = found;
  const taken = !stale && queue.fetchable(db).includes(key);
  moves.add(`${me}: getJobs ${taken ? "takes" : "misses"} ${key}`, (s) => {
    delete s.db.seen[pool];
    if (!taken) return;
    queue.fetch(s.db, key, pool);
    take(s, key);
  });
}

/** What a recovery takes away from the dead: leases or runs. */
export interface Belongings<S> {
  name: string;
  rows(db: Database): string[];
  areOf(db: Database, row: string, registration: string): boolean;
  /** Writes one back in the transaction; true: it needs a wake-up. */
  takeBack(state: S, tx: string, row: string): boolean;
}

/** flow/maintenance/recover-worker.ts; the recovery is a process apart. */
export function recoveryMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  state: S,
  rules: AddRules,
  order: readonly RecoveryPc[],
  belongings: Belongings<S>,
): void {
  const { db, recovery } = state;
  const tx = "recovery";
  if (recovery === null) return deathMoves(moves, state, order[0]!);
  const { worker, registration, pc, leaving } = recovery;
  const pool = `W${worker + 1}`;
  const goOn = (s: S): void => {
    const next = order[order.indexOf(pc) + 1] ?? "commit";
    const adds = next === "check" || next === "overtake";
    s.recovery!.pc = adds && !s.recovery!.wake ? "commit" : next;
  };
  if (state.left.crashes > 0 && !leaving) {
    moves.world("the recovery dies", (s) => {
      s.left.crashes -= 1;
      rollBack(s.db, tx);
      s.recovery = null;
    });
  }
  if (pc === "takeBack") {
    takeBackMoves(moves, state, recovery, belongings, goOn);
  } else if (pc === "findEntries") {
    moves.add(`${tx}: findWakeUpsOf`, (s) => {
      s.recovery!.wake ||= queue.entries(s.db, tx).some(([, e]) => e.keyed && e.lockedBy === pool);
      goOn(s);
    });
  } else if (pc === "wakeForJobs") {
    moves.add(`${tx}: wakeForJobs`, (s) => {
      queue.wakeForJobs(s.db, tx, 0, inUse(s));
      goOn(s);
    });
  } else if (pc === "unlock") {
    const id = queue.nextLockedBy(db, tx, pool);
    if (id === null) return moves.add(`${tx}: force_unlock_workers, no more`, goOn);
    const waits = blockers(db, tx, id, "no key update");
    moves.statement(tx, `force_unlock_workers ${id}`, waits, (s) => queue.unlock(s.db, tx, id));
  } else if (pc === "commit") {
    moves.add(`${tx}: deleteWorker, commit`, (s) => {
      write(s.db, tx, `worker:${registration}`, null, "update");
      commit(s.db, tx);
      s.recovery = null;
      if (leaving) s.workers[worker]!.up = false;
    });
  } else {
    addWakeUpMoves(moves, state, tx, rules, pc, (s, next) => (s.recovery!.pc = next));
  }
}

/** Those who show no sign of life. */
function deathMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  { db, workers }: S,
  first: RecoveryPc,
): void {
  const tx = "recovery";
  workers.forEach(({ up, deaf, registration }, worker) => {
    const row = `worker:${registration}`;
    if ((up && !deaf) || db.rows[row] === undefined) return;
    moves.statement(tx, `lockDeadWorker W${worker + 1}`, blockers(db, tx, row, "update"), (s) => {
      lock(s.db, tx, row, "update");
      s.recovery = { worker, registration, pc: first, wake: false, row: 0, leaving: false };
    });
  });
}

function takeBackMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  { db }: S,
  { registration, row }: Recovery,
  belongings: Belongings<S>,
  goOn: (s: S) => void,
): void {
  const tx = "recovery";
  const { name, areOf } = belongings;
  const rows = belongings.rows(db);
  // what is not the dead one's in the snapshot is passed over without waiting
  const place = rows.findIndex((key, index) => index >= row && areOf(db, key, registration));
  if (place === -1) return moves.add(`${tx}: ${name}, ${row > 0 ? "no more" : "none"}`, goOn);
  const key = rows[place]!;
  moves.statement(tx, name, blockers(db, tx, key, "update"), (s) => {
    lock(s.db, tx, key, "update");
    if (areOf(s.db, key, registration) && belongings.takeBack(s, tx, key)) s.recovery!.wake = true;
    s.recovery!.row = place + 1;
  });
}

/** wake, for now, and the commit of its transaction. */
export function addWakeUpMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  { db }: S,
  tx: string,
  rules: AddRules,
  pc: AddPc,
  to: (s: S, next: AddPc) => void,
  committed?: (s: S) => void,
  again: AddPc = "overtake",
): void {
  if (pc === "check") {
    const waits = rules.leavesWaitingAlone !== false && queue.hasWakeUp(db, 0);
    moves.add(`${tx}: wake: ${waits ? "one waits" : "none waits"}`, (s) => {
      to(s, waits ? "commit" : "overtake");
    });
  } else if (pc === "overtake") {
    moves.statement(tx, "wake: overtake", queue.overtake.waitsFor(db, tx), (s) => {
      queue.overtake.apply(s.db, tx);
      to(s, "upsert");
    });
  } else if (pc === "upsert") {
    moves.statement(tx, "wake: upsert", queue.upsert.waitsFor(db, tx), (s) => {
      const added = queue.upsert.apply(s.db, tx, 0, inUse(s));
      to(s, added || !rules.addsAgainWhenTaken ? "commit" : again);
    });
  } else {
    moves.add(`${tx}: commit`, (s) => {
      commit(s.db, tx);
      committed?.(s);
    });
  }
}

/** @param aged what else is a point in time, told from now */
export function clockMoves<S extends Protocol<Task, unknown>>(
  moves: Moves<S>,
  state: S,
  aged: (s: S) => void,
): void {
  const isAhead = (row: Row): boolean => Number(row["next"] ?? row["runAt"] ?? 0) > 0;
  if (allVersions(state.db).some(isAhead)) {
    moves.world("time passes", (s) => {
      for (const row of allVersions(s.db)) {
        for (const field of ["next", "runAt"]) {
          if (Number(row[field] ?? 0) > 0) row[field] = Number(row[field]) - 1;
        }
      }
      aged(s);
    });
  }
  if (state.left.deletions === 0) return;
  for (const [id, { lockedBy }] of queue.entries(state.db)) {
    if (lockedBy !== null || blockers(state.db, "", id, "update").length > 0) continue;
    moves.world(`${id} vanishes`, (s) => {
      s.left.deletions -= 1;
      delete s.db.rows[id];
    });
  }
}

/** Entries that nobody can take or find by the key are gone; rows come in one order. */
export function normalizeDatabase(state: Protocol<Task, unknown>): void {
  const { db } = state;
  for (const [id, e] of queue.entries(db)) {
    const out = e.spent && !e.keyed && blockers(db, "", id, "update").length === 0;
    if (out && !inUse(state).has(id)) delete db.rows[id];
  }
  db.rows = sortKeys(db.rows);
  db.open = sortKeys(db.open);
}

export function inUse({ workers }: Protocol<Task, unknown>): Set<string> {
  return new Set(workers.flatMap(({ tasks }) => tasks.map(({ entry }) => entry)));
}

function sortKeys<T>(record: Record<string, T>): Record<string, T> {
  const keys = Object.keys(record);
  if (keys.every((key, index) => index === 0 || keys[index - 1]! < key)) return record;
  return Object.fromEntries(keys.sort().map((key) => [key, record[key]!]));
}
