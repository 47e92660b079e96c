import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";

/** The least time between rounds, so that busy times are read in one go. */
const PAUSE_MS = 20;
/** Time between reads without a notification, which a broken connection may lose. */
const POLL_MS = 2_000;
const RETRY_MS = 100;

/** Decides when to read the log. */
export interface ActivityWaker {
  /** Reads again until all transactions before this one were covered. */
  reach(xid: bigint): void;
  stop(): void;
}

interface Work {
  /** Reads once. Returns the transaction that was reached, and the next one that will begin. */
  round(): Promise<{ reached: bigint; next: bigint }>;
  every: readonly { ms: number; work(): Promise<void> }[];
}

type WakerContext = Pick<Context, "notifier" | "telemetry">;

export function createActivityWaker(context: WakerContext, { round, every }: Work): ActivityWaker {
  const { log } = context.telemetry;
  let stopping = false;
  /** Whether a notification has come since the last round began. */
  let notified = true;
  let target = 0n;
  let wake = (): void => undefined;

  function notify(): void {
    notified = true;
    wake();
  }

  async function look(): Promise<boolean> {
    const wasNotified = notified;
    notified = false;
    const { reached, next } = await round();
    // entries just committed are read when all older transactions have ended
    if (wasNotified && next > target) target = next;
    return reached >= target;
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      let done = false;
      try {
        done = await look();
      } catch (error) {
        if (stopping) return;
        log.warn("activity not read", { error: (error as Error).message });
        notified = true;
        await sleep(RETRY_MS);
      }
      await sleep(PAUSE_MS);
      if (!done || notified || stopping) continue;
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

  void loop();
  const leave = context.notifier.subscribe("activity", { notified: notify, missed: notify });
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
      leave();
      timers.forEach(clearInterval);
      wake();
    },
  };
}
