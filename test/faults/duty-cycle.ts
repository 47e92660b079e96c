import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const PERIOD_MS = 100;

/**
 * A server that gets a part of its CPU: it and all processes of its own are stopped for the rest of
 * each tenth of a second. Plain signals, so that it works wherever processes have them.
 * @returns ends it; all run again. What it tells is the share of time in which they ran.
 */
export function throttle(pid: number, share: number): () => number {
  const began = performance.now();
  let stopped = new Set<number>();
  let stoppedAt = began;
  let stoppedMs = 0;

  function stop(): void {
    // the server first: it makes no new ones then
    stopped = new Set([pid]);
    send("SIGSTOP", stopped);
    const children = childrenOf(pid);
    send("SIGSTOP", children);
    for (const child of children) stopped.add(child);
    stoppedAt = performance.now();
    timer = setTimeout(go, PERIOD_MS * (1 - share));
  }

  function go(): void {
    run();
    timer = setTimeout(stop, PERIOD_MS * share);
  }

  function run(): void {
    if (stopped.size > 0) stoppedMs += performance.now() - stoppedAt;
    send("SIGCONT", stopped);
    stopped = new Set();
  }

  let timer = setTimeout(stop, 0);
  process.once("exit", run);
  return () => {
    clearTimeout(timer);
    process.off("exit", run);
    run();
    return 1 - stoppedMs / (performance.now() - began);
  };
}

function send(signal: "SIGSTOP" | "SIGCONT", pids: Iterable<number>): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended meanwhile
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    // Linux tells, without a process for the question
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).split("\n");
    const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
    return pairs.flatMap(([child, parent]) => (parent === pid ? [child!] : []));
  }
}
