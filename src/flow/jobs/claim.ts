import { setTimeout as sleep } from "node:timers/promises";
import type { Context, JobRunner } from "../context.ts";
import { claimRuns } from "../../db/jobs/runs.ts";
import type { Claims } from "../../db/jobs/runs.ts";
import { nudgeProcesses } from "../../db/nudges.ts";
import { inTransaction, singleStatement } from "../../db/transaction.ts";
import { jobPublication } from "./publication.ts";
import { retryWhileUnavailable } from "../../db/retry.ts";
import { callbacksWant, publish } from "../deliveries/publish.ts";
import { computeRun } from "./run.ts";

type RunnerContext = Pick<
  Context,
  | "pool"
  | "config"
  | "telemetry"
  | "compute"
  | "endings"
  | "random"
  | "runs"
  | "stopping"
  | "worker"
>;

/** Runs shorter than this are claimed ahead, as claiming them takes longer than they do. */
const SHORT_RUN_MS = 20;
const SHORT_RUNS_PER_THREAD = 16;
/** The most short runs per thread while accounts take turns: an account waits for all of them. */
const SHARED_SHORT_RUNS_PER_THREAD = 4;
const SHARED_MS = 1_000;
/** Pause after others took the chosen jobs, or while this worker is not registered. */
const REFUSED_WAIT_MS = 50;
const NUDGE_EVERY_MS = 100;
const ERROR_WAIT_MS = 1_000;

/** @param threads how many runs this process computes at once; 0 when that is not its role */
export function createJobRunner(context: RunnerContext, threads: number): JobRunner {
  const { pool, stopping, runs, worker } = context;
  const waiting: (() => void)[] = [];
  let averageMs = Infinity;
  let lastAccount = "";
  /** The time until which jobs of more than one account are expected. */
  let sharedUntil = 0;
  let taken = 0;
  /** Whether there may be pending jobs that no claim has looked for. */
  let more = false;
  /** The account after which the next claim goes on; null: it begins with the first. */
  let after: string | null = null;
  /** Whether accounts that were passed may have more jobs by now. */
  let passed = false;
  let looking: Promise<void> | null = null;
  let nudging = false;
  const inHand = new Set<Promise<void>>();

  function free(): number {
    if (stopping.aborted || worker.id === "") return 0;
    return Math.max(0, threads * perThread() - taken);
  }

  function perThread(): number {
    if (averageMs >= SHORT_RUN_MS) return 1;
    const shared = performance.now() < sharedUntil;
    return shared ? SHARED_SHORT_RUNS_PER_THREAD : SHORT_RUNS_PER_THREAD;
  }

  async function look(nudged = false): Promise<void> {
    more = true;
    if (after !== null) passed = true;
    if (free() === 0) {
      if (!nudged) nudgeOthers();
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    lookOn();
    await promise;
  }

  function lookOn(): void {
    looking ??= claimWhileFree().finally(() => {
      looking = null;
      if (more && free() > 0) lookOn();
    });
  }

  async function claimWhileFree(): Promise<void> {
    while (more) {
      const wanted = free();
      const answered = waiting.splice(0);
      if (wanted > 0) {
        more = false;
        await claim(wanted);
      }
      for (const resolve of answered) resolve();
      if (wanted === 0) return;
    }
  }

  async function claim(wanted: number): Promise<void> {
    taken += wanted;
    const { jobs, chosen, stoppedAt } = await claimPending(context, wanted, after).catch(
      async (error: unknown): Promise<Claims> => {
        context.telemetry.unexpectedError(error, { what: "claim runs" });
        await sleep(ERROR_WAIT_MS, undefined, { ref: false });
        return { jobs: [], chosen: 1, stoppedAt: null };
      },
    );
    taken -= wanted - jobs.length;
    passed ||= jobs.length < chosen || chosen === wanted;
    // the accounts behind have their turn, and after the last it is that of the first again
    more ||= stoppedAt !== null || passed;
    if (stoppedAt === null) passed = false;
    after = stoppedAt;
    if (chosen === wanted) {
      // as many jobs as there was room for: others may have room for the rest
      if (free() === 0) nudgeOthers();
    }
    for (const job of jobs) {
      if (lastAccount !== "" && job.account_id !== lastAccount) {
        sharedUntil = performance.now() + SHARED_MS;
      }
      lastAccount = job.account_id;
      const running = run(job).finally(() => inHand.delete(running));
      inHand.add(running);
    }
    if (jobs.length === 0 && chosen > 0) await sleep(REFUSED_WAIT_MS);
  }

  async function run(job: Claims["jobs"][number]): Promise<void> {
    let counted = true;
    const release = (busyMs: number | null): void => {
      if (!counted) return;
      counted = false;
      taken -= 1;
      // a long run counts at once, short runs have to add up
      if (busyMs !== null) {
        averageMs =
          busyMs > averageMs || averageMs === Infinity ? busyMs : averageMs * 0.9 + busyMs * 0.1;
      }
      if (more) lookOn();
    };
    try {
      await computeRun(context, job, release);
    } catch (error) {
      context.telemetry.unexpectedError(error, { job_id: job.id, run: job.run });
    } finally {
      release(null);
      if (runs.get(job.id)?.run === job.run) runs.delete(job.id);
    }
  }

  function nudgeOthers(): void {
    if (nudging || stopping.aborted) return;
    nudging = true;
    void nudgeProcesses(singleStatement(pool), ["jobs"])
      // the audits of the other workers look as well
      .catch(() => undefined)
      .then(() => sleep(NUDGE_EVERY_MS, undefined, { ref: false }))
      .then(() => (nudging = false));
  }

  return {
    look,
    settled: async () => void (await looking),
    async idle() {
      await looking;
      await Promise.all(inHand);
    },
    hasFreeThread: () => free() > 0,
    isIdle: () => free() > 0 && !more && looking === null,
  };
}

/** The claim: `pending → running` for the fairest of the jobs, and job.started if wanted. */
export async function claimPending(
  context: Pick<Context, "pool" | "worker" | "config" | "telemetry" | "runs">,
  limit: number,
  after: string | null = null,
): Promise<Claims> {
  const { pool, worker, config, runs } = context;
  const claims = await retryWhileUnavailable(context.telemetry.log, "claim runs", () =>
    inTransaction(pool, async (tx) => {
      const claimed = await claimRuns(tx, worker.id, limit, after);
      const wanted = claimed.jobs.filter(
        (job) => job.started_subscribed || callbacksWant(job.callbacks, "job.started"),
      );
      const publications = wanted.map((job) =>
        jobPublication("job.started", job, job.run_started_at, config.publicUrl, null),
      );
      await publish(tx, publications);
      return claimed;
    }),
  );
  // runs are in hand before the claim counts as settled, for the audit
  for (const job of claims.jobs) runs.set(job.id, { run: job.run, job, stop: () => undefined });
  return claims;
}
