import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** True while a process with this id exists, whoever owns it. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * When a process started, as an opaque text: two processes that get the same id one after the other
 * differ in it. Null: it ended (a zombie counts as ended). Undefined: this system won't say.
 */
export function processStart(pid: number): string | null | undefined {
  if (!processExists(pid)) return null;
  try {
    return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
  } catch {
    return processExists(pid) ? undefined : null;
  }
}

/** The command line of a process, its arguments apart by spaces; undefined when it can't be read. */
export function processCommand(pid: number): string | undefined {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      : ps(pid, "args");
  } catch {
    return undefined;
  }
}

/** Waits until the process is gone; false when it outlives the timeout (milliseconds). */
export async function waitForProcessEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (processStart(pid) !== null) {
    if (performance.now() >= deadline) return false;
    await delay(25);
  }
  return true;
}

// proc(5): the command (field 2) may hold spaces and parentheses, so fields are counted from its
// last one. Field 3 is the state, field 22 the start in clock ticks since boot, hence the boot id.
function startFromProc(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return null;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot}/${fields[19]}`;
}

function startFromPs(pid: number): string | null {
  const start = ps(pid, "lstart");
  return ps(pid, "stat").startsWith("Z") ? null : start;
}

function ps(pid: number, column: string): string {
  return execFileSync("ps", ["-o", `${column}=`, "-p", String(pid)], {
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
