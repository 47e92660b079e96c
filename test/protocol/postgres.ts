/**
 * As much of Postgres as the protocol leans on: rows, transactions in READ COMMITTED, and row
 * locks that block. A statement is one step; one that has to wait is taken up again when the lock
 * is free and sees the rows as they are then, as a row does that is looked at again after a wait.
 * Where the age of a snapshot matters, the models say so.
 */
export type Row = Record<string, string | number | boolean | null>;

export type LockMode = "key share" | "share" | "no key update" | "update";

export interface Database {
  rows: Record<string, Row>;
  /** Slow statements under way: the row they found, and whether it has changed since. */
  seen: Record<string, { key: string; stale: boolean }>;
  /** Open transactions by name. A written null is a deleted row. */
  open: Record<string, { locks: Record<string, LockMode>; writes: Record<string, Row | null> }>;
}

const STRENGTH: LockMode[] = ["key share", "share", "no key update", "update"];

// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
function conflict(a: LockMode, b: LockMode): boolean {
  if (a === "update" || b === "update") return true;
  if (a === "key share" || b === "key share") return false;
  return !(a === "share" && b === "share");
}

/** The transactions that hold a lock which keeps `tx` from having one of this mode. */
export function blockers(db: Database, tx: string, key: string, mode: LockMode): string[] {
  return Object.entries(db.open)
    .filter(([other, { locks }]) => {
      const held = locks[key];
      return other !== tx && held !== undefined && conflict(held, mode);
    })
    .map(([other]) => other);
}

export function lock(db: Database, tx: string, key: string, mode: LockMode): void {
  const { locks } = begin(db, tx);
  const held = locks[key];
  if (held === undefined || STRENGTH.indexOf(held) < STRENGTH.indexOf(mode)) locks[key] = mode;
}

/** What a statement of `tx` sees: its own writes over what is committed. */
export function read(db: Database, key: string, tx?: string): Row | null {
  const own = tx === undefined ? undefined : db.open[tx]?.writes[key];
  return own === undefined ? (db.rows[key] ?? null) : own;
}

/** All rows whose key begins so, as `tx` sees them. */
export function scan(db: Database, prefix: string, tx?: string): [string, Row][] {
  const own = tx === undefined ? {} : (db.open[tx]?.writes ?? {});
  return Object.keys({ ...db.rows, ...own })
    .filter((key) => key.startsWith(prefix))
    .sort()
    .flatMap((key): [string, Row][] => {
      const row = read(db, key, tx);
      return row === null ? [] : [[key, row]];
    });
}

/** Writes a row that `tx` has locked. */
export function write(
  db: Database,
  tx: string,
  key: string,
  row: Row | null,
  mode: LockMode = "no key update",
): void {
  lock(db, tx, key, mode);
  begin(db, tx).writes[key] = row;
}

export function commit(db: Database, tx: string): void {
  for (const [key, row] of Object.entries(db.open[tx]?.writes ?? {})) {
    for (const found of Object.values(db.seen)) if (found.key === key) found.stale = true;
    if (row === null) delete db.rows[key];
    else db.rows[key] = row;
  }
  delete db.open[tx];
}

export function rollBack(db: Database, tx: string): void {
  delete db.open[tx];
}

/** Every version of every row, for what all of them have in common: the clock. */
export function allVersions(db: Database): Row[] {
  const written = Object.values(db.open).flatMap(({ writes }) => Object.values(writes));
  return [...Object.values(db.rows), ...written.filter((row) => row !== null)];
}

function begin(db: Database, tx: string): Database["open"][string] {
  return (db.open[tx] ??= { locks: {}, writes: {} });
}
