import type { Moves } from "./moves.ts";
import { blockers, commit, lock, rollBack, write } from "./postgres.ts";
import { inUse } from "./processes.ts";
import * as queue from "./queue-model.ts";
import { ended, JOB, jobOf, returned } from "./run-state.ts";
import type { RunPc, RunRules, RunState, RunTask, RunWorld } from "./run-state.ts";

const RUN_RETRY = 3;
const OVER = { noted: false, run: null, delay: 0 };
type Act = (s: RunState) => void;

/** queue/worker.ts (runInSlot), flow/run-job.ts, flow/run-group.ts, flow/finish-job.ts */
export function runMoves(
  moves: Moves<RunState>,
  state: RunState,
  index: number,
  place: number,
  rules: RunRules,
  world: RunWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const task = worker.tasks[place]!;
  const pool = `W${index + 1}`;
  const tx = `${pool}/${task.entry}`;
  const to = (pc: RunPc, change: Partial<RunTask> = {}) => {
    return (s: RunState): void =>
      void Object.assign(s.workers[index]!.tasks[place]!, { pc, ...change });
  };
  // what is noted is seen by the other tasks and by the audit
  const alone = world.tasks[index] === 1 && !world.audits && left.stops === 0 && !worker.stopping;
  const within = (name: string, apply: Act, choices = 0): void => {
    if (alone && choices === 0) moves.local(`${tx}: ${name}`, apply);
    else moves.add(`${tx}: ${name}`, apply);
  };
  const rare = (
    kind: "noThreads" | "failedRuns" | "lostAnswers",
    name: string,
    next: Act,
  ): void => {
    if (left[kind] === 0) return;
    moves.world(`${tx}: ${name}`, (s) => {
      s.left[kind] -= 1;
      next(s);
    });
  };

  switch (task.pc) {
    case "start": {
      const inHand = worker.tasks.some((t) => t.noted);
      const kept = worker.stopping ? rules.stoppingPutsBack : rules.inHandPutsBack;
      if (worker.stopping || inHand) {
        const what = worker.stopping ? "stopping" : "in hand";
        moves.add(`${tx}: ${what}`, to(kept ? "putBack" : "complete"));
      } else {
        within("runJob", to("claim", { noted: true }), left.noThreads);
        rare("noThreads", "no slot, requeueRun", to("overtake"));
      }
      return;
    }
    case "claim": {
      const row = `worker:${worker.registration}`;
      const held = rules.claimHoldsTheWorker ? blockers(db, tx, row, "key share") : [];
      moves.statement(tx, "claimRuns: me", held, (s) => {
        if (s.db.rows[row] === undefined) return to("refused")(s);
        // the statement's snapshot is of now, and the row must be pending in it as well
        if (jobOf(s.db).status !== "pending") return to("refused")(s);
        if (rules.claimHoldsTheWorker) lock(s.db, tx, row, "key share");
        to("lockJob")(s);
      });
      return;
    }
    case "lockJob":
      moves.statement(tx, "claimRuns: update", blockers(db, tx, JOB, "update"), (s) => {
        const job = jobOf(s.db);
        if (job.status !== "pending" || job.next > 0) {
          rollBack(s.db, tx);
          return to("refused")(s);
        }
        const run = job.run + 1;
        write(s.db, tx, JOB, { ...job, status: "running", run, worker: worker.registration });
        to("commitClaim", { run })(s);
      });
      return;
    case "commitClaim":
      moves.add(`${tx}: claimRuns, commit`, (s) => {
        commit(s.db, tx);
        to("claimed")(s);
      });
      return;
    case "claimed":
      within("claimed", to("compute"), left.lostAnswers);
      rare(
        "lostAnswers",
        "the answer of the claim is lost",
        to("fail", { noted: false, run: null }),
      );
      return;
    case "refused":
      within("refused", to(rules.refusedPutsBack ? "putBack" : "complete", { noted: false }));
      return;
    case "putBack":
      moves.add(`${tx}: pendingDueMs`, (s) => {
        const { status, next } = jobOf(s.db);
        if (status === "pending") to("overtake", { delay: Math.max(1, next) })(s);
        else to("complete")(s);
      });
      return;
    case "compute":
      within("computed", to("end"), left.failedRuns + left.noThreads);
      rare("failedRuns", "the run failed", to("return", { delay: RUN_RETRY }));
      rare("noThreads", "no thread", to("return"));
      if (worker.stopping) moves.add(`${tx}: handed back`, to("return"));
      return;
    case "end":
      moves.statement(tx, "endRuns", blockers(db, tx, JOB, "update"), (s) => {
        if (!holds(s, task, rules)) return to("complete", OVER)(s);
        write(s.db, tx, JOB, ended(jobOf(s.db)));
        to("commitEnd")(s);
      });
      return;
    case "commitEnd":
      moves.add(`${tx}: endRuns, commit`, (s) => {
        commit(s.db, tx);
        to("complete", OVER)(s);
      });
      return;
    case "return":
      moves.statement(tx, "returnRun", blockers(db, tx, JOB, "update"), (s) => {
        if (!holds(s, task, rules)) return to("complete", OVER)(s);
        write(s.db, tx, JOB, returned(jobOf(s.db), task.delay));
        to("overtake")(s);
      });
      return;
    case "overtake":
      moves.statement(tx, "addWakeUps: overtake", queue.overtake.waitsFor(db, tx), (s) => {
        queue.overtake.apply(s.db, tx);
        to("upsert")(s);
      });
      return;
    case "upsert":
      moves.statement(tx, "addWakeUps: upsert", queue.upsert.waitsFor(db, tx), (s) => {
        const added = queue.upsert.apply(s.db, tx, task.delay, inUse(s));
        to(added || !rules.addsAgainWhenTaken ? "commitReturn" : "overtake")(s);
      });
      return;
    case "commitReturn":
      moves.add(`${tx}: commit`, (s) => {
        commit(s.db, tx);
        to(task.run === null ? "complete" : "returned")(s);
      });
      return;
    case "returned":
      within("handed back", to("complete", OVER), left.lostAnswers);
      rare("lostAnswers", "the answer of handBack is lost, persist tries again", to("return"));
      return;
    case "complete":
    case "fail":
      moves.statement(tx, `${task.pc}Jobs`, blockers(db, tx, task.entry, "update"), (s) => {
        if (task.pc === "complete") queue.complete(s.db, task.entry);
        else queue.fail(s.db, task.entry, pool);
        s.workers[index]!.tasks.splice(place, 1);
      });
  }
}

function holds(s: RunState, task: RunTask, rules: RunRules): boolean {
  const { status, run } = jobOf(s.db);
  if (status !== "running" || (run !== task.run && rules.fencedByRun)) return false;
  if (run !== task.run) s.wrong = "a write was accepted from a run that is over";
  return true;
}
