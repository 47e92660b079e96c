import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { clock } from "../../core/clock.ts";
import type { Clock } from "../../core/clock.ts";
import { isOutage } from "../../core/outage.ts";
import { readClock } from "../../db/clock.ts";

/** Time between two readings, in which monotonic clocks drift by some milliseconds. */
const FOLLOW_MS = 10_000;

/** Learns the database's time: before the promise resolves, then while the process runs. */
export async function followClock(
  context: Pick<Context, "pool" | "telemetry" | "stopping">,
  followed: Clock = clock,
): Promise<{ stop(): Promise<void> }> {
  const { pool, telemetry, stopping } = context;
  async function look(): Promise<void> {
    const asked = performance.now();
    const time = await readClock(pool);
    followed.learn(time, { asked, answered: performance.now() });
  }
  async function loop(): Promise<void> {
    while (!stopping.aborted) {
      await sleep(FOLLOW_MS, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      await look().catch((error: unknown) => {
        if (!isOutage(error)) telemetry.unexpectedError(error, { task: "follow clock" });
      });
    }
  }
  await look();
  const looping = loop();
  return { stop: () => looping };
}
