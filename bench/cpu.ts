import { readFileSync } from "node:fs";
import { readStat, withChildren } from "./proc.ts";

/** Cores used on average, by part; `others` is what programs outside of the benchmark used. */
export type CpuUse = Record<string, number>;

const TICKS_PER_S = 100;

/**
 * Begins to watch; the function returned ends it. A process counts with its children: those
 * of the embedded Postgres, and those that `serve` started. Empty where there is no /proc.
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
    const own = readStat(process.pid)!;
    const parts = new Map([["bench", own.ticks]]);
    for (const [name, pid] of Object.entries(pids)) {
      if (pid === null) continue;
      parts.set(name, readTree(pid));
    }
    const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]!.trim().split(/\s+/);
    const [user, nice, system, , , irq, softirq] = fields.slice(1).map(Number);
    return { busy: user! + nice! + system! + irq! + softirq!, parts };
  } catch {
    return null;
  }
}

/** A process, its children, and those children that have ended. */
function readTree(pid: number): number {
  const [root, ...children] = withChildren(pid).map(readStat);
  if (!root) return 0;
  return children.reduce((sum, child) => sum + (child?.ticks ?? 0), root.ticks + root.reaped);
}

function round(cores: number): number {
  return Math.round(cores * 100) / 100;
}
