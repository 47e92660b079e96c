import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../flow/context.ts";
import { wakeForJobs, wake } from "../db/queue/wake.ts";
import { inTransaction } from "../db/transaction.ts";
import {
  findOutstanding,
  findTimeToNext,
  findWakeUps,
  shareAllLanes,
  shiftDueTimes,
} from "../db/time-travel.ts";

type Parts = Pick<Context, "pool" | "runs" | "pumps">;

const LOOK_MS = 10;

/** Waits until nothing is running and nothing is due. @throws Error with the unfinished work */
export async function runAll({ pool, runs, pumps }: Parts, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const outstanding = await findOutstanding(pool);
    const sending = [...pumps.values()].some((pump) => !pump.isIdle());
    if (outstanding.length === 0 && runs.size === 0 && !sending) return;
    if (performance.now() > deadline) {
      const what = outstanding.length === 0 ? "its last steps" : outstanding.join(", ");
      throw new Error(`work is still going on after ${timeoutMs} ms: ${what}`);
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Lets time pass: goes from one due time to the next, and runs the work due at each, so that all
 * work in between happens at its time.
 */
export async function advance(parts: Parts, ms: number, timeoutMs: number): Promise<void> {
  await runAll(parts, timeoutMs);
  let leftMs = ms;
  for (;;) {
    const nextMs = await findTimeToNext(parts.pool);
    if (nextMs === null || nextMs > leftMs) break;
    const step = Math.max(0, nextMs);
    await shift(parts, step);
    leftMs -= step;
    await runAll(parts, timeoutMs);
  }
  await shift(parts, leftMs);
  await runAll(parts, timeoutMs);
}

/** Brings all due times forward, of wake-ups and rows in one transaction. */
async function shift({ pool, pumps }: Parts, ms: number): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await shareAllLanes(tx);
    await shiftDueTimes(tx, ms);
    await wakeForJobs(tx);
    const wakeUps = await findWakeUps(tx);
    await wake(
      tx,
      wakeUps.map((wakeUp) => ({ ...wakeUp, delayMs: Math.max(0, wakeUp.delayMs - ms) })),
    );
  });
  // lanes that are kept without work have no wake-up
  for (const pump of pumps.values()) pump.nudge();
}
