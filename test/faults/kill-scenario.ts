import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Failpoint } from "../../src/core/failpoint.ts";
import { formatId } from "../../src/core/ids.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { checkDatabase } from "./checks.ts";
import type { AcknowledgedJob } from "./load.ts";
import { superviseProcess } from "./supervised-process.ts";
import type { SupervisedProcess } from "./supervised-process.ts";

export interface KillCase {
  /** The how manieth time the point is reached. */
  nth: number;
  /** What is needed beside 20 jobs with callbacks. */
  work?: "failing" | "replay" | "recovery" | "migration" | "publication";
}

const JOBS = 20;
const PRELOAD = fileURLToPath(new URL("kill-at.ts", import.meta.url));
const RETRY = { max_attempts: 20, base_s: 0.1, factor: 1, cap_s: 1 };

interface Scene {
  database: TestDatabase;
  receiver: Receiver;
  client: ApiClient;
  jobs: AcknowledgedJob[];
  faults: string[];
}

/**
 * A process on a database of its own gets work and is killed at the point; it is started again
 * without the hook, as a supervisor would. Returns what is wrong in the end.
 */
export async function killAt(point: Failpoint, one: KillCase, folder: string): Promise<string[]> {
  const faults: string[] = [];
  const database = await createTestDatabase();
  const receiver = await startReceiver();
  const apiKey = `rk_${randomBytes(20).toString("hex")}`;
  const port = await findFreePort();
  const env = {
    PATH: process.env["PATH"],
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: randomBytes(32).toString("base64"),
    RINGBACK_API_KEY: apiKey,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    LOG_LEVEL: "warn",
  };
  const logFile = join(folder, `${point.replace(":", "-")}.log`);
  const onMisbehaviour = (what: string): void => void faults.push(what);
  const { signal } = new AbortController();
  const baseUrl = `http://127.0.0.1:${port}`;
  const client = createApiClient({ baseUrl, apiKey, signal, onMisbehaviour });
  const scene: Scene = { database, receiver, client, jobs: [], faults };
  let killed: SupervisedProcess | undefined;
  try {
    if (one.work === "recovery") await leaveDeadWorker(database);
    if (one.work === "migration") await empty(database);
    killed = superviseProcess({
      name: point,
      roles: "api,compute,deliver",
      port,
      env,
      logFile,
      doomed: { preload: PRELOAD, env: { KILL_AT: `${point}#${one.nth}` } },
      onMisbehaviour,
      onRefusedStart: (name) => faults.push(`${name} refused to start`),
    });
    if (one.work === "publication") await publishAll(scene);
    else await submitAll(scene, one);
    if (one.work === "replay") await replayAll(scene);
    await killed.doom;
    await settled(scene);
    faults.push(...(await findFaults(scene)));
    if (one.work === "publication") faults.push(...(await findLostMessages(scene)));
    return faults.length === 0 ? [] : [...faults, readFileSync(logFile, "utf8").slice(-4_000)];
  } finally {
    killed?.destroy();
    await receiver.close();
    await database.drop();
  }
}

async function submitAll(scene: Scene, { work }: KillCase): Promise<void> {
  const { client, receiver, jobs, faults } = scene;
  const submissions = Array.from({ length: JOBS }, async (_, n) => {
    const url = `${receiver.url}/hook`;
    const isFailing = work === "failing" && n < 2;
    const body = JSON.stringify({
      ...(isFailing
        ? { type: "demo.fail", input: { message: "as planned", retryable: true } }
        : { type: "demo.echo", input: { n } }),
      callbacks: [{ url, retry: RETRY }],
      metadata: { n },
    });
    const answer = await client.insist("POST", "/v1/jobs", { body, key: `job-${n}` });
    if (answer?.status !== 202) faults.push(`a submission was answered ${answer?.status}`);
    const id = String(answer?.body["id"]);
    jobs.push({ n, key: `job-${n}`, body, expected: [url], id });
  });
  await Promise.all(submissions);
}

/** Messages instead of jobs, each once although it is posted until it is answered. */
async function publishAll({ client, receiver, faults }: Scene): Promise<void> {
  const endpoint = { url: `${receiver.url}/hook`, events: ["own.event"], retry: RETRY };
  const made = await client.insist("POST", "/v1/endpoints", { body: JSON.stringify(endpoint) });
  if (made?.status !== 201) faults.push(`the endpoint was answered ${made?.status}`);
  const publications = Array.from({ length: JOBS }, async (_, n) => {
    const body = JSON.stringify({ type: "own.event", data: { n } });
    const answer = await client.insist("POST", "/v1/messages", { body, key: `message-${n}` });
    if (answer?.status !== 202) faults.push(`a message was answered ${answer?.status}`);
  });
  await Promise.all(publications);
}

/** Each message was made once, and arrived. */
async function findLostMessages({ database, receiver }: Scene): Promise<string[]> {
  const { rows } = await database.pool.query<{ id: string; n: number; status: string }>(
    `select m.id, (m.body::jsonb->'data'->>'n')::int as n, d.status
     from messages m left join deliveries d on d.message_id = m.id`,
  );
  const arrived = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
  const lost = rows.filter(
    ({ id, status }) => status !== "delivered" || !arrived.has(formatId("message", id)),
  );
  const numbers = rows.map(({ n }) => n).toSorted((a, b) => a - b);
  const expected = Array.from({ length: JOBS }, (_, n) => n);
  return [
    ...lost.map(({ id, status }) => `message ${id} is ${status}`),
    ...(String(numbers) === String(expected) ? [] : [`messages made: ${numbers.join(" ")}`]),
  ];
}

/** All is delivered, and then sent again: once each, although the process dies in the middle. */
async function replayAll(scene: Scene): Promise<void> {
  await settled(scene);
  const pace = { per_s: 50, ramp_s: 0 };
  const body = JSON.stringify({ filter: { status: "delivered" }, pace });
  const answer = await scene.client.insist("POST", "/v1/replays", { body });
  const matched = Number(answer?.body["matched"]);
  if (matched !== JOBS) scene.faults.push(`${matched} matched`);
}

/** A worker whose process is gone, without lock and heartbeat. */
async function leaveDeadWorker({ pool }: TestDatabase): Promise<void> {
  await pool.query(
    `insert into workers (id, hostname, pid, version, roles)
     values (gen_random_uuid(), 'gone', 1, '0', '{compute,deliver}')`,
  );
}

/** As new: to be migrated from the beginning. */
async function empty({ pool }: TestDatabase): Promise<void> {
  await pool.query(
    "drop schema graphile_worker cascade; drop schema public cascade; create schema public",
  );
}

async function settled({ database, jobs }: Scene): Promise<void> {
  await until(
    "all to settle",
    async () => {
      const { rows } = await database.pool.query<{ open: number; ended: number }>(
        `select (select count(*) from job_states where finished_at is null)::int
           + (select count(*) from deliveries where status = 'pending')::int
           + (select count(*) from replays where status = 'running')::int
           + (select count(*) from lanes where leased_by is not null)::int as open,
           (select count(*) from job_states where finished_at is not null)::int as ended`,
      );
      return rows[0]?.open === 0 && rows[0].ended === jobs.length;
    },
    40_000,
  );
}

async function findFaults({ database, receiver, jobs, client }: Scene): Promise<string[]> {
  const query = async <R extends object>(text: string, values?: unknown[]): Promise<R[]> =>
    (await database.pool.query<R>(text, values)).rows;
  const checks = await checkDatabase(query, jobs);
  const faults = checks.flatMap(({ name, broken }) => broken.map((id) => `not so: ${name}: ${id}`));
  const endpoints = await query<{ id: string }>("select id from endpoints");
  const owner = endpoints.map(({ id }) => `/v1/endpoints/${formatId("endpoint", id)}/secret`);
  const path = owner[0] ?? `/v1/signing-secret?origin=${receiver.url}`;
  const secret = await client.insist("GET", path, {});
  for (const request of receiver.requests) {
    try {
      verify(request, String(secret?.body["secret"]));
    } catch (error) {
      faults.push(`webhook not verified: ${(error as Error).message}`);
    }
  }
  const unseen = await query<{ id: string; number: number }>(
    `select d.message_id as id, a.number from attempts a join deliveries d on d.id = a.delivery_id
     where a.status_code is not null`,
  );
  if (unseen.length > receiver.requests.length) faults.push("attempt rows without a request");
  return faults;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
