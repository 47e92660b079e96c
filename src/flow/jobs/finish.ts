import type { Context, RunEndGroup } from "../context.ts";
import { failpoint } from "../../core/failpoint.ts";
import type { JobEventType } from "../../core/model.ts";
import { endRuns } from "../../db/jobs/ends.ts";
import type { EndedJob, RunEnd } from "../../db/jobs/ends.ts";
import { returnRun } from "../../db/jobs/runs.ts";
import { wakeForJobs } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { createGroupCommit, firstWithin } from "../group-commit.ts";
import { retryWhileUnavailable } from "../../db/retry.ts";
import { jobPublication } from "./publication.ts";
import { handOver } from "../deliveries/hand-over.ts";
import { findReceivers, publish } from "../deliveries/publish.ts";
import type { Audience, OwnLanes } from "../deliveries/publish.ts";

type RunEndContext = Pick<Context, "pool" | "config" | "worker" | "pumps" | "runs">;

const GROUP = 200;
/** The most characters of results in one transaction. */
const GROUP_BYTES = 8_388_608;

/**
 * The finish transaction, for all runs that have ended: final state, result, message, deliveries
 * and wake-ups.
 */
export function createRunEndGroup(context: RunEndContext): RunEndGroup {
  return createGroupCommit(async (waiting, lockWaitMs) => {
    const endings = firstWithin(waiting, GROUP_BYTES, ({ result }) => result?.length ?? 0);
    const audiences = audiencesOf(context, endings);
    return await handOver(context, lockWaitMs, (tx, own) =>
      endJobs(tx, endings, context.config.publicUrl, { own, audiences }),
    );
  }, GROUP);
}

/** The audiences of the ends, when all these runs are in hand; else null: not known yet. */
function audiencesOf({ runs }: RunEndContext, endings: readonly RunEnd[]): Audience[] | null {
  const audiences = endings.flatMap(({ id, status }) => {
    const job = runs.get(id)?.job;
    if (job === undefined) return [];
    return { accountId: job.account_id, callbacks: job.callbacks, type: `job.${status}` };
  });
  return audiences.length === endings.length ? audiences : null;
}

/**
 * Ends jobs in the caller's transaction. Answers in the order of the run ends.
 * @param known audiences: receivers to be read in the round trip that writes the ends
 */
export async function endJobs(
  tx: Tx,
  endings: readonly RunEnd[],
  publicUrl: string,
  known: { own?: OwnLanes; audiences?: readonly Audience[] | null } = {},
): Promise<(EndedJob | null)[]> {
  const [jobs, receivers] = await Promise.all([
    endRuns(tx, endings),
    known.audiences ? findReceivers(tx, known.audiences) : undefined,
  ]);
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const ended = endings.map(({ id }) => byId.get(id) ?? null);
  const publications = ended.flatMap((job, index) =>
    job === null ? [] : [endPublication(job, endings[index]!.result, publicUrl)],
  );
  await publish(tx, publications, known.own, receivers);
  failpoint("finish:before-commit");
  return ended;
}

/** The message of a job's end. */
export function endPublication(
  job: EndedJob,
  result: string | null,
  publicUrl: string,
): ReturnType<typeof jobPublication> {
  const event = `job.${job.status}` as JobEventType;
  return jobPublication(event, job, job.finished_at, publicUrl, result);
}

/** Brings a job to its one end. A lost claim changes nothing. */
export async function finishJob(
  context: Pick<Context, "endings" | "telemetry">,
  ending: RunEnd,
): Promise<void> {
  const ended = await retryWhileUnavailable(context.telemetry.log, "finish job", () =>
    context.endings.add(ending),
  );
  failpoint("finish:committed");
  if (ended === null) context.telemetry.claimLost("run", ending.id);
  else context.telemetry.jobEnded(ended);
}

/** The end of a run that is canceled. */
export const CANCELED = {
  status: "canceled",
  result: null,
  errorCode: "canceled",
  errorMessage: "while it ran",
} as const;

/**
 * Hands back a run: `running → pending`, to be run again by any worker after a pause; or ends the
 * job when it is to be canceled. False: the job did not become pending.
 */
export async function handBack(
  context: Pick<Context, "pool" | "endings" | "telemetry">,
  run: { id: string; run: number; delayMs: number; failed: boolean },
): Promise<boolean> {
  const returned = await retryWhileUnavailable(context.telemetry.log, "hand back run", () =>
    inTransaction(context.pool, async (tx) => {
      if (!(await returnRun(tx, run))) return false;
      await wakeForJobs(tx, run.delayMs);
      return true;
    }),
  );
  failpoint("hand-back:committed");
  if (!returned) await finishJob(context, { id: run.id, run: run.run, ...CANCELED });
  return returned;
}
