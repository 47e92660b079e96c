import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { hindranceOf } from "../core/outage.ts";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/** A write that the database ended so often, while it was there, will not get through by itself. */
const HOPELESS_TRIES = 5;

/** Kinds of writes of a process of which an error was told, until one gets through. */
const stuck = new WeakMap<Context["telemetry"], Set<string>>();

/**
 * Repeats a fenced write until the database takes or refuses it: what was computed or sent must
 * not be lost to a database that is away for a while. The fence makes repeating safe when the
 * commit took place and only its answer was lost. One that does not get through although the
 * database is there, because it takes longer than a statement may, is repeated as well, and logged
 * as an error, once for its kind.
 */
export async function persist<T>(
  { telemetry }: Pick<Context, "telemetry">,
  what: string,
  write: () => Promise<T>,
): Promise<T> {
  let ended = 0;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      const answer = await write();
      if (ended >= HOPELESS_TRIES) stuck.get(telemetry)?.delete(what);
      return answer;
    } catch (error) {
      const hindrance = hindranceOf(error);
      if (hindrance === null) throw error;
      telemetry.log.warn(hindrance, { what, error: (error as Error).message });
      if (hindrance !== "database away") ended += 1;
      if (ended === HOPELESS_TRIES) tellStuck(telemetry, what, error as Error);
      await sleep(delayMs * (0.5 + Math.random()));
    }
  }
}

function tellStuck(telemetry: Context["telemetry"], what: string, error: Error): void {
  const told = stuck.get(telemetry) ?? new Set();
  stuck.set(telemetry, told);
  if (told.has(what)) return;
  told.add(what);
  telemetry.log.error("a write does not get through; it is tried on", {
    what,
    error: error.message,
    tries: HOPELESS_TRIES,
  });
}
