import { setTimeout as sleep } from "node:timers/promises";
import { hindranceOf } from "../core/outage.ts";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/** Failures, by a database that is there, after which a write is taken to be stuck. */
const HOPELESS_TRIES = 5;

/** The part of a logger that is used here. */
export interface RetryLog {
  warn(message: string, fields: object): unknown;
  error(message: string, fields: object): unknown;
}

/** Kinds of writes that an error was logged for, until one of them gets through. */
const stuck = new WeakMap<RetryLog, Set<string>>();

/**
 * Repeats a fenced write until the database takes or refuses it. The result of a run or of a send
 * must not be lost while the database is unavailable. The fence makes a repeat safe when the commit
 * took place and only its answer was lost. A write that fails although the database is available,
 * because it takes longer than a statement may, is repeated as well; one error per kind is logged.
 * @param what the kind of write, for the log
 */
export async function retryWhileUnavailable<T>(
  log: RetryLog,
  what: string,
  write: () => Promise<T>,
): Promise<T> {
  let ended = 0;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      const answer = await write();
      if (ended >= HOPELESS_TRIES) stuck.get(log)?.delete(what);
      return answer;
    } catch (error) {
      const hindrance = hindranceOf(error);
      if (hindrance === null) throw error;
      log.warn(hindrance, { what, error: (error as Error).message });
      if (hindrance !== "database away") ended += 1;
      if (ended === HOPELESS_TRIES) logStuck(log, what, error as Error);
      await sleep(delayMs * (0.5 + Math.random()));
    }
  }
}

function logStuck(log: RetryLog, what: string, error: Error): void {
  const logged = stuck.get(log) ?? new Set();
  stuck.set(log, logged);
  if (logged.has(what)) return;
  logged.add(what);
  log.error("a write does not get through; it is tried on", {
    what,
    error: error.message,
    tries: HOPELESS_TRIES,
  });
}
