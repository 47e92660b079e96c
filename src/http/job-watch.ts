import type { Notifier } from "../db/notifier.ts";

/** The end of a wait: the job ended, the time was up, or the client has gone. */
export type WaitEnd = "finished" | "timeout" | "gone";

/** A job that is waited for. */
interface WatchedJob {
  id: string;
  account_id: string;
}

export interface JobWatch {
  /** Waits until a job has ended. Never rejects. */
  wait(job: WatchedJob, timeoutMs: number, gone: AbortSignal): Promise<WaitEnd>;
  /** The number of waits. */
  waiting(): number;
}

export interface JobWatchOptions {
  notifier: Pick<Notifier, "subscribe">;
  /** Has the ends of these accounts' jobs notified for a minute, or at least half of it. */
  awaitEnds(accountIds: string[]): Promise<void>;
  findFinished(jobIds: string[]): Promise<string[]>;
  /** Aborted when the server stops: all waits end. */
  stopping?: AbortSignal | undefined;
}

/** Time between looks without a notification, which a broken connection may lose. */
const POLL_MS = 1_000;
/** Time to a second look: a job that ends as its account's first wait begins notifies nobody. */
const SECOND_LOOK_MS = 100;
const RENEW_MS = 20_000;

interface Waiter {
  job: WatchedJob;
  end(how: WaitEnd): void;
}

/**
 * The waits of all requests of this process. A notification ends a wait; new waits are looked up in
 * the database once, all together, as their jobs may have ended before.
 */
export function createJobWatch(options: JobWatchOptions): JobWatch {
  return new NotifiedJobWatch(options);
}

class NotifiedJobWatch implements JobWatch {
  readonly #options: JobWatchOptions;
  /** The waits by id of the job. */
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** Waits that were not looked up in the database yet. */
  #fresh = new Set<Waiter>();
  /** The time of each account's last `awaitEnds`, by `performance.now()`. */
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

  /** Watches until no wait is left. */
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
      // in this order: jobs that end after the first call are notified, earlier ones are found
      await this.#register(jobs);
      this.#finish(await this.#options.findFinished([...new Set(jobs.map(({ id }) => id))]));
    } catch {
      // The next read of the job notices a database that is away; here nothing happens.
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
