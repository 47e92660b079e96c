import type { Moves } from "./moves.ts";
import { blockers, commit, write } from "./postgres.ts";
import { inUse } from "./processes.ts";
import * as queue from "./queue-model.ts";
import { isSettled, look, lookOn } from "./run-runner.ts";
import { ended, jobOf, returned } from "./run-state.ts";
import type { Run, RunRules, RunState } from "./run-state.ts";

const RUN_RETRY = 2;

/** server/worker.ts: a job wake-up is a look. */
export function ticketMoves(
  moves: Moves<RunState>,
  state: RunState,
  index: number,
  place: number,
  rules: RunRules,
): void {
  const { db, workers } = state;
  const { pc, entry } = workers[index]!.tasks[place]!;
  const tx = `W${index + 1}/${entry}`;
  if (pc === "start") {
    moves.add(`${tx}: look`, (s) => {
      const answered = look(s.workers[index]!, false, rules);
      s.workers[index]!.tasks[place]!.pc = answered ? "answered" : "complete";
    });
  } else if (pc === "complete") {
    const complete = (s: RunState): void => {
      queue.complete(s.db, entry);
      s.workers[index]!.tasks.splice(place, 1);
    };
    if (isSettled(state)) moves.local(`${tx}: completeJobs`, complete);
    else moves.statement(tx, "completeJobs", blockers(db, tx, entry, "update"), complete);
  }
}

/** flow/jobs/run.ts, flow/jobs/finish.ts: a run from its claim to its end. */
export function runMoves(
  moves: Moves<RunState>,
  state: RunState,
  index: number,
  place: number,
  rules: RunRules,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const run = worker.runs[place]!;
  const { job: key } = run;
  const tx = `W${index + 1} ${key}`;
  const to = (pc: Run["pc"], change: Partial<Run> = {}) => {
    return (s: RunState): void =>
      void Object.assign(s.workers[index]!.runs[place]!, { pc, ...change });
  };
  const over = (s: RunState): void => void s.workers[index]!.runs.splice(place, 1);
  /** The thread is free before the end is written. */
  const computed = (pc: Run["pc"], change: Partial<Run> = {}) => {
    return (s: RunState): void => {
      to(pc, change)(s);
      if (rules.freedThreadLooks) lookOn(s.workers[index]!);
    };
  };

  switch (run.pc) {
    case "compute":
      if (run.stop || worker.stopping) moves.add(`${tx}: stopped`, computed("return"));
      // a run may last as long as it likes, so nothing may count on its end
      moves.world(`${tx}: computed`, computed("end"));
      if (left.failedRuns > 0) {
        moves.world(`${tx}: the run failed`, (s) => {
          s.left.failedRuns -= 1;
          computed("return", { delay: RUN_RETRY })(s);
        });
      }
      return;
    case "end":
      moves.statement(tx, "endRuns, commit", blockers(db, tx, key, "update"), (s) => {
        if (!holds(s, run, rules)) return over(s);
        write(s.db, tx, key, ended(jobOf(s.db, key)));
        commit(s.db, tx);
        over(s);
      });
      return;
    case "return":
      moves.statement(
        tx,
        "returnRun, wakeForJobs, commit",
        blockers(db, tx, key, "update"),
        (s) => {
          if (!holds(s, run, rules)) return over(s);
          write(s.db, tx, key, returned(jobOf(s.db, key), run.delay));
          if (rules.handBackAddsWakeUp) queue.wakeForJobs(s.db, tx, run.delay, inUse(s));
          commit(s.db, tx);
          if (left.lostAnswers > 0) to("returned")(s);
          else over(s);
        },
      );
      return;
    case "returned":
      moves.add(`${tx}: handed back`, over);
      if (left.lostAnswers > 0) {
        moves.world(`${tx}: the answer of handBack is lost, the write is repeated`, (s) => {
          s.left.lostAnswers -= 1;
          to("return")(s);
        });
      }
  }
}

function holds(s: RunState, { job, run }: Run, rules: RunRules): boolean {
  const now = jobOf(s.db, job);
  if (now.status !== "running" || (now.run !== run && rules.fencedByRun)) return false;
  if (now.run !== run) s.wrong = "a write was accepted from a run that is over";
  return true;
}
