import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { processStart } from "./process-info.ts";

/** The data folder belongs to this process until it releases it, or ends. */
export interface DataFolderLock {
  /** Safe to call twice, and from a handler of process exit. */
  release(): void;
}

interface Owner {
  pid: number;
  start: string;
  nonce: string;
}

export class DataFolderInUse extends Error {
  constructor(dataDir: string, pid: number) {
    super(`data folder ${dataDir} is in use by another ringback (pid ${pid})`);
    this.name = "DataFolderInUse";
  }
}

/**
 * Takes `<dataDir>/ringback.pid`. A lock whose owner is gone, or whose process id now belongs to
 * another process, is taken over.
 * @throws DataFolderInUse when a living process holds it
 */
export async function lockDataFolder(dataDir: string): Promise<DataFolderLock> {
  const me: Owner = {
    pid: process.pid,
    start: processStart(process.pid) ?? "",
    nonce: randomBytes(8).toString("hex"),
  };
  const path = join(dataDir, "ringback.pid");
  const holder = await acquire(path, me);
  if (holder !== undefined) throw new DataFolderInUse(dataDir, holder.pid);
  return {
    release() {
      if (readOwner(path)?.nonce === me.nonce) rmSync(path, { force: true });
    },
  };
}

/**
 * Undefined: the lock is mine. Otherwise: its living holder.
 *
 * The file appears whole (a hard link to a written one), and only one process may replace a dead
 * holder's file: the one that holds the lock named after that very holder, got by these same rules.
 * Without it, two that both saw the dead holder could each remove the file, the second one removing
 * the first one's.
 */
async function acquire(path: string, me: Owner): Promise<Owner | undefined> {
  for (;;) {
    if (createWhole(path, me)) return undefined;
    const holder = readOwner(path);
    if (holder === undefined) continue;
    if (isAlive(holder)) return holder;

    const guard = `${path}.${holder.nonce}`;
    if ((await acquire(guard, me)) !== undefined) {
      await delay(10);
      continue;
    }
    try {
      if (readOwner(path)?.nonce === holder.nonce) {
        replaceWhole(path, me);
        return undefined;
      }
    } finally {
      rmSync(guard, { force: true });
    }
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.pid === 0) return false;
  const start = processStart(owner.pid);
  return start === undefined || (start !== null && (owner.start === "" || start === owner.start));
}

function createWhole(path: string, owner: Owner): boolean {
  const draft = writeDraft(path, owner);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replaceWhole(path: string, owner: Owner): void {
  renameSync(writeDraft(path, owner), path);
}

function writeDraft(path: string, owner: Owner): string {
  const draft = `${path}.${owner.nonce}.new`;
  writeFileSync(draft, `${owner.pid}\n${owner.start}\n${owner.nonce}\n`, { mode: 0o600 });
  return draft;
}

// A file that can't be understood (cut short by a full disk or a lost machine) has no living owner.
function readOwner(path: string): Owner | undefined {
  try {
    const [pid = "", start = "", nonce = ""] = readFileSync(path, "utf8").split("\n");
    const whole = /^[1-9]\d*$/.test(pid) && /^[0-9a-f]{16}$/.test(nonce);
    return whole ? { pid: Number(pid), start, nonce } : { pid: 0, start: "", nonce: "unreadable" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
