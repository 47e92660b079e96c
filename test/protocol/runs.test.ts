import { afterAll, describe, expect, test } from "@jest/globals";
import { expectNoViolation, findViolation, printCounts } from "./report.ts";
import { runModel } from "./run-model.ts";
import type { RunRules, RunWorld } from "./run-state.ts";

afterAll(printCounts);

const LOST = /^lost: nothing will wake the job/;

describe("a job: one ending, one live claim, not forgotten, no deadlock", () => {
  const worlds: Record<string, Partial<RunWorld>> = {
    "a failed run, no threads, a cancellation": { failedRuns: 1, noThreads: 2, cancels: 1 },
    "two workers die in its runs": { crashes: 2, failedRuns: 1 },
    "a zombie: buried alive, it goes on and registers anew": { zombies: 1, noThreads: 1 },
    "entries that meet the run in their own process, a zombie": {
      tasks: [2],
      zombies: 1,
      failedRuns: 1,
    },
    "a lost answer and the audit": { tasks: [2], noThreads: 1, lostAnswers: 1, audits: true },
    "a process that stops": { tasks: [2, 1], stops: 1, noThreads: 1 },
  };
  test.each(Object.entries(worlds))("%s; without the reconciler", (name, world) => {
    expectNoViolation(`job, ${name}`, runModel(world));
  });

  test("with the reconciler nothing is forgotten when an entry vanishes and a zombie dies", () => {
    const world = { tasks: [1], deletions: 1, crashes: 1, zombies: 1, reconciler: true };
    expectNoViolation("job, a vanished entry", runModel(world));
  });

  test("without the reconciler an entry that vanishes is missed", () => {
    expect(findViolation(runModel({ tasks: [1], deletions: 1 })).what).toMatch(LOST);
  });
});

describe("each guard is needed: without it the exploration finds the fault", () => {
  const faults: { rule: keyof RunRules; world: Partial<RunWorld>; what: RegExp }[] = [
    {
      rule: "claimHoldsTheWorker",
      world: { zombies: 1 },
      what: /a run was claimed by a worker that is buried/,
    },
    {
      rule: "fencedByRun",
      world: { zombies: 1 },
      what: /a write was accepted from a run that is over/,
    },
    { rule: "inHandPutsBack", world: { tasks: [2], noThreads: 1 }, what: LOST },
    { rule: "stoppingPutsBack", world: { stops: 1 }, what: LOST },
    { rule: "refusedPutsBack", world: { zombies: 1 }, what: LOST },
    { rule: "burialQueuesAnew", world: { zombies: 1 }, what: LOST },
    {
      rule: "burialLocksOursFirst",
      world: { zombies: 1, noThreads: 1 },
      what: /^deadlock: .*burial/,
    },
    { rule: "addsAgainWhenTaken", world: { zombies: 1, noThreads: 2 }, what: LOST },
  ];
  test.each(faults)("$rule", ({ rule, world, what }) => {
    expect(findViolation(runModel(world, { [rule]: false })).what).toMatch(what);
  });
});
