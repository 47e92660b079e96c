import { setTimeout as sleep } from "node:timers/promises";
import type { Done, Incident, Inject, Scene } from "./incident.ts";
import { between, pick } from "./random.ts";
import type { Random } from "./random.ts";
import { overload } from "./overload.ts";
import { SLOW } from "./slow-scenarios.ts";
import type { Stack } from "./stack.ts";
import type { SupervisedProcess } from "./supervised-process.ts";

const EVERYBODY = { workerId: null };
const GROWING = [
  "jobs",
  "job_ends",
  "messages",
  "deliveries",
  "attempts",
  "graphile_worker._private_jobs",
];

/** Every kind of fault, each complete when it is over. */
const CATALOGUE = {
  "kill-worker": async ({ workers, database }, random) => {
    const victim = pick(random, workers);
    const workerId = await workerIdOf(database, victim);
    await victim.kill();
    return { target: victim.name, to: Date.now(), workerId };
  },
  "kill-api": async ({ api }) => {
    await api.kill();
    return { target: api.name, to: Date.now(), ...EVERYBODY };
  },
  // stopped, and cut off as if its host were gone: it wakes up after its recovery
  zombie: async ({ workers, database }, random) => {
    const victim = pick(random, workers);
    const workerId = await workerIdOf(database, victim);
    victim.pause();
    await endLivenessSession(database, workerId);
    const over = sleep(8_000).then(victim.resume);
    return { target: victim.name, to: Date.now(), workerId, over };
  },
  // stopped for a while with all its connections: alive, as far as anybody can tell
  pause: async ({ workers, database }, random) => {
    const victim = pick(random, workers);
    const workerId = await workerIdOf(database, victim);
    victim.pause();
    await sleep(between(random, 1_000, 5_000));
    victim.resume();
    return { target: victim.name, to: Date.now(), workerId };
  },
  "rolling-restart": async ({ api, workers }) => {
    for (const one of [api, ...workers]) await one.restart();
    return { target: "all processes", to: Date.now(), ...EVERYBODY };
  },
  "postgres-fast": (stack) => restartPostgres(stack, "SIGINT"),
  "postgres-immediate": (stack) => restartPostgres(stack, "SIGQUIT"),
  "postgres-kill": (stack) => restartPostgres(stack, "SIGKILL"),
  "postgres-away": async ({ database }, random) => {
    await database.proxy.pointTo(null);
    await sleep(between(random, 2_000, 6_000));
    await database.restart("SIGINT");
    return { target: "postgres", to: Date.now(), ...EVERYBODY };
  },
  // a start that fails must end the process, although a client keeps asking it
  "start-while-away": async ({ database, api }, random) => {
    await database.proxy.pointTo(null);
    await api.kill();
    await sleep(between(random, 2_000, 5_000));
    await database.restart("SIGINT");
    const to = Date.now();
    await api.ready();
    return { target: api.name, to, ...EVERYBODY };
  },
  // told to stop while it can't tell anybody what it holds
  "stop-while-away": async ({ database, workers }, random) => {
    const victim = pick(random, workers);
    await database.proxy.pointTo(null);
    const stopped = victim.restart();
    await sleep(between(random, 1_000, 15_000));
    await database.restart("SIGINT");
    const to = Date.now();
    await stopped;
    return { target: victim.name, to, ...EVERYBODY };
  },
  "terminate-backends": async ({ database }) => {
    await terminateBackends(database);
    return { target: "postgres", to: Date.now(), ...EVERYBODY };
  },
  cut: async ({ database }) => {
    database.proxy.cut();
    return { target: "network", to: Date.now(), ...EVERYBODY };
  },
  stall: async ({ database }) => {
    database.proxy.stall();
    await sleep(3_000);
    database.proxy.resume();
    return { target: "network", to: Date.now(), ...EVERYBODY };
  },
  // a table that is locked for longer than a statement may take
  "statement-timeout": async ({ database }, random) => {
    const table = pick(random, ["unfinished_jobs", "deliveries", "lanes"]);
    const role = database.appRole;
    await database.query(`alter role ${role} set statement_timeout = '20ms'`);
    const holder = await database.connect();
    try {
      await holder.query(`begin; lock table ${table} in access exclusive mode`);
      await terminateBackends(database);
      await sleep(13_000);
    } finally {
      await holder.end();
      await database.query(`alter role ${role} reset statement_timeout`);
    }
    return { target: table, to: Date.now(), ...EVERYBODY };
  },
  "connection-slots": async ({ database }, random) => {
    await database.query(`alter role ${database.appRole} connection limit 2`);
    await terminateBackends(database);
    await sleep(between(random, 2_000, 5_000));
    await database.query(`alter role ${database.appRole} connection limit -1`);
    return { target: "postgres", to: Date.now(), ...EVERYBODY };
  },
  // the tables that grow take no row more; what the server says, without filling a disk
  "disk-full": async ({ database }, random) => {
    await database.query(`create or replace function no_space() returns trigger language plpgsql as $$
      begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
      end $$`);
    for (const table of GROWING) {
      await database.query(
        `create trigger no_space before insert on ${table} execute function no_space()`,
      );
    }
    await sleep(between(random, 2_000, 5_000));
    for (const table of GROWING) await database.query(`drop trigger no_space on ${table}`);
    return { target: "postgres", to: Date.now(), ...EVERYBODY };
  },
  ...SLOW,
  // more than can be done, most of it by one account
  overload,
} satisfies Record<string, Inject>;

export type ScenarioName = keyof typeof CATALOGUE;
export const SCENARIOS = Object.keys(CATALOGUE) as ScenarioName[];
/** They are compared with how it is without them, so nothing else happens meanwhile. */
export const ALONE = [...Object.keys(SLOW), "overload"] as readonly ScenarioName[];
/** They take so long that a short run chosen at random leaves them out. */
export const LONG: readonly ScenarioName[] = [
  "statement-timeout",
  "zombie",
  "rolling-restart",
  "start-while-away",
  "stop-while-away",
  ...ALONE,
];
/** Faults of processes; those of the database may come on top of them. */
export const OF_PROCESSES: readonly ScenarioName[] = [
  "kill-worker",
  "kill-api",
  "zombie",
  "pause",
  "rolling-restart",
  "start-while-away",
  "stop-while-away",
];

export async function inject(
  scenario: ScenarioName,
  stack: Stack,
  random: Random,
  scene: Scene,
): Promise<Incident> {
  const from = Date.now();
  const over = Promise.resolve();
  return { over, ...(await CATALOGUE[scenario](stack, random, scene)), scenario, from };
}

async function restartPostgres(
  { database }: Stack,
  signal: "SIGINT" | "SIGQUIT" | "SIGKILL",
): Promise<Done> {
  await database.restart(signal);
  return { target: "postgres", to: Date.now(), ...EVERYBODY };
}

async function terminateBackends({ query, appRole }: Stack["database"]): Promise<void> {
  await query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [
    appRole,
  ]);
}

/** Null: it has not registered yet, or the database is away. */
async function workerIdOf(
  { query }: Stack["database"],
  process: SupervisedProcess,
): Promise<string | null> {
  const sql = "select id from workers where pid = $1 order by id desc limit 1";
  const rows = await query<{ id: string }>(sql, [process.pid()]).catch(() => []);
  return rows[0]?.id ?? null;
}

async function endLivenessSession(
  { query }: Stack["database"],
  workerId: string | null,
): Promise<void> {
  await query(
    `select pg_terminate_backend(l.pid) from pg_locks l join workers w on w.lock_key = l.objid
     where l.locktype = 'advisory' and l.objsubid = 2 and w.id = $1`,
    [workerId],
  ).catch(() => undefined);
}
