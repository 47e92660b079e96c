import type { Notifier } from "../db/notifier.ts";

/** How a wait ended: the job did, or the time, or nobody waits any more. */
export type WaitEnd = "finished" | "timeout" | "gone";

/** A job that is waited for. */
interface WatchedJob {
  id: string;
  account_id: string;
}

export interface JobWatch {
  /** Waits until a job has ended. Never rejects. */
  wait(job: WatchedJob, timeoutMs: number, gone: AbortSignal): Promise<WaitEnd>;
  /** How many wait. */
  waiting(): number;
}

export interface JobWatchOptions {
  notifier: Pick<Notifier, "subscribe">;
  /** Has the ends of jobs of these accounts notified for a minute, half of it at least. */
  awaitEnds(accountIds: string[]): Promise<void>;
  findFinished(jobIds: string[]): Promise<string[]>;
  /** Aborted when the server stops: all waits end. */
  stopping?: AbortSignal | undefined;
}

/** Notifications may be lost with a connection that nobody knows is broken. */
const POLL_MS = 1_000;
/** A job that ends just as the first wait in its account begins may end without a notification. */
const SECOND_LOOK_MS = 100;
const RENEW_MS = 20_000;

interface Waiter {
  job: WatchedJob;
  end(how: WaitEnd): void;
}

/**
 * The waits of all requests of this process. A notification ends them; the database is asked once
 * for those that have just begun, all together, as their jobs may have ended before.
 */
export function createJobWatch(options: JobWatchOptions): JobWatch {
  return new NotifiedJobWatch(options);
}

class NotifiedJobWatch implements JobWatch {
  readonly #options: JobWatchOptions;
  /** By id of the job. */
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** Waits that the database was not asked for yet. */
  #fresh = new Set<Waiter>();
  /** When an account's ends were asked for, by `performance.now()`. */
  readonly #awaited = new Map<string, number>();
  #nextPoll = 0;
  #running = false;
  #wake = (): void => undefined;

  constructor(options: JobWatchOptions) {
    this.#options = options;
  }

  waiting(): number {
    return [...this.#waiters.values()].reduce((sum, { size }) => sum + size, 0);
  }

  wait(job: WatchedJob, timeoutMs: number, gone: AbortSignal): Promise<WaitEnd> {
    const { stopping } = this.#options;
    return new Promise((resolve) => {
      if (gone.aborted || stopping?.aborted === true) return resolve("gone");
      const leave = () => waiter.end("gone");
      const timer = setTimeout(() => waiter.end("timeout"), timeoutMs);
      const group = this.#waiters.get(job.id) ?? new Set();
      const waiter: Waiter = {
        job,
        end: (how) => {
          clearTimeout(timer);
          gone.removeEventListener("abort", leave);
          stopping?.removeEventListener("abort", leave);
          this.#fresh.delete(waiter);
          group.delete(waiter);
          if (group.size === 0 && this.#waiters.get(job.id) === group) this.#waiters.delete(job.id);
          if (this.#waiters.size === 0) this.#wake();
          resolve(how);
        },
      };
      gone.addEventListener("abort", leave);
      stopping?.addEventListener("abort", leave);
      this.#waiters.set(job.id, group.add(waiter));
      this.#fresh.add(waiter);
      this.#wake();
      if (!this.#running) void this.#watch();
    });
  }

  /** Until nobody waits any more. */
  async #watch(): Promise<void> {
    this.#running = true;
    const leave = this.#options.notifier.subscribe("endedJobs", {
      notified: (payload) => this.#finish(payload.split(" ")),
      missed: () => {
        this.#nextPoll = 0;
        this.#wake();
      },
    });
    this.#nextPoll = performance.now() + POLL_MS;
    while (this.#waiters.size > 0) {
      const polls = performance.now() >= this.#nextPoll;
      if (polls) this.#nextPoll = performance.now() + POLL_MS;
      const waiters = polls ? this.#all() : [...this.#fresh];
      this.#fresh.clear();
      if (waiters.length > 0) await this.#look(waiters.map(({ job }) => job));
      if (this.#fresh.size === 0 && this.#waiters.size > 0) await this.#untilWoken();
    }
    leave();
    this.#running = false;
  }

  #all(): Waiter[] {
    return [...this.#waiters.values()].flatMap((group) => [...group]);
  }

  async #look(jobs: readonly WatchedJob[]): Promise<void> {
    try {
      // in this order: what ends after the first is notified, what ended before is found
      await this.#register(jobs);
      this.#finish(await this.#options.findFinished([...new Set(jobs.map(({ id }) => id))]));
    } catch {
      // A database that is away is noticed by whoever reads the job next; here it is just silence.
    }
  }

  async #register(jobs: readonly WatchedJob[]): Promise<void> {
    const now = performance.now();
    for (const [id, at] of this.#awaited) if (now - at > RENEW_MS) this.#awaited.delete(id);
    const accounts = new Set(jobs.map(({ account_id }) => account_id));
    const fresh = [...accounts].filter((id) => !this.#awaited.has(id));
    if (fresh.length === 0) return;
    await this.#options.awaitEnds(fresh);
    for (const id of fresh) this.#awaited.set(id, now);
    this.#nextPoll = Math.min(this.#nextPoll, performance.now() + SECOND_LOOK_MS);
  }

  #finish(jobIds: readonly string[]): void {
    for (const id of jobIds) {
      for (const waiter of [...(this.#waiters.get(id) ?? [])]) waiter.end("finished");
    }
  }

  async #untilWoken(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, this.#nextPoll - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}
