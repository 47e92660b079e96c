import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { processStart, waitForProcessEnd } from "../../src/embedded-postgres/process-info.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import type { Environment, RingbackProcess } from "../support/ringback-process.ts";
import { createFailoverClient, nodeSender } from "./failover-client.ts";

const KEY = "rk_several_processes_admin_key";

let database: TestDatabase;
let receiver: Receiver;
let dataDir: string;
const started: RingbackProcess[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startReceiver();
  dataDir = mkdtempSync(join(tmpdir(), "ringback-several-"));
});
afterAll(async () => {
  for (const one of started) await endProcess(one);
  await receiver?.close();
  await database?.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function serve(args: string[], env: Environment = {}): Promise<RingbackProcess> {
  const one = startRingback(["serve", ...args], { ...environment(), ...env });
  started.push(one);
  await one.wrote('"message":"ready"');
  return one;
}

function environment(): Environment {
  return {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: "0",
  };
}

function urlOf({ output }: RingbackProcess): string {
  return /http:\S+/.exec(output.stdout)![0];
}

function portOf(one: RingbackProcess): number {
  return Number(new URL(urlOf(one)).port);
}

interface WorkerRow {
  pid: number;
  roles: string[];
}

async function listWorkers(): Promise<WorkerRow[]> {
  const { rows } = await database.pool.query<WorkerRow>(
    "select pid, roles from workers order by id",
  );
  return rows;
}

/** Processes that answer requests, by the metrics of the page that tells of all. */
async function listAnswering(url: string): Promise<string[]> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const found = page.matchAll(/^ringback_http_request_duration_seconds_count\{process="(\d)"/gm);
  return [...new Set(Array.from(found, ([, number]) => number!))].toSorted();
}

test("two processes share a port, a log and the metrics; one that is killed comes back, and its work is recovered", async () => {
  const both = await serve(["--processes", "2"]);
  const url = urlOf(both);
  expect(both.output.stdout).toMatch(/^ {2}Processes {4}2$/m);
  expect(both.output.stdout.match(/Ringback \d/g)).toHaveLength(1);
  const workers = await listWorkers();
  expect(workers.map(({ roles }) => roles)).toEqual(Array(2).fill(["api", "compute", "deliver"]));
  expect(workers.map(({ pid }) => pid)).not.toContain(both.pid);

  const answering = await until("answers of both", async () => {
    // each question is a connection of its own
    await fetch(`${url}/healthz`, { headers: { connection: "close" } });
    const found = await listAnswering(url);
    return found.length === 2 ? found : null;
  });
  expect(answering).toEqual(["1", "2"]);
  const page = await (await fetch(`${url}/metrics`)).text();
  // what is the database's is told once
  expect(page.match(/^ringback_workers_alive.*$/gm)).toEqual(["ringback_workers_alive 2"]);
  expect(page.match(/^ringback_lanes_pumped\{process="\d"\} /gm)).toHaveLength(2);
  expect(page.match(/^# TYPE ringback_lanes_pumped gauge$/gm)).toHaveLength(1);

  const client = createFailoverClient(nodeSender(), { ports: [portOf(both)], key: KEY });
  const endpoint = { url: `${receiver.url}/several`, events: ["job.completed"] };
  expect(await client.ask("POST", "/v1/endpoints", { body: endpoint })).toHaveProperty("id");
  const jobs = 12;
  for (let n = 0; n < jobs; n += 1) {
    const body = { type: "demo.sleep", input: { ms: 1_500 } };
    await client.ask("POST", "/v1/jobs", { body });
  }
  const holders = await until("runs in hand of both", async () => {
    const { rows } = await database.pool.query<{ pid: number }>(
      "select distinct w.pid from job_states j join workers w on w.id = j.worker_id where j.status = 'running'",
    );
    return rows.length === 2 ? rows : null;
  });
  const victim = holders[0]!.pid;
  process.kill(victim, "SIGKILL");
  await both.wrote('"message":"process started again"');
  const ends = both.output.stderr.split("\n").filter((line) => line.includes('"process ended"'));
  expect(ends.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ level: "warn", pid: victim, how: "SIGKILL", again_in_ms: 500 }),
  ]);
  await until(
    "the end of every job and its webhook",
    () => receiver.requests.length >= jobs,
    30_000,
  );
  const { rows } = await database.pool.query<{ jobs: number; crashed: number }>(
    "select count(*)::int as jobs, count(*) filter (where run > 1)::int as crashed from job_states where status = 'completed'",
  );
  expect(rows[0]!.jobs).toBe(jobs);
  expect(rows[0]!.crashed).toBeGreaterThan(0);
  const now = (await listWorkers()).map(({ pid }) => pid);
  expect(now).toHaveLength(2);
  expect(now).not.toContain(victim);
  for (const line of both.output.stderr.trim().split("\n")) {
    expect(() => JSON.parse(line)).not.toThrow();
  }
  expect(both.output.stderr).toMatch(/"message":"job accepted","process":[12],/);
  await client.close();

  both.kill("SIGTERM");
  expect(await both.ended).toMatchObject({ code: 0, signal: null });
  expect(await listWorkers()).toEqual([]);
  for (const pid of now) expect(processStart(pid)).toBeNull();
}, 90_000);

test("told to stop, all stop without a request that fails", async () => {
  const both = await serve([], { RINGBACK_PROCESSES: "2", RINGBACK_DRAIN_SECONDS: "1" });
  const client = createFailoverClient(nodeSender(), { ports: [portOf(both)], key: KEY });
  const url = urlOf(both);
  const loops = Array.from({ length: 4 }, async () => {
    for (let job: object = { id: "" }; "id" in job;) {
      job = await client.ask("POST", "/v1/jobs", { body: { type: "demo.echo", input: {} } });
      await sleep(5);
    }
  });
  await sleep(300);
  both.kill("SIGTERM");
  // what a terminal does, and npm again
  for (const { pid } of await listWorkers()) process.kill(pid, "SIGINT");
  both.kill("SIGINT");
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect(await both.ended).toMatchObject({ code: 0, signal: null });
  await Promise.all(loops);
  await client.close();
  // where each of the four ended
  expect(client.failures).toEqual(Array(4).fill("POST /v1/jobs: refused everywhere"));
  expect(client.seen.closing).toBeGreaterThan(0);
}, 60_000);

test("with a database of its own; killed, it leaves no process behind but that, which the next start ends", async () => {
  const env = {
    DATABASE_URL: undefined,
    RINGBACK_MASTER_KEY: undefined,
    RINGBACK_DATA_DIR: dataDir,
  };
  const first = await serve(["--roles", "compute,deliver", "--processes", "2"], env);
  const children = await until("two processes", () => {
    const found = childrenOf(first.pid).filter(({ command }) => command.includes("processes/main"));
    return found.length === 2 ? found : null;
  });
  const url = urlOf(first);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  first.kill("SIGKILL");
  for (const { pid } of children) expect(await waitForProcessEnd(pid, 8_000)).toBe(true);
  await expect(fetch(`${url}/readyz`)).rejects.toMatchObject({
    cause: { code: "ECONNREFUSED" },
  });

  const second = await serve([], env);
  expect((await fetch(`${urlOf(second)}/readyz`)).status).toBe(200);
  second.kill("SIGINT");
  expect((await second.ended).code).toBe(0);
  expect(readdirSync(dataDir)).not.toContain("ringback.pid");
  expect(readdirSync(join(dataDir, "postgres"))).not.toContain("postmaster.pid");
}, 60_000);

function childrenOf(parent: number): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
        return Number(ppid) === parent ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

test("a wrong setting is told in one line, by one of them", async () => {
  const env = { RINGBACK_MASTER_KEY: Buffer.alloc(32, 9).toString("base64") };
  const ended = await runRingback(["serve", "--processes", "2"], { ...environment(), ...env });
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toMatch(/^ringback: RINGBACK_MASTER_KEY .*\n$/);
});

test("a number of processes that can't be", async () => {
  const { code, stderr } = await runRingback(["serve", "--processes", "many"], environment());
  expect(code).toBe(2);
  expect(stderr).toContain("must be a number of processes from 1 to 64");
});
