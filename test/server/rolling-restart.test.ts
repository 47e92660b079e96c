import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";
import { endProcess, startRingback } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";
import { createFailoverClient, followEvents, nodeSender, undiciSender } from "./failover-client.ts";
import type { FailoverClient } from "./failover-client.ts";

const KEY = "rk_rolling_restart_admin_key";
const RESTARTS = 3;

let database: TestDatabase;
const ports: number[] = [];
const processes: RingbackProcess[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  ports.push(await freePort(), await freePort());
  for (const which of [0, 1]) processes[which] = await start(which);
});
afterAll(async () => {
  for (const one of processes) await endProcess(one);
  await database?.drop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function start(which: number): Promise<RingbackProcess> {
  const started = startRingback(["serve"], {
    DATABASE_URL: database.url,
    // the drain that there is by default
    RINGBACK_DRAIN_SECONDS: undefined,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    PORT: String(ports[which]),
  });
  await started.wrote('"message":"ready"');
  return started;
}

/** Submissions, reads and long polls, without end. Returns what was accepted so far. */
function startLoad({ ask }: FailoverClient): {
  accepted: string[];
  waits: { answered: number };
  stop(): Promise<void>;
} {
  const accepted: string[] = [];
  const waits = { answered: 0 };
  let over = false;
  const repeat = async (everyMs: number, work: () => Promise<unknown>): Promise<void> => {
    while (!over) {
      await work();
      await sleep(everyMs);
    }
  };
  const submit = async (type: string, input: unknown): Promise<string | null> => {
    const { id } = await ask("POST", "/v1/jobs", { body: { type, input } });
    if (typeof id !== "string") return null;
    accepted.push(id);
    return id;
  };
  const waitForOne = async (): Promise<void> => {
    const id = await submit("demo.sleep", { ms: 3_000 });
    for (let status: unknown; id !== null && !over && status !== "completed";) {
      ({ status } = await ask("GET", `/v1/jobs/${id}`, { headers: { prefer: "wait=20" } }));
      waits.answered += 1;
      // it failed
      if (status === undefined) return;
    }
  };
  const loops = [
    ...[1, 2, 3].map(() => repeat(40, () => submit("demo.echo", { a: 1 }))),
    repeat(40, () => ask("GET", "/v1/jobs?limit=5")),
    // a connection that has been idle for a while
    repeat(1_500, () => ask("GET", "/v1/overview")),
    repeat(10, waitForOne),
  ];
  return {
    accepted,
    waits,
    async stop() {
      over = true;
      await Promise.all(loops);
    },
  };
}

test("a rolling restart fails no request of a client that retries refused connections only", async () => {
  const at = { ports, key: KEY };
  const clients = [undiciSender(), nodeSender()].map((one) => createFailoverClient(one, at));
  const events = followEvents(at);
  const loads = clients.map(startLoad);
  await sleep(500);
  for (let n = 0; n < RESTARTS; n += 1) {
    const which = n % 2;
    processes[which]!.kill("SIGTERM");
    expect(await processes[which]!.ended).toMatchObject({ code: 0, signal: null });
    processes[which] = await start(which);
  }
  await sleep(500);
  for (const load of loads) await load.stop();
  for (const client of clients) await client.close();

  for (const { failures, seen } of clients) {
    expect(failures).toEqual([]);
    // it was there when it happened
    expect(seen.closing).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  }
  for (const { accepted, waits } of loads) {
    expect(accepted.length).toBeGreaterThan(100);
    expect(waits.answered).toBeGreaterThan(0);
  }
  const accepted = loads.flatMap((load) => load.accepted);
  await until(
    "the end of every job and the event that tells of it",
    () => accepted.every((id) => events.completed.has(id)),
    60_000,
  );
  await events.leave();
  expect(events.failures).toEqual([]);
  expect(events.seen.ended).toBeGreaterThan(0);
  const { rows } = await database.pool.query<{ status: string; jobs: number }>(
    "select status, count(*)::int as jobs from job_states group by status",
  );
  expect(rows).toEqual([{ status: "completed", jobs: accepted.length }]);
}, 180_000);

test("a process that is told to stop says so first, serves on, and refuses after the drain", async () => {
  const port = ports[0]!;
  const url = `http://127.0.0.1:${port}`;
  const client = createFailoverClient(nodeSender(), { ports: [port], key: KEY });
  const job = { type: "demo.sleep", input: { ms: 60_000 } };
  const { id } = await client.ask("POST", "/v1/jobs", { body: job });
  const began = performance.now();
  const wait = client
    .ask("GET", `/v1/jobs/${String(id)}`, { headers: { prefer: "wait=60" } })
    .then(({ status }) => ({ status, afterMs: performance.now() - began }));
  await sleep(200);
  processes[0]!.kill("SIGTERM");
  const ready = await until("not ready", async () => {
    const answer = await fetch(`${url}/readyz`);
    return answer.status === 503 ? answer : null;
  });
  expect(ready.headers.get("connection")).toBe("close");
  expect(await ready.json()).toMatchObject({ reasons: ["the process is stopping"] });
  expect(await client.ask("POST", "/v1/jobs", { body: job })).toMatchObject({ status: "pending" });
  expect(client.seen.closing).toBe(1);
  // answered at the end of the drain, when its client can't but go elsewhere
  expect((await wait).afterMs).toBeGreaterThan(5_000);
  expect(client.seen.closing).toBe(2);
  await expect(fetch(`${url}/readyz`)).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
  expect(client.failures).toEqual([]);
  expect((await processes[0]!.ended).code).toBe(0);
}, 60_000);

test("a second signal ends it at once", async () => {
  const last = processes[1]!;
  last.kill("SIGTERM");
  // npm hands on what the terminal has sent, so two within a second are one
  await sleep(1_200);
  last.kill("SIGTERM");
  const told = performance.now();
  expect((await last.ended).code).toBe(1);
  expect(performance.now() - told).toBeLessThan(2_000);
});
