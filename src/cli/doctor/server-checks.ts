import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { readClock } from "../../db/clock.ts";
import { countConnections, findQueueRevision, listMigrations } from "../../db/inspection/server.ts";
import type { Reader } from "../../db/transaction.ts";
import { CONNECTIONS_PER_PROCESS } from "../../server/database.ts";
import { duration } from "../output/times.ts";
import { fail, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";

const MIGRATE = "run `ringback migrate`";
const MIGRATIONS = new URL("../../../migrations", import.meta.url);
const CLOCKS_APART_MS = { warn: 1_000, fail: 30_000 };
/** Age of a signature beyond which receivers refuse a webhook. */
const TOLERANCE_MS = 300_000;

export async function checkSchema(reader: Reader): Promise<Finding> {
  const name = "schema";
  const known = readdirSync(MIGRATIONS)
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.replace(/\.sql$/, ""));
  const done = await listMigrations(reader);
  const missing = known.filter((one) => !done.includes(one));
  if (missing.length > 0) return fail(name, `not there yet: ${missing.join(", ")}`, MIGRATE);
  const newer = done.filter((one) => !known.includes(one));
  if (newer.length === 0) return ok(name, `up to date (${done.at(-1)})`);
  return warn(
    name,
    `newer than this program: ${newer.join(", ")}`,
    "run the newest version everywhere",
  );
}

export async function checkQueue(reader: Reader): Promise<Finding> {
  const name = "queue schema";
  const main = createRequire(import.meta.url).resolve("graphile-worker");
  const folder = path.join(path.dirname(main), "../sql");
  const newest = Math.max(...readdirSync(folder).map((file) => Number.parseInt(file, 10)));
  const found = await findQueueRevision(reader);
  if (found === null) return fail(name, "not there yet", MIGRATE);
  if (found.newest < newest) return fail(name, `${found.newest}, ${newest} is needed`, MIGRATE);
  if ((found.breaking ?? 0) > newest) {
    return fail(name, `${found.newest}, newer than this program can use`, "update this program");
  }
  return ok(name, `revision ${found.newest}`);
}

/** Compares the database's clock, which plans due times and dates webhooks, with this one. */
export async function checkClock(reader: Reader): Promise<Finding> {
  const name = "clock";
  const before = Date.now();
  const theirs = await readClock(reader);
  const after = Date.now();
  const apart = Math.abs(theirs - (before + after) / 2);
  const slack = (after - before) / 2;
  const detail = `${duration(Math.max(0, apart - slack))} from the database's`;
  const advice = `keep both right by NTP: webhooks are refused when the database's is ${duration(TOLERANCE_MS)} off`;
  if (apart - slack > CLOCKS_APART_MS.fail) return fail(name, detail, advice);
  return apart - slack > CLOCKS_APART_MS.warn ? warn(name, detail, advice) : ok(name, detail);
}

/** @param processes those that `serve` starts with the settings here */
export async function checkConnections(reader: Reader, processes: number): Promise<Finding> {
  const name = "connections";
  const { used, most } = await countConnections(reader);
  const detail = `${used} of ${most} in use`;
  const needed = processes * CONNECTIONS_PER_PROCESS;
  const advice = `raise max_connections, or run fewer processes: each takes some ${CONNECTIONS_PER_PROCESS}`;
  if (needed > most) return warn(name, `${detail}; ${processes} processes want ${needed}`, advice);
  return used <= most * 0.8 ? ok(name, detail) : warn(name, detail, advice);
}
