/** A counting semaphore whose waiters may give up. */
export interface Slots {
  /** Resolves to a function that frees the slot (once, however often it is called), or to null. */
  take(waitMs: number): Promise<(() => void) | null>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<(release: () => void) => void>();

  function slot(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = waiting;
      if (next === undefined) {
        free += 1;
      } else {
        waiting.delete(next);
        next(slot());
      }
    };
  }

  return {
    async take(waitMs) {
      if (free > 0) {
        free -= 1;
        return slot();
      }
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
