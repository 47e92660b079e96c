import { afterAll, describe, expect, test } from "@jest/globals";
import { laneModel } from "./lane-model.ts";
import { laneOf, pending } from "./lane-state.ts";
import type { LaneRules, LaneState, LaneWorld } from "./lane-state.ts";
import { findStarvation } from "./liveness.ts";
import { printCounts } from "./report.ts";

afterAll(printCounts);

// Producers that never stop, and fetches as slow as you like: what was found may have been changed
// or locked by others before it is taken.
const FLOOD: Partial<LaneWorld> = {
  tasks: [1],
  deliveries: [],
  wakeUpAt: null,
  producers: 2,
  endless: true,
  slowFetches: true,
};

function isDueAndFree({ db }: LaneState): boolean {
  return laneOf(db).leasedBy === null && pending(db).some(([, { next }]) => next <= 0);
}

function isLeaving({ workers }: LaneState): boolean {
  return workers.some(({ tasks }) => tasks.some(({ pc }) => pc === "lockLease" || pc === "pass"));
}

function starvation(
  isWaiting: (state: LaneState) => boolean,
  broken: Partial<LaneRules> = {},
): string[] | null {
  const { states, forever } = findStarvation(laneModel(FLOOD, broken), isWaiting);
  expect(states).toBeGreaterThan(500);
  return forever;
}

describe("in every fair run, with fetches as slow as you like and producers that never stop", () => {
  test("a lane that is due is leased after a bounded number of fetches", () => {
    expect(starvation(isDueAndFree)).toBeNull();
  });

  test("a holder that wants to leave is not kept from it", () => {
    expect(starvation(isLeaving)).toBeNull();
  });
});

describe("each guard is needed: without it somebody waits for ever", () => {
  test("leavesWaitingAlone: each producer puts the wake-up out of reach of the fetch", () => {
    const forever = starvation(isDueAndFree, { leavesWaitingAlone: false });
    expect(forever).toContainEqual(expect.stringMatching(/getJobs misses/));
    expect(forever).toContainEqual(expect.stringMatching(/wake: upsert/));
  });

  test("leavesWithoutWaiting: there is always a producer that holds the lane", () => {
    const forever = starvation(isLeaving, { leavesWithoutWaiting: false });
    expect(forever).toContainEqual(expect.stringMatching(/^P1: commit/));
    expect(forever).toContainEqual(expect.stringMatching(/^P2: commit/));
  });
});
