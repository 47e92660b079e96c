/** One direction of a connection whose packets take a while: in order, each late by the same time. */
export interface DelayLine {
  /** Acts once the time has passed, after all that were pushed before. */
  push(act: () => void): void;
  /** What is on its way stays there. */
  hold(): void;
  release(): void;
  /** What is on its way is lost. */
  drop(): void;
}

/** @param delayMs is asked for each packet, so that a change counts from the next one on */
export function createDelayLine(delayMs: () => number): DelayLine {
  let waiting: { at: number; act: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let held = false;

  function pass(): void {
    timer = undefined;
    const now = performance.now();
    while (!held && waiting.length > 0 && waiting[0]!.at <= now) waiting.shift()!.act();
    if (!held && waiting.length > 0) timer = setTimeout(pass, Math.ceil(waiting[0]!.at - now));
  }

  return {
    push(act) {
      const ms = delayMs();
      if (ms === 0 && !held && waiting.length === 0) return act();
      waiting.push({ at: performance.now() + ms, act });
      if (!held) timer ??= setTimeout(pass, Math.ceil(ms));
    },
    hold() {
      held = true;
      clearTimeout(timer);
      timer = undefined;
    },
    release() {
      held = false;
      if (timer === undefined) pass();
    },
    drop() {
      waiting = [];
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
