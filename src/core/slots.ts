/** A counting semaphore whose size may change and whose waiters may give up. */
export interface Slots {
  /** Resolves to a function that frees the slot (once, however often it is called), or to null. */
  take(waitMs: number): Promise<(() => void) | null>;
}

/** @param size how many may be taken, asked anew each time one is wanted or freed */
export function createSlots(size: () => number): Slots {
  let taken = 0;
  const waiting = new Set<(release: () => void) => void>();

  function slot(): () => void {
    let held = true;
    taken += 1;
    return () => {
      if (!held) return;
      held = false;
      taken -= 1;
      for (const give of waiting) {
        if (taken >= size()) return;
        waiting.delete(give);
        give(slot());
      }
    };
  }

  return {
    async take(waitMs) {
      if (taken < size()) return slot();
      return await new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.delete(give);
          resolve(null);
        }, waitMs);
        const give = (release: () => void): void => {
          clearTimeout(timer);
          resolve(release);
        };
        waiting.add(give);
      });
    },
  };
}
