/** Time that processes of one database agree upon. */
export interface Clock {
  now(): Date;
  /**
   * The time (ms since the epoch) that the database told at some moment between two of
   * `performance.now()`.
   */
  learn(told: number, between: { asked: number; answered: number }): void;
}

/** Right as far as this machine knows, until it learns the database's time. */
export function createClock(): Clock {
  // ms between performance.now(), which no change of the machine's clock moves, and the time
  let ahead = Date.now() - performance.now();
  return {
    now: () => new Date(performance.now() + ahead),
    learn(told, { asked, answered }) {
      // what is possible already stays: no answer tells more than within its round trip
      ahead = Math.min(Math.max(ahead, told - answered), told - asked);
    },
  };
}

/**
 * The clock of this process. What one process plans and dates, others read and receivers check, so a
 * machine whose clock is wrong, or jumps, must not date by it.
 */
export const clock = createClock();
