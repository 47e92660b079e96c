import { blockers, lock, read, scan, write } from "./postgres.ts";
import type { Database, Row } from "./postgres.ts";

/**
 * graphile-worker's queue, for the entries of one job key or for those without one:
 * `sql/000020.sql` (add_jobs), `sql/000015.sql` (force_unlock_workers), `dist/sql/*.js`. Times are
 * relative to now.
 */
export interface Entry extends Row {
  /** It carries the job key. */
  keyed: boolean;
  lockedBy: string | null;
  runAt: number;
  /** Without attempts left. */
  spent: boolean;
}

/** Stands for the place of the job key in its unique index. */
const KEY = "unique job key";
const PREFIX = "entry:";

export function newEntry(runAt: number): Entry {
  return { keyed: true, lockedBy: null, runAt, spent: false };
}

/** An entry without a key, which nothing overtakes or replaces. */
export function newJobWakeUp(runAt: number): Entry {
  return { ...newEntry(runAt), keyed: false };
}

/** add_job without a key waits for nobody. */
export function wakeForJobs(
  db: Database,
  tx: string,
  runAt: number,
  inUse: ReadonlySet<string>,
): void {
  write(db, tx, freeId(db, inUse), newJobWakeUp(runAt), "update");
}

export function entries(db: Database, tx?: string): [string, Entry][] {
  return scan(db, PREFIX, tx) as [string, Entry][];
}

function isAvailable(entry: Entry): boolean {
  return entry.lockedBy === null && !entry.spent;
}

/** A committed entry that some runner will take, at the latest at this time. */
export function hasWakeUp(db: Database, atLatest: number): boolean {
  return entries(db).some(([, e]) => isAvailable(e) && e.runAt <= atLatest);
}

/** What a statement that begins now sees as available and due, whoever has it locked. */
export function waiting(db: Database): string[] {
  return entries(db)
    .filter(([, e]) => isAvailable(e) && e.runAt <= 0)
    .map(([id]) => id);
}

/** batchGetJobs: what is available and due; rows that others have locked are skipped. */
export function fetchable(db: Database): string[] {
  return entries(db)
    .filter(
      ([id, e]) => isAvailable(e) && e.runAt <= 0 && blockers(db, "", id, "update").length === 0,
    )
    .map(([id]) => id);
}

export function fetch(db: Database, id: string, pool: string): void {
  db.rows[id] = { ...db.rows[id]!, lockedBy: pool };
}

/** batchCompleteJobs: deletes by id, without asking who holds it. */
export function complete(db: Database, id: string): void {
  delete db.rows[id];
}

/** batchFailJobs: back into the queue for later, if this pool still holds it. */
export function fail(db: Database, id: string, pool: string): void {
  const entry = read(db, id);
  if (entry?.["lockedBy"] === pool) db.rows[id] = { ...entry, lockedBy: null, runAt: 1 };
}

/** The first statement of add_jobs: an entry that runs loses the key. */
export const overtake = {
  waitsFor(db: Database, tx: string): string[] {
    const target = unavailable(db, tx);
    return target === null ? [] : blockers(db, tx, target, "update");
  },
  apply(db: Database, tx: string): void {
    const target = unavailable(db, tx);
    if (target === null) return;
    lock(db, tx, KEY, "update");
    const entry = read(db, target, tx)!;
    write(db, tx, target, { ...entry, keyed: false, spent: true }, "update");
  },
};

function unavailable(db: Database, tx: string): string | null {
  return entries(db, tx).find(([, e]) => e.keyed && !isAvailable(e))?.[0] ?? null;
}

/** The second: a new entry, or the one that waits is overwritten, or, locked meanwhile, neither. */
export const upsert = {
  waitsFor(db: Database, tx: string): string[] {
    const existing = keyed(db, tx);
    const row = existing === null ? [] : blockers(db, tx, existing, "no key update");
    return [...row, ...blockers(db, tx, KEY, "update")];
  },
  /**
   * False: nothing was returned, because the entry was taken between the two statements.
   * @param inUse ids that tasks still remember
   */
  apply(db: Database, tx: string, runAt: number, inUse: ReadonlySet<string>): boolean {
    const existing = keyed(db, tx);
    if (existing === null) {
      lock(db, tx, KEY, "update");
      write(db, tx, freeId(db, inUse), newEntry(runAt), "update");
      return true;
    }
    const entry = read(db, existing, tx) as Entry;
    if (entry.lockedBy === null) write(db, tx, existing, { ...entry, runAt, spent: false });
    else lock(db, tx, existing, "no key update");
    return entry.lockedBy === null;
  },
};

function keyed(db: Database, tx: string): string | null {
  return entries(db, tx).find(([, e]) => e.keyed)?.[0] ?? null;
}

function freeId(db: Database, inUse: ReadonlySet<string>): string {
  const taken = new Set([
    ...inUse,
    ...Object.keys(db.rows),
    ...Object.values(db.open).flatMap(({ writes }) => Object.keys(writes)),
  ]);
  for (let n = 1; ; n++) if (!taken.has(`${PREFIX}${n}`)) return `${PREFIX}${n}`;
}

/** force_unlock_workers, row by row: the next one that the pool holds. */
export function nextLockedBy(db: Database, tx: string, pool: string): string | null {
  return entries(db, tx).find(([, e]) => e.lockedBy === pool)?.[0] ?? null;
}

export function unlock(db: Database, tx: string, id: string): void {
  write(db, tx, id, { ...read(db, id, tx)!, lockedBy: null });
}
