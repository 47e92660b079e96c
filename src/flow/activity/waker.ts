import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { openEventNotifications } from "../../db/activity/notifications.ts";

/** Rounds are no closer than this, so that busy times are read in one go. */
const PAUSE_MS = 20;
/** A notification may be lost with a connection that nobody knows is broken. */
const POLL_MS = 2_000;
const RETRY_MS = { first: 100, last: 5_000 };

/** Decides when the log is read. */
export interface EventWaker {
  /** Read again until all transactions before this one were covered. */
  reach(xid: bigint): void;
  stop(): void;
}

interface Work {
  /** Reads. Returns the transaction that was reached, and the next one that will begin. */
  round(): Promise<{ reached: bigint; next: bigint }>;
  every: readonly { ms: number; work(): Promise<void> }[];
}

type WakerContext = Pick<Context, "databaseUrl" | "telemetry">;

export function createEventWaker(context: WakerContext, { round, every }: Work): EventWaker {
  const { log } = context.telemetry;
  const stopped = Promise.withResolvers<void>();
  let stopping = false;
  /** Something was committed since the last round began. */
  let told = true;
  let target = 0n;
  let wake = (): void => undefined;

  function tell(): void {
    told = true;
    wake();
  }

  async function look(): Promise<boolean> {
    const wasTold = told;
    told = false;
    const { reached, next } = await round();
    // what was just committed is read when the transactions that are older have ended
    if (wasTold && next > target) target = next;
    return reached >= target;
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      let done = false;
      try {
        done = await look();
      } catch (error) {
        if (stopping) return;
        log.warn("events not read", { error: (error as Error).message });
        told = true;
        await sleep(RETRY_MS.first);
      }
      await sleep(PAUSE_MS);
      if (!done || told || stopping) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = () => undefined;
    }
  }

  async function hear(): Promise<void> {
    let retryMs = RETRY_MS.first;
    while (!stopping) {
      const lost = Promise.withResolvers<void>();
      try {
        const connection = await openEventNotifications(context.databaseUrl, tell, () =>
          lost.resolve(),
        );
        retryMs = RETRY_MS.first;
        // what came while nobody heard
        tell();
        await Promise.race([lost.promise, stopped.promise]);
        connection.close();
      } catch (error) {
        if (!stopping) log.warn("not told of events", { error: (error as Error).message });
      }
      if (!stopping) await sleep(retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MS.last);
    }
  }

  void loop();
  void hear();
  const timers = every.map(({ ms, work }) =>
    setInterval(() => {
      work().catch((error: Error) => {
        log.warn("listeners not looked after", { error: error.message });
      });
    }, ms),
  );

  return {
    reach(xid) {
      if (xid > target) target = xid;
      wake();
    },
    stop() {
      stopping = true;
      stopped.resolve();
      timers.forEach(clearInterval);
      wake();
    },
  };
}
