/** How a wait ended: the job did, or the time, or nobody waits any more. */
export type WaitEnd = "finished" | "timeout" | "gone";

export interface JobWatch {
  /** Waits until a job has ended. Never rejects. */
  wait(jobId: string, timeoutMs: number, gone: AbortSignal): Promise<WaitEnd>;
  /** How many wait. */
  waiting(): number;
}

interface Waiter {
  end(how: WaitEnd): void;
}

/**
 * One watcher for all requests that wait for jobs: a single query per round asks for all of them,
 * and no round is made while nobody waits.
 */
export function createJobWatch(options: {
  findFinished(jobIds: string[]): Promise<string[]>;
  intervalMs?: number;
  /** Aborted when the server stops: all waits end. */
  stopping?: AbortSignal | undefined;
}): JobWatch {
  const { findFinished, intervalMs = 50, stopping } = options;
  const waiters = new Map<string, Set<Waiter>>();
  let running = false;

  async function rounds(): Promise<void> {
    while (waiters.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
      if (waiters.size === 0) break;
      // A database that is away is noticed by whoever reads the job next; here it is just silence.
      const finished = await findFinished([...waiters.keys()]).catch(() => []);
      for (const jobId of finished) {
        for (const waiter of [...(waiters.get(jobId) ?? [])]) waiter.end("finished");
      }
    }
    running = false;
  }

  function wait(jobId: string, timeoutMs: number, gone: AbortSignal): Promise<WaitEnd> {
    return new Promise((resolve) => {
      if (gone.aborted || stopping?.aborted === true) return resolve("gone");
      const leave = () => waiter.end("gone");
      const timer = setTimeout(() => waiter.end("timeout"), timeoutMs);
      const group = waiters.get(jobId) ?? new Set();
      const waiter: Waiter = {
        end(how) {
          clearTimeout(timer);
          gone.removeEventListener("abort", leave);
          stopping?.removeEventListener("abort", leave);
          group.delete(waiter);
          if (group.size === 0 && waiters.get(jobId) === group) waiters.delete(jobId);
          resolve(how);
        },
      };
      gone.addEventListener("abort", leave);
      stopping?.addEventListener("abort", leave);
      waiters.set(jobId, group.add(waiter));
      if (!running) {
        running = true;
        void rounds();
      }
    });
  }

  return { wait, waiting: () => [...waiters.values()].reduce((sum, { size }) => sum + size, 0) };
}
