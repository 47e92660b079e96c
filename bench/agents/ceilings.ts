import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import pg from "pg";
import { serveAgent } from "../agent.ts";
import { openLoop } from "./open-loop.ts";
import type { OpenLoop, Sent } from "./open-loop.ts";
import { createSender } from "./sender.ts";
import type { Load } from "./sender.ts";

/** As many as the product takes. */
const POOL_SIZE = 24;
const CHANNEL = "bench_chain";

const TABLE = `create table if not exists bench_ceiling (id uuid primary key, body text not null,
  created_at timestamptz not null default now())`;
const INSERT = { name: "insert", text: "insert into bench_ceiling (id, body) values ($1, $2)" };
const NOTIFY = { name: "notify", text: "select pg_notify($1, $2)" };

async function openTable(databaseUrl: string): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  pool.on("error", () => undefined);
  await pool.query(TABLE);
  return pool;
}

/** A commit of one insert, and what else it does. */
export interface Commit {
  /** `ask` whether somebody waits for the end of a job, as the end of a run does; or notify. */
  extra: "nothing" | "ask" | "notify";
  listeners: number;
}

const MADE = "with made as (insert into bench_ceiling (id, body) values ($1, $2) returning id)";
const COMMITS: Record<Commit["extra"], string> = {
  nothing: `${MADE} select id from made where $3::uuid is not null`,
  ask: `${MADE} select job_end_listeners(array[$3::uuid], array_agg(id)) from made`,
  notify: `${MADE} select pg_notify('${CHANNEL}', id::text) from made where $3::uuid is not null`,
};

const operations = {
  /** A closed loop over all connections. Returns commits per second. */
  async commits(
    databaseUrl: string,
    { extra, listeners, accountId, seconds }: Commit & { accountId: string; seconds: number },
  ): Promise<number> {
    const pool = await openTable(databaseUrl);
    const open = Array.from({ length: listeners }, () => new pg.Client(databaseUrl));
    let received = 0;
    for (const listener of open) {
      await listener.connect();
      listener.on("notification", () => (received += 1));
      await listener.query(`listen ${CHANNEL}`);
    }
    let count = 0;
    const start = performance.now();
    const end = start + seconds * 1_000;
    const loop = async (): Promise<void> => {
      while (performance.now() < end) {
        const values = [randomUUID(), "x", accountId];
        await pool.query({ name: `commit_${extra}`, text: COMMITS[extra], values });
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: POOL_SIZE }, loop));
    const rate = (count / (performance.now() - start)) * 1_000;
    // all that was sent before this answer has come before it
    for (const listener of open) await listener.query("select");
    await Promise.all(open.map((listener) => listener.end()));
    await pool.end();
    if (received < count * listeners) {
      throw new Error(`${received} of ${count * listeners} notifications came`);
    }
    return rate;
  },

  /** A bare Express route that inserts one row per request. Returns its URL. */
  async serveRoute(databaseUrl: string): Promise<string> {
    const pool = await openTable(databaseUrl);
    const app = express();
    app.post("/", express.json(), (request, response, next) => {
      const id = randomUUID();
      pool
        .query({ ...INSERT, values: [id, JSON.stringify(request.body)] })
        .then(() => response.status(202).json({ id }), next);
    });
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  },

  /**
   * The least that brings a fact to the receiver through the database: one insert, one notify,
   * and on hearing of it one POST. An open loop; the ticks are those before the insert.
   */
  async chain(databaseUrl: string, load: Load & OpenLoop): Promise<Sent> {
    const pool = await openTable(databaseUrl);
    const listener = await pool.connect();
    const sender = createSender(load);
    const heard = new Map<string, () => void>();
    listener.on("notification", ({ payload = "" }) => heard.get(payload)?.());
    await listener.query(`listen ${CHANNEL}`);
    const sent = await openLoop(load, async (n, key) => {
      const told = new Promise<void>((resolve) => heard.set(key, resolve));
      const body = load.bodies[n % load.bodies.length];
      await pool.query({ ...INSERT, values: [randomUUID(), body] });
      await pool.query({ ...NOTIFY, values: [CHANNEL, key] });
      await told;
      await sender.post({ "webhook-id": key, "x-request-id": key });
    });
    await sender.close();
    listener.release(true);
    await pool.end();
    return sent;
  },
};

export type CeilingOperations = typeof operations;

serveAgent(operations);
