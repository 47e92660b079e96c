import { readFileSync, readdirSync } from "node:fs";

/** Cores used on average, by part; `others` is what programs outside of the benchmark used. */
export type CpuUse = Record<string, number>;

/** Of /proc/<pid>/stat, in clock ticks of 1/100 s (USER_HZ on every Linux that runs Node). */
const TICKS_PER_S = 100;

/**
 * Begins to watch; the function returned ends it. The processes of the embedded Postgres count
 * together. Empty where there is no /proc.
 */
export function watchCpu(pids: Record<string, number | null>): () => CpuUse {
  const start = readAll(pids);
  const startedAt = performance.now();
  return () => {
    const end = readAll(pids);
    const seconds = (performance.now() - startedAt) / 1000;
    const use: CpuUse = {};
    if (start === null || end === null) return use;
    let ours = 0;
    for (const [name, ticks] of end.parts) {
      const cores = (ticks - (start.parts.get(name) ?? 0)) / TICKS_PER_S / seconds;
      ours += cores;
      use[name] = round(cores);
    }
    use["others"] = round(Math.max(0, (end.busy - start.busy) / TICKS_PER_S / seconds - ours));
    return use;
  };
}

interface Reading {
  /** All processes of the machine. */
  busy: number;
  parts: Map<string, number>;
}

function readAll(pids: Record<string, number | null>): Reading | null {
  try {
    const own = readProcess(process.pid)!;
    const parts = new Map([["bench", own.ticks]]);
    for (const [name, pid] of Object.entries(pids)) {
      if (pid === null) continue;
      const ticks = name === "postgres" ? readTree(pid) : (readProcess(pid)?.ticks ?? 0);
      parts.set(name, ticks);
    }
    const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]!.trim().split(/\s+/);
    const [user, nice, system, , , irq, softirq] = fields.slice(1).map(Number);
    return { busy: user! + nice! + system! + irq! + softirq!, parts };
  } catch {
    return null;
  }
}

function readProcess(pid: number): { parent: number; ticks: number; reaped: number } | null {
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

/** A process, its children, and those children that have ended. */
export function readTree(pid: number): number {
  const root = readProcess(pid);
  if (root === null) return 0;
  let ticks = root.ticks + root.reaped;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const child = readProcess(Number(name));
    if (child?.parent === pid) ticks += child.ticks;
  }
  return ticks;
}

function round(cores: number): number {
  return Math.round(cores * 100) / 100;
}

/** The most memory a process had resident so far, in MB; NaN where there is no /proc. */
export function readPeakMb(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1]) / 1024);
  } catch {
    return NaN;
  }
}
