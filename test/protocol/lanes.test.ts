import { afterAll, describe, expect, test } from "@jest/globals";
import { laneModel } from "./lane-model.ts";
import type { LaneRules, LaneWorld } from "./lane-state.ts";
import { expectNoViolation, findViolation, printCounts } from "./report.ts";

afterAll(printCounts);

const LOST = /^lost: nothing will wake the lane/;
const BUSY: Partial<LaneWorld> = { producers: 1, failedSends: 1 };

describe("a lane: one live holder, no delivery forgotten, no deadlock", () => {
  const worlds: Record<string, Partial<LaneWorld>> = {
    "two workers, a producer, a failed send": BUSY,
    "two workers, two producers on an idle lane": {
      producers: 2,
      deliveries: [],
      wakeUpAt: null,
    },
    "a producer, and a worker, the producer or the recovery dies": {
      producers: 1,
      crashes: 1,
    },
    "two die, and a send fails": { crashes: 2, failedSends: 1 },
    "a zombie: declared dead while alive, it goes on and registers anew": {
      zombies: 1,
      failedSends: 1,
    },
    "wake-ups that meet the pump in their own process": { tasks: [2], producers: 1 },
    "the same in a zombie": { tasks: [2], zombies: 1 },
    "a lost answer and the audit": { tasks: [1], producers: 1, lostAnswers: 1, audits: true },
    "a lost answer, the audit and a nudge": { tasks: [2], lostAnswers: 1, audits: true },
    "processes that stop": { stops: 2 },
    "what is past its age is given up, beside a producer and a pump": {
      producers: 1,
      expiries: 1,
    },
    "the same beside a zombie": { zombies: 1, expiries: 1 },
  };
  test.each(Object.entries(worlds))("%s; without the reconciler", (name, world) => {
    expectNoViolation(`lane, ${name}`, laneModel(world));
  });

  test("with the reconciler nothing is forgotten when a queue entry vanishes and a worker dies", () => {
    const world = { tasks: [1], producers: 1, deletions: 1, crashes: 1, reconciler: true };
    expectNoViolation("lane, a vanished entry", laneModel(world));
  });

  test("without the reconciler an entry that vanishes is missed", () => {
    expect(findViolation(laneModel({ tasks: [1], deletions: 1 })).what).toMatch(LOST);
  });
});

describe("each guard is needed: without it the exploration finds the fault", () => {
  interface Fault {
    rule: keyof LaneRules;
    world: Partial<LaneWorld>;
    what: RegExp;
    /** Steps that the shortest way to the fault goes through, in this order. */
    trace: RegExp[];
  }
  const faults: Fault[] = [
    {
      rule: "producersHoldTheLane",
      world: BUSY,
      what: LOST,
      trace: [/readOutlooks/, /P1: shareLanes.*, leased/, /releaseLeases/, /P1: commit/],
    },
    {
      rule: "asksTheHeldRow",
      world: BUSY,
      what: LOST,
      trace: [/P1 begins/, /releaseLeases/, /P1: shareLanes.*, leased/, /P1: commit/],
    },
    {
      rule: "looksAfterTheLock",
      world: BUSY,
      what: LOST,
      trace: [/readOutlooks/, /P1: commit/, /tryLockLeases/, /releaseLeases/],
    },
    {
      rule: "passesOnWhenBusy",
      world: BUSY,
      what: LOST,
      trace: [/P1: shareLanes.*, leased/, /tryLockLeases, busy/, /releaseLeases/, /P1: commit/],
    },
    {
      rule: "releasersAddTheirOwn",
      world: BUSY,
      what: LOST,
      trace: [/wake \(leave\): one waits/, /W2: getJobs/, /W2: refused/, /releaseLeases/],
    },
    {
      rule: "asksForWaitingWhenHeld",
      world: { producers: 1 },
      what: LOST,
      trace: [/P1 begins/, /getJobs/, /releaseLeases/, /P1: shareLanes/, /P1: commit/],
    },
    {
      rule: "plansBeforeTheRelease",
      world: { ...BUSY, deliveries: [3] },
      what: LOST,
      trace: [/W1: releaseLeases/, /W1\S*: wake \(leave\)/],
    },
    {
      rule: "settlesUnderItsEpoch",
      world: { zombies: 1 },
      what: /a settlement was accepted from a lease that is over/,
      trace: [/loses its signs of life/, /recovery: breakLeases/, /settleDeliveries/],
    },
    {
      rule: "leaseHoldsTheWorker",
      world: { zombies: 1 },
      what: /a lease was given to a worker that is declared dead/,
      trace: [/breakLeases, none/, /takeLeases/, /deleteWorker, commit/],
    },
    {
      rule: "notesItsIntention",
      world: { lostAnswers: 1, audits: true },
      what: /the audit broke a lease that is in hand/,
      trace: [/takeLeases/, /findLeasesOf/, /not noted/, /breakLease/],
    },
    {
      rule: "nudgesOnlyBeforeTheLook",
      world: { tasks: [2], producers: 1 },
      what: LOST,
      trace: [/getJobs/, /nudge/],
    },
    {
      rule: "wakesWhenLost",
      world: { tasks: [2, 1], zombies: 1, producers: 1 },
      what: LOST,
      trace: [/recovery: breakLeases/, /nudge/, /the lease is lost/],
    },
    {
      rule: "refusedPutsBack",
      world: { zombies: 1 },
      what: LOST,
      trace: [/deleteWorker, commit/, /takeLeases/, /refused/, /completeJobs/],
    },
    {
      rule: "recoveryQueuesAnew",
      world: { zombies: 1 },
      what: LOST,
      trace: [/force_unlock_workers entry/, /deleteWorker, commit/, /completeJobs/],
    },
    {
      rule: "recoveryLocksOursFirst",
      world: { producers: 1, crashes: 1 },
      what: /^deadlock: .*recovery waits for P1/,
      trace: [/shareLanes/, /recovery: force_unlock_workers entry/],
    },
    {
      rule: "addsAgainWhenTaken",
      world: BUSY,
      what: LOST,
      trace: [/wake \(leave\): overtake/, /W2: getJobs/, /wake \(leave\): upsert/],
    },
    {
      rule: "stoppingPutsBack",
      world: { stops: 1 },
      what: LOST,
      trace: [/SIGTERM/, /stopping/, /completeJobs/],
    },
    {
      rule: "expiresInFreeLanes",
      world: { expiries: 1 },
      what: /a delivery in flight was given up/,
      trace: [/takeLeases/, /readDue/, /lockFreeLane/, /expireDeliveries/],
    },
    {
      rule: "expiryHoldsTheLane",
      world: { expiries: 1 },
      what: /a delivery in flight was given up/,
      trace: [/lockFreeLane/, /takeLeases/, /readDue/, /expireDeliveries/],
    },
  ];
  test.each(faults)("$rule", ({ rule, world, what, trace }) => {
    const found = findViolation(laneModel(world, { [rule]: false }));
    expect(found.what).toMatch(what);
    let from = 0;
    for (const step of trace) {
      const at = found.trace.findIndex((name, index) => index >= from && step.test(name));
      expect([String(step), at >= 0, found.trace]).toEqual([String(step), true, found.trace]);
      from = at + 1;
    }
  });
});
