import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { judgeCanary } from "../../core/canary.ts";
import type { Verdict } from "../../core/canary.ts";
import { failpoint } from "../../core/failpoint.ts";
import { formatId } from "../../core/ids.ts";
import { paceStep } from "../../core/pace.ts";
import type { Replay, ReplayAction } from "../../core/model.ts";
import { discardDeadLetters } from "../../db/deliveries/dead-letters.ts";
import { cancelDeliveries } from "../../db/deliveries/deliveries.ts";
import { lockLanes, shareLanes } from "../../db/deliveries/lanes.ts";
import { insertReplayItems, readCanaryOutcomes } from "../../db/deliveries/replay-items.ts";
import { findReplayMatches } from "../../db/deliveries/replay-matches.ts";
import { advanceReplay, lockReplay, queueForReplay } from "../../db/deliveries/replays.ts";
import type { LockedReplay, ReplayStep } from "../../db/deliveries/replays.ts";
import { wake } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import type { MadeRetry } from "../../db/jobs/retries.ts";
import { retryJobs } from "../jobs/retry.ts";
import { copyTo } from "./copy.ts";
import { sendSomeMissed } from "./missed.ts";
import { wakeSharedLanes } from "./publish.ts";
import { reopen } from "./replay.ts";
import { recordProgress } from "./replays.ts";

const STEP = 500;
/** Time between looks at the outcomes of a canary. */
const CANARY_LOOK_MS = 1_000;
/** A replay that waits longer is left to a wake-up, which any process may take. */
const LONGEST_SLEEP_MS = 1_000;

/** Does the rest of a replay, one transaction per step. */
export async function runReplay(
  context: Pick<Context, "pool" | "telemetry" | "stopping" | "now">,
  replayId: string,
): Promise<void> {
  const { stopping } = context;
  let waitMs = 0;
  while (!stopping.aborted && waitMs <= LONGEST_SLEEP_MS) {
    await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) break;
    const step = await replayStep(context, replayId);
    failpoint("replay:step-committed");
    for (const job of step.jobs) context.telemetry.jobAccepted(job);
    if (step.replayed > step.jobs.length)
      context.telemetry[DONE[step.action]](step.replayed, replayId);
    if (step.finished) return;
    waitMs = step.waitMs;
  }
  // the next start of the queue goes on from the position reached
  await inTransaction(context.pool, (tx) =>
    wake(tx, [{ task: "run-replay", id: replayId, delayMs: waitMs }]),
  );
}

interface Done extends Acted {
  action: ReplayAction;
  finished: boolean;
  waitMs: number;
}

async function replayStep(
  { pool, now }: Pick<Context, "pool" | "now">,
  replayId: string,
): Promise<Done> {
  return await inTransaction(pool, async (tx) => {
    await queueForReplay(tx, replayId);
    const replay = await lockReplay(tx, replayId);
    if (replay?.status !== "running") return ENDED;
    const { action, wait_ms } = replay;
    if (wait_ms > 0) return { action, ...NOTHING, finished: false, waitMs: wait_ms };
    const step = await carryOut(tx, { ...replay, now: now() });
    await recordProgress(tx, await advanceReplay(tx, replayId, step));
    failpoint("replay:before-commit");
    const finished = step.finished || step.stoppedReason !== undefined;
    return { action, replayed: step.replayed, jobs: step.jobs, finished, waitMs: step.nextMs };
  });
}

const ENDED: Done = { action: "replay", replayed: 0, jobs: [], finished: true, waitMs: 0 };

async function carryOut(tx: Tx, replay: LockedReplay & Timed): Promise<ReplayStep & Acted> {
  const { action, pace, position } = replay;
  if (action === "send_missed") return await sendMore(tx, replay);
  const canaryLeft = leftOfCanary(replay);
  if (canaryLeft === 0) return { position, ...NOTHING, ...(await afterCanary(tx, replay, false)) };
  const paced = pace === null ? null : paceStep(pace, replay.ramp_ms, STEP);
  const limit = Math.min(paced?.limit ?? STEP, canaryLeft, MOST[replay.target]);
  const found = await findReplayMatches(tx, replay, limit);
  const acted = found.matches.length === 0 ? NOTHING : await ACT[action](tx, found.matches, replay);
  if (acted.gone !== undefined) {
    return { position, ...NOTHING, nextMs: 0, finished: false, stoppedReason: acted.gone };
  }
  const { replayed, jobs } = acted;
  const nextMs = replayed * (paced?.msEach ?? 0);
  const step = { position: found.position, replayed, jobs, nextMs, finished: found.finished };
  // fewer than the canary was to be: their outcomes are awaited all the same
  if (!found.finished || canaryLeft === Infinity) return step;
  return { ...step, ...(await afterCanary(tx, replay, true)) };
}

async function sendMore(tx: Tx, replay: LockedReplay): Promise<ReplayStep & Acted> {
  const { position, replayed, finished, stopped } = await sendSomeMissed(tx, replay);
  const step = { position, replayed, jobs: [], nextMs: 0, finished };
  return stopped ? { ...step, stoppedReason: "the endpoint was disabled or deleted" } : step;
}

const MOST = { deliveries: STEP, jobs: 100 };

function leftOfCanary({ canary, canary_passed_at, replayed }: Replay): number {
  if (canary === null || canary_passed_at !== null) return Infinity;
  return Math.max(0, canary.count - replayed);
}

async function afterCanary(
  tx: Tx,
  replay: Replay,
  nothingLeft: boolean,
): Promise<Pick<ReplayStep, "nextMs" | "finished" | "canaryPassed" | "stoppedReason">> {
  const verdict: Verdict = judgeCanary(replay.canary!, await readCanaryOutcomes(tx, replay));
  switch (verdict.kind) {
    case "failed":
      return { nextMs: 0, finished: false, stoppedReason: verdict.reason };
    case "waiting":
      return { nextMs: CANARY_LOOK_MS, finished: false };
    case "passed":
      return { nextMs: 0, finished: nothingLeft, canaryPassed: true };
  }
}

/** How many were changed, and the jobs that were made. */
interface Acted {
  replayed: number;
  jobs: MadeRetry[];
  /** Why nothing can be done any more. */
  gone?: string;
}

/** The time, by the clock that all processes follow. */
interface Timed {
  now: Date;
}

const NOTHING: Acted = { replayed: 0, jobs: [] };

interface Match {
  id: string;
  lane_id: string;
}

const ACT: Record<
  Exclude<ReplayAction, "send_missed">,
  (tx: Tx, matches: readonly Match[], replay: Replay & Timed) => Promise<Acted>
> = { replay: doAgain, discard: takeOut, cancel: cancelSending };
const DONE = {
  replay: "replayed",
  discard: "discarded",
  cancel: "canceled",
  send_missed: "replayed",
} as const;

async function doAgain(tx: Tx, matches: readonly Match[], replay: Replay & Timed): Promise<Acted> {
  if (replay.target === "jobs") return await runAgain(tx, matches, replay);
  return await (replay.destination === null ? sendAgain : sendElsewhere)(tx, matches, replay);
}

async function sendElsewhere(
  tx: Tx,
  matches: readonly Match[],
  { id, account_id: accountId, destination, now }: Replay & Timed,
): Promise<Acted> {
  const order = { accountId, destination: destination!, now };
  const ids = matches.map((match) => match.id);
  const copies = await copyTo(tx, order, ids);
  if (copies === null) return { ...NOTHING, gone: "the destination was deleted" };
  await insertReplayItems(
    tx,
    id,
    copies.map((copy) => ({ id: copy.id, source_id: copy.sourceId, attempts: 0 })),
  );
  return { replayed: copies.length, jobs: [] };
}

async function runAgain(tx: Tx, matches: readonly Match[], replay: Replay): Promise<Acted> {
  const made = await retryJobs(
    tx,
    matches.map(({ id }) => id),
    formatId("replay", replay.id),
  );
  await insertReplayItems(
    tx,
    replay.id,
    made.map(({ id, retry_of }) => ({ id, source_id: retry_of, attempts: 0 })),
  );
  return { replayed: made.length, jobs: made };
}

async function sendAgain(tx: Tx, matches: readonly Match[], replay: Replay): Promise<Acted> {
  const laneIds = [...new Set(matches.map(({ lane_id }) => lane_id))];
  const lanes = await shareLanes(tx, laneIds);
  const ids = matches.map(({ id }) => id);
  const reopened = await reopen(tx, ids);
  await insertReplayItems(
    tx,
    replay.id,
    reopened.map(({ id, attempt_count }) => ({ id, source_id: null, attempts: attempt_count })),
  );
  await wakeSharedLanes(tx, lanes);
  return { replayed: reopened.length, jobs: [] };
}

async function takeOut(tx: Tx, matches: readonly Match[], replay: Replay): Promise<Acted> {
  const replayed = await discardDeadLetters(
    tx,
    matches.map(({ id }) => id),
    { keyId: replay.key_id!, note: replay.note! },
  );
  return { replayed, jobs: [] };
}

async function cancelSending(tx: Tx, matches: readonly Match[]): Promise<Acted> {
  // nothing of these lanes is settled meanwhile
  await lockLanes(
    tx,
    matches.map(({ lane_id }) => lane_id),
  );
  const replayed = await cancelDeliveries(
    tx,
    matches.map(({ id }) => id),
  );
  return { replayed, jobs: [] };
}
