import { breakLease, breakLeases, findLeasesOf } from "../../src/db/deliveries/leases.ts";
import {
  lockLease,
  releaseLeases,
  takeLeases,
  tryLockLeases,
} from "../../src/db/deliveries/leases.ts";
import {
  expireDeliveries,
  findLanesOverAge,
  lockFreeLane,
} from "../../src/db/deliveries/expiry.ts";
import { findStarvedLanes, shareLanes } from "../../src/db/deliveries/lanes.ts";
import { insertMessages } from "../../src/db/deliveries/messages.ts";
import { readDue, readOutlooks } from "../../src/db/deliveries/due.ts";
import { settleDeliveries } from "../../src/db/deliveries/settlements.ts";
import { endRuns } from "../../src/db/jobs/ends.ts";
import { claimRuns, findRunsOf, lockRunsOf } from "../../src/db/jobs/runs.ts";
import { returnRun, returnRuns } from "../../src/db/jobs/runs.ts";
import { insertJobs } from "../../src/db/jobs/jobs.ts";
import { deleteWorker, lockDeadWorker } from "../../src/db/maintenance/workers.ts";
import { nudgeProcesses } from "../../src/db/nudges.ts";
import { findWakeUpsOf, wake, wakeAfterRelease, wakeForJobs } from "../../src/db/queue/wake.ts";
import { leaseLane } from "../../src/flow/deliveries/lane/lease.ts";
import { leaveLane } from "../../src/flow/deliveries/lane/leave.ts";
import { pumpLane } from "../../src/flow/deliveries/lane/pump.ts";
import { wakeLanes } from "../../src/flow/deliveries/publish.ts";
import { sendDelivery } from "../../src/flow/deliveries/send.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import { claimPending, createJobRunner } from "../../src/flow/jobs/claim.ts";
import { handBack } from "../../src/flow/jobs/finish.ts";
import { submitJob } from "../../src/flow/jobs/submit.ts";
import { auditOwn, createReconciler } from "../../src/flow/maintenance/reconcile.ts";
import { startLiveness } from "../../src/flow/maintenance/liveness.ts";
import { recoverWorker, unregister } from "../../src/flow/maintenance/recover-worker.ts";

/**
 * The functions that the models stand for. A step, a guard and a line of docs/protocol.md may name
 * no other, so a function that is renamed or gone breaks the model.
 */
export const STEPS = {
  auditOwn,
  breakLease,
  breakLeases,
  cancelJob,
  claimPending,
  claimRuns,
  createJobRunner,
  createReconciler,
  deleteWorker,
  endRuns,
  expireDeliveries,
  findLanesOverAge,
  findLeasesOf,
  findRunsOf,
  findStarvedLanes,
  findWakeUpsOf,
  handBack,
  insertJobs,
  insertMessages,
  leaseLane,
  leaveLane,
  lockDeadWorker,
  lockFreeLane,
  lockLease,
  lockRunsOf,
  nudgeProcesses,
  pumpLane,
  readDue,
  readOutlooks,
  recoverWorker,
  releaseLeases,
  returnRun,
  returnRuns,
  sendDelivery,
  settleDeliveries,
  shareLanes,
  startLiveness,
  submitJob,
  takeLeases,
  tryLockLeases,
  unregister,
  wake,
  wakeAfterRelease,
  wakeForJobs,
  wakeLanes,
} satisfies Record<string, (...given: never[]) => unknown>;

/** Statements of graphile-worker, in its own words. */
const OF_THE_QUEUE = ["getJobs", "completeJobs", "failJobs"];

const checked = new Set<string>();

/** @throws Error a step that names a function which is none of the product's */
export function checkStepName(name: string): void {
  if (checked.has(name)) return;
  checked.add(name);
  for (const word of functionNames(name)) {
    if (!(word in STEPS))
      throw new Error(`${JSON.stringify(name)} names ${word}, which is no step`);
  }
}

/** The words of a text that look like the name of a function. */
export function functionNames(text: string): string[] {
  const words = text.match(/\b[a-z]+(?:[A-Z][a-z]*)+\b/g) ?? [];
  return words.filter((word) => !OF_THE_QUEUE.includes(word));
}
