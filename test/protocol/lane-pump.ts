import { LANE, laneOf, pending } from "./lane-state.ts";
import type {
  Delivery,
  Lane,
  LaneRules,
  LaneState,
  LaneWorld,
  Pump,
  PumpPc,
} from "./lane-state.ts";
import type { Moves } from "./moves.ts";
import { blockers, commit, lock, write } from "./postgres.ts";
import { inUse } from "./processes.ts";
import * as queue from "./queue-model.ts";

const MAX_ATTEMPTS = 2;
/** Backoffs, in units: soon, and late. */
const BACKOFFS = [1, 3];
const SETTLED = { delivery: null, count: 0, delivered: false };

/** wakeAfterRelease does not ask whether one waits. */
export function firstOfRelease({ releasersAddTheirOwn }: LaneRules): "check" | "overtake" {
  return releasersAddTheirOwn ? "overtake" : "check";
}

/** flow/deliveries/lane/{pump,lease}.ts */
export function pumpMoves(
  moves: Moves<LaneState>,
  state: LaneState,
  index: number,
  place: number,
  rules: LaneRules,
  world: LaneWorld,
): void {
  const { db, left } = state;
  const worker = state.workers[index]!;
  const task = worker.tasks[place]!;
  const pool = `W${index + 1}`;
  const me = worker.tasks.length > 1 ? `${pool} (${task.entry})` : pool;
  const tx = `${pool}/${task.entry}`;
  const to = (pc: PumpPc, change: Partial<Pump> = {}) => {
    return (s: LaneState): void =>
      void Object.assign(s.workers[index]!.tasks[place]!, { pc, ...change });
  };
  const lane = laneOf(db);
  const answer = { noted: true };
  // what is noted is seen by the other tasks and by the audit
  const alone = world.tasks[index] === 1 && !world.audits && left.lostAnswers + left.stops === 0;
  const within = (name: string, apply: (s: LaneState) => void): void => {
    if (alone) moves.local(`${me}: ${name}`, apply);
    else moves.add(`${me}: ${name}`, apply);
  };

  switch (task.pc) {
    case "start": {
      const holder = worker.tasks.find((t) => t.noted);
      if (holder !== undefined) {
        const willLook = ["pump", "sending", "settle"].includes(holder.pc);
        if (willLook || !rules.nudgesOnlyBeforeTheLook) moves.add(`${me}: nudge`, to("complete"));
        else moves.await(tx, `${pool}/${holder.entry}`);
      } else if (worker.stopping) {
        moves.add(`${me}: stopping`, to(rules.stoppingPutsBack ? "putBack" : "complete"));
      } else {
        within("pumpLane", to("take", { noted: rules.notesItsIntention }));
      }
      return;
    }
    case "take": {
      // `me` is a condition without columns, so it is asked first
      const row = `worker:${worker.registration}`;
      const held = rules.leaseHoldsTheWorker ? blockers(db, tx, row, "key share") : [];
      // a free lane that another changes just now is waited for
      const isFree = laneOf(db).leasedBy === null;
      const changed = isFree ? blockers(db, tx, LANE, "no key update") : [];
      moves.statement(tx, "takeLeases", [...held, ...changed], (s) => {
        const now = laneOf(s.db);
        // the scan meets the version of its snapshot: leased there, it does not wait
        const gone = s.db.rows[row] === undefined;
        if (gone || now.leasedBy !== null) return to("refused", { ...answer, gone })(s);
        const epoch = now.epoch + 1;
        s.db.rows[LANE] = { leasedBy: worker.registration, epoch };
        to("leased", { epoch })(s);
      });
      return;
    }
    case "refused":
      if (task.gone && rules.refusedPutsBack) {
        within("refused, not registered", to("putBack", { gone: false, plan: 1 }));
      } else {
        within("refused", to("complete", { noted: false, gone: false }));
      }
      return;
    case "leased":
      within("leased", to("pump", answer));
      if (left.lostAnswers > 0) {
        moves.world(`${me}: the answer of takeLeases is lost`, (s) => {
          s.left.lostAnswers -= 1;
          to("fail", { noted: false, epoch: null })(s);
        });
      }
      return;
    case "pump": {
      const due = pending(db).find(([, d]) => d.next <= 0);
      if (due !== undefined && !worker.stopping) {
        const [delivery, { count }] = due;
        moves.add(`${me}: readDue finds ${delivery}`, to("sending", { delivery, count }));
      }
      const first = rules.looksAfterTheLock ? "lockLease" : "nextDue";
      // or nothing was due for a while: it may stay and be nudged, or miss the nudge and leave
      moves.add(`${me}: the slice is over`, to(first));
      return;
    }
    case "sending":
      if (left.failedSends === 0) {
        moves.local(`${me}: sendDelivery, 200`, to("settle", { delivered: true }));
      } else {
        moves.add(`${me}: sendDelivery, 200`, to("settle", { delivered: true }));
        moves.world(`${me}: sendDelivery, 503`, (s) => {
          s.left.failedSends -= 1;
          to("settle", { delivered: false })(s);
        });
      }
      return;
    case "settle": {
      const waits = blockers(db, tx, LANE, "share");
      const delays = task.delivered || task.count + 1 === MAX_ATTEMPTS ? [0] : BACKOFFS;
      for (const delay of delays) {
        moves.statement(tx, "settleDeliveries", waits, (s) => {
          const key = task.delivery!;
          const row = s.db.rows[key] as Delivery | { status: "ended" };
          const current = laneOf(s.db).epoch === task.epoch;
          const fits = row.status === "pending" && row.count === task.count;
          if (!fits || (rules.settlesUnderItsEpoch && !current)) {
            return to("lockLease", SETTLED)(s);
          }
          if (!current) s.wrong = "a settlement was accepted from a lease that is over";
          const count = row.count + 1;
          const again = !task.delivered && count < MAX_ATTEMPTS;
          s.db.rows[key] = again ? { status: "pending", count, next: delay } : { status: "ended" };
          to("pump", SETTLED)(s);
        });
      }
      return;
    }
    case "lockLease": {
      const isHolder = (l: Lane): boolean => l.leasedBy !== null && l.epoch === task.epoch;
      if (!isHolder(lane)) return moves.add(`${me}: tryLockLeases, lost`, to("lost"));
      const waits = blockers(db, tx, LANE, "update");
      if (waits.length > 0 && rules.leavesWithoutWaiting) {
        const again = { plan: null };
        if (!worker.stopping) moves.add(`${me}: tryLockLeases, busy, stays`, to("pump", again));
        const next = rules.passesOnWhenBusy ? "pass" : "nextDue";
        moves.add(`${me}: tryLockLeases, busy`, to(next, again));
        return;
      }
      moves.statement(tx, "tryLockLeases", waits, (s) => {
        lock(s.db, tx, LANE, "update");
        to(
          rules.looksAfterTheLock
            ? "nextDue"
            : task.plan === null
              ? "release"
              : firstOfRelease(rules),
        )(s);
      });
      return;
    }
    case "pass":
      moves.statement(tx, "lockLease", blockers(db, tx, LANE, "no key update"), (s) => {
        lock(s.db, tx, LANE, "no key update");
        to(firstOfRelease(rules), { plan: 0 })(s);
      });
      return;
    case "nextDue":
      moves.add(`${me}: readOutlooks`, (s) => {
        const times = pending(s.db).map(([, d]) => Math.max(0, d.next));
        const plan = times.length === 0 ? null : Math.min(...times);
        if (!rules.looksAfterTheLock) return to("lockLease", { plan })(s);
        const plansNow = plan !== null && rules.plansBeforeTheRelease;
        to(plansNow ? firstOfRelease(rules) : "release", { plan })(s);
      });
      return;
    case "check": {
      const waits = rules.leavesWaitingAlone && queue.hasWakeUp(db, task.plan!);
      const name = `${tx}: wake (leave): ${waits ? "one waits" : "none waits"}`;
      if (!waits) return moves.add(name, to("overtake"));
      moves.add(name, (s) => {
        if (task.late) commit(s.db, tx);
        to(task.late ? "left" : "release", { late: false, plan: null })(s);
      });
      return;
    }
    case "overtake":
      moves.statement(tx, "wake (leave): overtake", queue.overtake.waitsFor(db, tx), (s) => {
        queue.overtake.apply(s.db, tx);
        to("upsert")(s);
      });
      return;
    case "upsert":
      moves.statement(tx, "wake (leave): upsert", queue.upsert.waitsFor(db, tx), (s) => {
        const added = queue.upsert.apply(s.db, tx, task.plan!, inUse(s));
        if (!added && rules.addsAgainWhenTaken) return to("overtake")(s);
        if (task.late) commit(s.db, tx);
        to(task.late ? "left" : "release", { late: false, plan: null })(s);
      });
      return;
    case "release":
      moves.add(`${me}: releaseLeases, commit`, (s) => {
        write(s.db, tx, LANE, { leasedBy: null, epoch: laneOf(s.db).epoch });
        commit(s.db, tx);
        const late = !rules.plansBeforeTheRelease && task.plan !== null;
        to(late ? firstOfRelease(rules) : "left", late ? { late } : { plan: null })(s);
      });
      return;
    case "left":
      within("left", to("complete", { noted: false, epoch: null }));
      if (left.lostAnswers > 0) {
        moves.world(`${me}: the answer of leaveLane is lost, the write is repeated`, (s) => {
          s.left.lostAnswers -= 1;
          to("lockLease")(s);
        });
      }
      return;
    case "lost":
      within("the lease is lost", (s) => {
        to(rules.wakesWhenLost ? "putBack" : "complete", { noted: false, epoch: null })(s);
      });
      return;
    case "putBack": {
      const waits = [...queue.overtake.waitsFor(db, tx), ...queue.upsert.waitsFor(db, tx)];
      const waitsForLane = blockers(db, tx, LANE, "key share");
      moves.statement(tx, "shareLanes, wakeLanes", [...waits, ...waitsForLane], (s) => {
        const stands = rules.leavesWaitingAlone && queue.hasWakeUp(s.db, task.plan ?? 0);
        if (stands) return to("complete", { noted: false, plan: null })(s);
        queue.overtake.apply(s.db, tx);
        queue.upsert.apply(s.db, tx, task.plan ?? 0, inUse(s));
        commit(s.db, tx);
        to("complete", { noted: false, plan: null })(s);
      });
      return;
    }
    case "complete":
    case "fail": {
      const waits = blockers(db, tx, task.entry, "update");
      moves.statement(tx, `${task.pc}Jobs`, waits, (s) => {
        if (task.pc === "complete") queue.complete(s.db, task.entry);
        else queue.fail(s.db, task.entry, pool);
        s.workers[index]!.tasks.splice(place, 1);
      });
      return;
    }
  }
}
