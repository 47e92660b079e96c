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
  /** The rows of an account and endpoint, one for each step. */
  const open = new Map<string, Open[]>();
  /** Rows whose time is over, until they are written. */
  const closed: Open[] = [];
  const shown = new Map<StatsRow, { row: Open; version: number }>();

  return {
    count(accountId, endpoint, slots) {
      const endpointId = endpoint ?? NO_ENDPOINT;
      const nowMs = now();
      const key = accountId + endpointId;
      let rows = open.get(key);
      if (rows === undefined) {
        rows = STATS_STEPS_S.map((stepS) => openRow(accountId, endpointId, stepS, nowMs));
        open.set(key, rows);
      }
      for (let index = 0; index < rows.length; index += 1) {
        let row = rows[index]!;
        if (nowMs < row.atMs || nowMs >= endOf(row)) {
          closed.push(row);
          row = rows[index] = openRow(accountId, endpointId, row.stepS, nowMs);
        }
        for (const slot of slots) row.counts[slot]! += 1;
        row.version += 1;
      }
    },
    changed() {
      shown.clear();
      return [...closed, ...[...open.values()].flat()]
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
      const isOver = (row: Open): boolean => isWritten(row) && endOf(row) < now();
      for (const [key, places] of open) {
        if (places.every(isOver)) open.delete(key);
      }
    },
  };
}

function openRow(accountId: string, endpointId: string, stepS: number, nowMs: number): Open {
  const atMs = nowMs - (nowMs % (stepS * 1000));
  const counts = new Array<number>(STATS_WIDTH).fill(0);
  const at = new Date(atMs);
  return { accountId, endpointId, stepS, at, atMs, counts, version: 0, writtenVersion: 0 };
}

/** Milliseconds since the epoch at which the row's time is over. */
function endOf({ atMs, stepS }: Open): number {
  return atMs + stepS * 1000;
}
