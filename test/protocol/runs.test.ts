import { afterAll, describe, expect, test } from "@jest/globals";
import { expectNoViolation, findViolation, printCounts } from "./report.ts";
import { runModel } from "./run-model.ts";
import type { RunRules, RunWorld } from "./run-state.ts";

afterAll(printCounts);

const LOST = /^lost: job/;
const UNTOLD = /^untold: a thread is free/;

describe("jobs: one ending each, one live claim, none forgotten, no deadlock", () => {
  const worlds: Record<string, Partial<RunWorld>> = {
    "a second job, a cancellation": { submissions: 1, cancels: 1 },
    "a job, submitted as a process leaves": { jobs: 0, submissions: 1, stops: 1 },
    "a job, submitted past one that does not listen": {
      tasks: [0, 1],
      jobs: 0,
      submissions: 1,
      zombies: 1,
    },
    "a second job, a nudge that is lost": { submissions: 1, lostNudges: 1 },
    "job wake-ups that meet a claim in their own process": { tasks: [2, 1], submissions: 1 },
    "two jobs with one wake-up, pauses between nudges": { jobs: 2, pauses: true },
    "a worker dies, a run fails": { crashes: 1, failedRuns: 1 },
    "two workers die in its runs": { crashes: 2 },
    "a zombie: declared dead while alive, it goes on and registers anew": {
      tasks: [1, 0],
      zombies: 1,
    },
    "a process that stops": { stops: 1 },
  };
  test.each(Object.entries(worlds))("%s; without the audit", (name, world) => {
    expectNoViolation(`jobs, ${name}`, runModel(world));
  });

  test("with the audit nothing is forgotten when the answer of a claim or a hand-back is lost", () => {
    expectNoViolation("jobs, a lost answer", runModel({ lostAnswers: 1, audits: true }));
  });

  test("with the audit nothing is forgotten when a job wake-up vanishes", () => {
    expectNoViolation("jobs, a vanished job wake-up", runModel({ deletions: 1, audits: true }));
  });

  test("without the audit a job wake-up that vanishes is missed", () => {
    expect(findViolation(runModel({ deletions: 1 })).what).toMatch(LOST);
  });
});

describe("each guard is needed: without it the exploration finds the fault", () => {
  const faults: { rule: keyof RunRules; world: Partial<RunWorld>; what: RegExp }[] = [
    {
      rule: "claimHoldsTheWorker",
      world: { zombies: 1 },
      what: /a run was claimed by a worker that is declared dead/,
    },
    {
      rule: "claimRechecks",
      world: { submissions: 1 },
      what: /a claim took what was not pending/,
    },
    {
      rule: "fencedByRun",
      world: { zombies: 1 },
      what: /a write was accepted from a run that is over/,
    },
    // a look that meets a claim whose choice is older than the job
    { rule: "looksLater", world: { tasks: [2], jobs: 0, submissions: 1 }, what: LOST },
    { rule: "freedThreadLooks", world: { tasks: [1], jobs: 2 }, what: LOST },
    { rule: "fullClaimLooksAgain", world: { tasks: [1], jobs: 2 }, what: LOST },
    { rule: "tellsOthers", world: { jobs: 2 }, what: UNTOLD },
    {
      rule: "tellsAgain",
      world: { tasks: [1, 0], jobs: 2, failedRuns: 1, pauses: true },
      what: UNTOLD,
    },
    { rule: "submissionTells", world: { jobs: 0, submissions: 1 }, what: LOST },
    {
      rule: "listensAndLooks",
      world: { tasks: [0, 1], jobs: 1, submissions: 1, zombies: 1 },
      what: UNTOLD,
    },
    { rule: "handBackAddsWakeUp", world: { failedRuns: 1 }, what: LOST },
    { rule: "recoveryAddsWakeUp", world: { crashes: 1 }, what: LOST },
    { rule: "leavingAddsWakeUp", world: { stops: 1 }, what: LOST },
    { rule: "deadLeaverAddsWakeUp", world: { tasks: [1, 0], stops: 1, zombies: 1 }, what: LOST },
    {
      rule: "auditAwaitsClaims",
      world: { audits: true },
      what: /the audit gave back a run that is in hand/,
    },
  ];
  test.each(faults)("$rule", ({ rule, world, what }) => {
    expect(findViolation(runModel(world, { [rule]: false })).what).toMatch(what);
  });
});
