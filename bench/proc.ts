import { readFileSync, readdirSync } from "node:fs";

/** What Linux tells of a process. */
export interface ProcessStat {
  parent: number;
  /** Of CPU, in clock ticks of 1/100 s (USER_HZ on every Linux that runs Node). */
  ticks: number;
  /** Of its children that have ended. */
  reaped: number;
}

/** Null where there is no such process, or no /proc. */
export function readStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // the name, in brackets, may hold anything
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return {
      parent: fields[1]!,
      ticks: fields[11]! + fields[12]!,
      reaped: fields[13]! + fields[14]!,
    };
  } catch {
    return null;
  }
}

/** A process and its children, as a Postgres is. */
export function withChildren(pid: number): number[] {
  return [pid, ...listProcesses().filter((child) => readStat(child)?.parent === pid)];
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The most memory a process had resident so far, in MB; NaN where there is no /proc. */
export function readPeakMb(pid: number): number {
  return readNumber(`/proc/${pid}/status`, /^VmHWM:\s+(\d+) kB/m) / 1024;
}

/** Memory of a process, in MB, of what it shares with others its part; NaN once it has ended. */
export function readPssMb(pid: number): number {
  return readNumber(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m) / 1024;
}

/** How often threads of a process began to wait so far. */
export function readWaits(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) =>
        readNumber(`/proc/${pid}/task/${task}/status`, /^voluntary_ctxt_switches:\s+(\d+)/m),
      )
      .reduce((sum, waits) => sum + (waits || 0), 0);
  } catch {
    return 0;
  }
}

function readNumber(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(file, "utf8"))?.[1]);
  } catch {
    return NaN;
  }
}
