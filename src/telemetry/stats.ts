import { clock } from "../core/clock.ts";
import { NO_ENDPOINT, STATS_STEPS_S, STATS_WIDTH } from "../core/stats.ts";

/** The sum so far of one step of time. */
export interface StatsRow {
  accountId: string;
  endpointId: string;
  stepS: number;
  at: Date;
  counts: number[];
}

/** Counts of this process for charts that are not written yet. */
export interface StatsCounters {
  /** Adds one to each of these slots, for the account and one of its endpoints. */
  count(accountId: string, endpointId: string | null, slots: readonly number[]): void;
  /** Every row that has changed since the last call; `written` must be called when they are stored. */
  changed(): StatsRow[];
  written(rows: readonly StatsRow[]): void;
}

interface Open extends StatsRow {
  atMs: number;
  version: number;
  writtenVersion: number;
}

export function createStatsCounters(
  now: () => number = () => clock.now().getTime(),
): StatsCounters {
  const open = new Map<string, Open>();
  /** Rows whose time is over, until they are written. */
  const closed: Open[] = [];
  const shown = new Map<StatsRow, { row: Open; version: number }>();

  function rowOf(accountId: string, endpointId: string, stepS: number): Open {
    const key = `${accountId}${endpointId}${stepS}`;
    const atMs = Math.floor(now() / (stepS * 1000)) * stepS * 1000;
    const found = open.get(key);
    if (found?.atMs === atMs) return found;
    if (found !== undefined) closed.push(found);
    const counts = new Array<number>(STATS_WIDTH).fill(0);
    const row = { accountId, endpointId, stepS, at: new Date(atMs), atMs, counts };
    const made = { ...row, version: 0, writtenVersion: 0 };
    open.set(key, made);
    return made;
  }

  return {
    count(accountId, endpointId, slots) {
      for (const stepS of STATS_STEPS_S) {
        const row = rowOf(accountId, endpointId ?? NO_ENDPOINT, stepS);
        for (const slot of slots) row.counts[slot] = (row.counts[slot] ?? 0) + 1;
        row.version += 1;
      }
    },
    changed() {
      shown.clear();
      return [...closed, ...open.values()]
        .filter(({ version, writtenVersion }) => version > writtenVersion)
        .map((row) => {
          const copy = { ...row, counts: [...row.counts] };
          shown.set(copy, { row, version: row.version });
          return copy;
        });
    },
    written(rows) {
      for (const one of rows) {
        const { row, version } = shown.get(one) ?? {};
        if (row !== undefined && version !== undefined) row.writtenVersion = version;
      }
      const isWritten = (row: Open): boolean => row.writtenVersion === row.version;
      closed.splice(0, closed.length, ...closed.filter((row) => !isWritten(row)));
      for (const [key, row] of open) {
        if (isWritten(row) && row.atMs + row.stepS * 1000 < now()) open.delete(key);
      }
    },
  };
}
