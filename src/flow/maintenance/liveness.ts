import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Context } from "../context.ts";
import { newId } from "../../core/ids.ts";
import { connect } from "../../db/connection.ts";
import { findCancelRequests } from "../../db/jobs/runs.ts";
import { sessionTx, singleStatement } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import {
  beat,
  readSigns,
  registerWorker,
  relockWorker,
  setPoolIds,
} from "../../db/maintenance/workers.ts";
import { recoverWorker, unregister } from "./recover-worker.ts";

/** Time between two heartbeats, and between looks at the other workers. */
const BEAT_MS = 500;
/** A worker is dead when its heartbeat stands still for this long while its lock is free. */
const DEAD_MS = 3_000;
/** Time after which an observer that did not look begins anew: it may have been frozen. */
const GAP_MS = 1_500;
const LONGEST_RETRY_MS = 1_000;

export interface Liveness {
  /** Sets the pools whose wake-ups are unlocked when this worker dies. */
  setPools(poolIds: string[]): Promise<void>;
  /** Ends the registration; the work was handed back before. */
  leave(): Promise<void>;
}

type LivenessContext = Pick<
  Context,
  "pool" | "databaseUrl" | "config" | "telemetry" | "vault" | "worker" | "runs" | "compute"
>;

/**
 * Registers this process, keeps its two signs of life (a session lock and a heartbeat) and recovers
 * workers that show neither. When this process was declared dead itself, it drops its work,
 * registers under a new id and works on.
 */
export async function startLiveness(context: LivenessContext): Promise<Liveness> {
  const { telemetry, worker } = context;
  let poolIds: string[] = [];
  let leaving = false;
  let session = await openSession(context);
  await register();
  const observer = createObserver(context);

  async function register(): Promise<void> {
    const id = newId();
    await registerWorker(sessionTx(session), {
      id,
      hostname: hostname(),
      pid: process.pid,
      version: context.config.version,
      roles: context.config.roles,
      threads: context.config.roles.includes("compute") ? context.compute.threads : 0,
      masterKeys: context.vault.keyIds,
    });
    await setPoolIds(sessionTx(session), id, poolIds);
    worker.id = id;
  }

  async function registerAnew(): Promise<void> {
    telemetry.log.warn("taken for dead; registering anew", { worker_id: worker.id });
    const lost = [...context.runs.values()];
    await register();
    for (const run of lost) run.stop("shutdown");
  }

  async function once(): Promise<void> {
    const tx = sessionTx(session);
    const alive = await beat(tx, worker.id);
    if (alive === null) return await registerAnew();
    if (!alive.locked) await relockWorker(tx, worker.id);
    for (const { id, run } of await findCancelRequests(tx, worker.id)) {
      const handle = context.runs.get(id);
      if (handle?.run === run) handle.stop("canceled");
    }
    await observer.look(tx);
  }

  async function loop(): Promise<void> {
    let retryMs = 50;
    while (!leaving) {
      const started = performance.now();
      try {
        await once();
        retryMs = 50;
        await sleep(Math.max(0, BEAT_MS - (performance.now() - started)));
      } catch (error) {
        if (leaving) return;
        telemetry.log.warn("liveness session lost", { error: (error as Error).message });
        closeSession(session);
        await sleep(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
        session = await openSession(context).catch(() => session);
      }
    }
  }
  const looping = loop();

  return {
    async setPools(ids) {
      poolIds = ids;
      await setPoolIds(singleStatement(context.pool), worker.id, ids);
    },
    async leave() {
      leaving = true;
      await looping;
      await unregister(context).catch((error: Error) =>
        telemetry.log.warn("left without a farewell", { error: error.message }),
      );
      closeSession(session);
    },
  };
}

/** Recovers other workers whose heartbeat stands still while their lock is free. */
function createObserver(context: LivenessContext): { look(tx: Tx): Promise<void> } {
  const seen = new Map<string, { heartbeat: string; since: number }>();
  let lastLook = -Infinity;
  return {
    async look(tx) {
      const signs = await readSigns(tx);
      const now = performance.now();
      if (now - lastLook > GAP_MS) seen.clear();
      lastLook = now;
      const { worker } = context;
      worker.peers = signs.filter(({ id, delivers }) => delivers && id !== worker.id).length;
      const present = new Set(signs.map(({ id }) => id));
      for (const id of seen.keys()) if (!present.has(id)) seen.delete(id);
      for (const { id, heartbeat, lock_free } of signs) {
        const before = seen.get(id);
        if (!lock_free || before?.heartbeat !== heartbeat) {
          seen.set(id, { heartbeat, since: now });
        } else if (now - before.since >= DEAD_MS && id !== context.worker.id) {
          await recoverWorker(context, { id, heartbeat });
          seen.delete(id);
        }
      }
    },
  };
}

/** Opens a connection whose loss both sides notice within seconds. */
async function openSession(context: Pick<Context, "databaseUrl">): Promise<pg.Client> {
  return await connect({
    connectionString: context.databaseUrl,
    name: "liveness",
    limits: { statementMs: 4_000, idleInTransactionMs: 2_000 },
    // a host that vanishes closes no socket: the server finds out, and frees the lock
    settings: {
      tcp_keepalives_idle: "3",
      tcp_keepalives_interval: "2",
      tcp_keepalives_count: "2",
      tcp_user_timeout: "7000",
    },
  });
}

function closeSession(session: pg.Client): void {
  session.end().catch(() => undefined);
}
