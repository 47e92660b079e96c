/** What a pending job waits for: its time, a free thread, or a process that computes. */
export const JOB_WAIT_REASONS = ["run_at", "threads", "process"] as const;
export type JobWaitReason = (typeof JOB_WAIT_REASONS)[number];

export interface JobWait {
  reason: JobWaitReason;
  detail: string;
  /** The time before which it does not run. */
  until: Date | null;
}

/** A pending job and those who compute, as they are now. */
export interface JobWaitFacts {
  next_run_at: Date;
  run: number;
  failures: number;
  /** The threads of all live processes that compute. */
  threads: number;
  /** The runs of all accounts that processes have in hand. */
  running: number;
}

/** A job that has been due for less is just being claimed. */
const CLAIMED_WITHIN_MS = 5_000;

/** What a pending job waits for; null: it is about to run. */
export function jobWaitOf(facts: JobWaitFacts, now: Date): JobWait | null {
  const { next_run_at: at, run, failures, threads, running } = facts;
  if (at > now) {
    const detail = failures > 0 ? `run ${run} failed; the next one comes later` : "it runs later";
    return { reason: "run_at", detail, until: at };
  }
  if (threads === 0) {
    return { reason: "process", detail: "no process that computes is running", until: null };
  }
  if (running >= threads) {
    const detail = `${threads} of ${threads} threads busy`;
    return { reason: "threads", detail, until: null };
  }
  if (now.getTime() - at.getTime() < CLAIMED_WITHIN_MS) return null;
  return { reason: "process", detail: "no process has taken it up yet", until: null };
}
