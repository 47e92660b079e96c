import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isOutage } from "../core/outage.ts";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;

/**
 * Repeats a fenced write until the database takes or refuses it: what was computed or sent must
 * not be lost to a database that is away for a while. The fence makes repeating safe when the
 * commit took place and only its answer was lost.
 */
export async function persist<T>(
  { telemetry }: Pick<Context, "telemetry">,
  what: string,
  write: () => Promise<T>,
): Promise<T> {
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      return await write();
    } catch (error) {
      if (!isOutage(error)) throw error;
      telemetry.log.warn("database away", { what, error: (error as Error).message });
      await sleep(delayMs * (0.5 + Math.random()));
    }
  }
}
