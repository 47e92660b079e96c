import { useSyncExternalStore } from "react";

/** One timer for all that shows a relative time. */
function createClock(everyMs: number) {
  let now = Date.now();
  let timer: number | undefined;
  const listeners = new Set<() => void>();
  return {
    read: () => now,
    subscribe(listener: () => void) {
      listeners.add(listener);
      now = Date.now();
      timer ??= window.setInterval(() => {
        now = Date.now();
        for (const one of listeners) one();
      }, everyMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        window.clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

const SECONDS = createClock(1_000);

/** Milliseconds since the epoch, new each second. */
export function useNow(): number {
  return useSyncExternalStore(SECONDS.subscribe, SECONDS.read);
}

/** A text that follows the time: what shows it is drawn again only when it reads differently. */
export function useTextAt(write: (now: number) => string): string {
  return useSyncExternalStore(SECONDS.subscribe, () => write(SECONDS.read()));
}
