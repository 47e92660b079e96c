import type { Moves } from "./moves.ts";
import { blockers, commit, lock, rollBack, write } from "./postgres.ts";
import { duePending, jobOf } from "./run-state.ts";
import type { Claim, Process, RunRules, RunState, RunWorld } from "./run-state.ts";

/** No registration ends any more, so what waits for one doesn't, and nobody looks for its things. */
export function isSettled({ left, recovery, workers }: RunState): boolean {
  const rest = left.crashes + left.zombies + left.stops;
  const well = workers.every(({ up, deaf, stopping }) => up && !deaf && !stopping);
  return rest === 0 && recovery === null && well;
}

/** free() > 0 */
export function isFree({ stopping, claim, runs }: Process): boolean {
  return !stopping && claim === null && !runs.some(({ pc }) => pc === "compute");
}

/** isIdle(): nothing makes it look. */
export function isIdle(process: Process): boolean {
  return process.up && isFree(process) && !process.more;
}

/** look(); true: a claim answers it. */
export function look(process: Process, told: boolean, rules: RunRules): boolean {
  const free = isFree(process);
  if (free || rules.looksLater) process.more = true;
  if (!free && !told) nudgeOthers(process, rules);
  lookOn(process);
  return free;
}

export function lookOn(process: Process): void {
  if (!process.more || !isFree(process)) return;
  process.more = false;
  process.claim = { pc: "choose", chosen: null, run: null };
}

function nudgeOthers(process: Process, rules: RunRules): void {
  if (!rules.tellsOthers) return;
  if (process.telling === null) process.telling = "send";
  else if (process.telling === "pause" && rules.tellsAgain) process.telling = "again";
}

/** nudgeProcesses; with one lock or none on its way, sending and receiving are one step. */
export function nudgeMoves(
  moves: Moves<RunState>,
  state: RunState,
  index: number,
  rules: RunRules,
  { pauses }: Pick<RunWorld, "pauses">,
): void {
  const me = `W${index + 1}`;
  const { telling } = state.workers[index]!;
  if (telling === null) return;
  const told = (s: RunState): void => void (s.workers[index]!.telling = pauses ? "pause" : null);
  if (telling !== "send") {
    moves.add(`${me}: may tell again`, (s) => {
      s.workers[index]!.telling = telling === "again" ? "send" : null;
    });
    return;
  }
  moves.add(`${me}: nudgeProcesses`, (s) => {
    told(s);
    // one whose liveness session is lost does not listen
    const others = s.workers.filter((one, place) => place !== index && one.up && !one.deaf);
    for (const other of others) look(other, true, rules);
  });
  if (state.left.lostNudges > 0) {
    moves.world(`${me}: the nudge is lost`, (s) => {
      s.left.lostNudges -= 1;
      told(s);
    });
  }
}

/** claimPending: one statement, whose snapshot may be older than the locks it waits for. */
export function claimMoves(
  moves: Moves<RunState>,
  state: RunState,
  index: number,
  rules: RunRules,
  { audits }: Pick<RunWorld, "audits">,
): void {
  const { db } = state;
  const { claim, registration } = state.workers[index]!;
  if (claim === null) return;
  const me = `W${index + 1}`;
  const tx = `${me} claim`;
  const to = (s: RunState, change: Partial<Claim>): void =>
    void Object.assign(s.workers[index]!.claim!, change);
  const row = `worker:${registration}`;
  const registered = isSettled(state) && db.rows[row] !== undefined;
  // the audit looks between the commit and its answer, and a look meets a claim that found nothing
  const heard = !audits && state.left.lostAnswers === 0 && isSettled(state) && claim.run !== null;

  switch (claim.pc) {
    case "choose": {
      const due = duePending(db);
      if (due.length === 0) {
        moves.add(`${tx}: nothing is due`, (s) => to(s, { pc: "answer" }));
      }
      for (const chosen of due) {
        moves.add(`${tx}: chooses ${chosen}`, (s) => to(s, { pc: "me", chosen }));
      }
      return;
    }
    case "me": {
      if (registered) return moves.local(`${tx}: me`, (s) => to(s, { pc: "hold" }));
      const waits = rules.claimHoldsTheWorker ? blockers(db, tx, row, "key share") : [];
      moves.statement(tx, "me", waits, (s) => {
        if (s.db.rows[row] === undefined) return to(s, { pc: "answer" });
        if (rules.claimHoldsTheWorker) lock(s.db, tx, row, "key share");
        to(s, { pc: "hold" });
      });
      return;
    }
    case "hold": {
      const key = claim.chosen!;
      // skip locked
      const skips = rules.claimRechecks && blockers(db, tx, key, "update").length > 0;
      const waits = skips ? [] : blockers(db, tx, key, "update");
      moves.statement(tx, `held, update ${key}, commit`, waits, (s) => {
        const job = jobOf(s.db, key);
        const pending = job.status === "pending" && job.next <= 0;
        if (skips || (!pending && rules.claimRechecks)) {
          rollBack(s.db, tx);
          return to(s, { pc: "answer" });
        }
        if (!pending) s.wrong = "a claim took what was not pending";
        const run = job.run + 1;
        write(s.db, tx, key, { ...job, status: "running", run, worker: registration });
        commit(s.db, tx);
        to(s, { pc: "answer", run });
      });
      return;
    }
    case "answer":
      moves[heard ? "local" : "add"](`${tx}: the answer`, (s) => answer(s.workers[index]!, rules));
      if (claim.run !== null && state.left.lostAnswers > 0) {
        moves.world(`${tx}: the answer is lost, the write is repeated`, (s) => {
          s.left.lostAnswers -= 1;
          to(s, { pc: "choose", chosen: null, run: null });
        });
      }
  }
}

function answer(process: Process, rules: RunRules): void {
  const { chosen, run } = process.claim!;
  process.claim = null;
  for (const task of process.tasks) if (task.pc === "answered") task.pc = "complete";
  if (run !== null) {
    const stop = process.stopping;
    process.runs.push({ job: chosen!, run, pc: "compute", delay: 0, stop });
  }
  if (chosen !== null) {
    if (rules.fullClaimLooksAgain) process.more = true;
    if (!isFree(process)) nudgeOthers(process, rules);
  }
  lookOn(process);
}
