import { randomBytes } from "node:crypto";
import pg from "pg";
import { ENDPOINT_DEFAULTS } from "../src/core/endpoint.ts";
import { createVault } from "../src/core/vault.ts";
import { migrate } from "../src/db/migrate.ts";
import { adoptMasterKey } from "../src/flow/accounts/master-key.ts";
import { makePartitions } from "../src/flow/maintenance/retain.ts";
import type { PostgresBinaries } from "../src/embedded-postgres/binaries.ts";
import { startEmbeddedDatabase } from "../src/server/embedded-database.ts";
import { makeAccount, makeLanes } from "./accounts.ts";
import type { BenchAccount, BenchLane } from "./accounts.ts";

/** What every database of the run begins with. */
export interface Fixture {
  masterKey: string;
  /** Has no endpoints; its jobs bring callbacks. */
  jobs: BenchAccount;
  /** The same; its few jobs must not suffer from the other's. */
  quiet: BenchAccount;
  /** Has the endpoints. */
  lanes: BenchAccount;
  endpoints: BenchLane[];
}

/** A database of its own for one measurement. */
export interface BenchDatabase {
  url: string;
  /** Without the time limits of the product's pools. */
  pool: pg.Pool;
}

export interface Server {
  /** The postmaster, when it runs on this machine and is ours. */
  pid: number | null;
  version: string;
  fixture: Fixture;
  /** Runs `work` on a fresh copy of the template, which is dropped afterwards. */
  withDatabase<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

interface ServerOptions {
  /** Null: one of our own. */
  databaseUrl: string | null;
  /** Of our own server, where it is not the embedded one. */
  binaries: PostgresBinaries | null;
  folder: string;
  receiverUrl: string;
  lanes: number;
  /** Preload pg_stat_statements. */
  explain: boolean;
}

/** A Postgres as `npm start` has it, or a given one, and in it a template for the measurements. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const embedded =
    options.databaseUrl === null
      ? await startEmbeddedDatabase({
          dataDir: options.folder,
          binaries: options.binaries ?? undefined,
          flags: [
            ...(options.explain ? ["-c", "shared_preload_libraries=pg_stat_statements"] : []),
            // a stock server has JIT on where it can
            ...(options.binaries === null ? [] : ["-c", "jit=on"]),
          ],
        })
      : null;
  const baseUrl = options.databaseUrl ?? embedded!.url;
  const prefix = `ringback_bench_${randomBytes(4).toString("hex")}`;
  const template = `${prefix}_template`;
  const admin = openPool(baseUrl, 2);
  try {
    await refuseUnsafe(admin);
    await admin.query(`create database ${template}`);
    const fixture = await fill(urlOf(baseUrl, template), options);
    return makeHandle({ admin, baseUrl, prefix, template, fixture, embedded });
  } catch (error) {
    await admin.query(`drop database if exists ${template}`).catch(() => undefined);
    await admin.end();
    await embedded?.stop();
    throw error;
  }
}

interface Parts {
  admin: pg.Pool;
  baseUrl: string;
  prefix: string;
  template: string;
  fixture: Fixture;
  embedded: { pid: number; stop(): Promise<void> } | null;
}

async function makeHandle(parts: Parts): Promise<Server> {
  const { admin, baseUrl, prefix, template, fixture, embedded } = parts;
  const { rows } = await admin.query<{ server_version: string }>("show server_version");
  const open = new Set<string>();
  let made = 0;
  const drop = async (name: string): Promise<void> => {
    await admin.query(`drop database if exists ${name} with (force)`);
    open.delete(name);
  };
  return {
    pid: embedded?.pid ?? null,
    version: rows[0]!.server_version,
    fixture,
    async withDatabase(work) {
      made += 1;
      const name = `${prefix}_${made}`;
      open.add(name);
      await admin.query(`create database ${name} template ${template}`);
      const url = urlOf(baseUrl, name);
      const pool = openPool(url, 8);
      try {
        return await work({ url, pool });
      } finally {
        await pool.end();
        await drop(name);
      }
    },
    async stop() {
      if (embedded === null) for (const name of [...open, template]) await drop(name);
      await admin.end();
      await embedded?.stop();
    },
  };
}

/** Figures of a server that may lose what it has committed would mislead. */
async function refuseUnsafe(admin: pg.Pool): Promise<void> {
  for (const name of ["fsync", "synchronous_commit", "full_page_writes"]) {
    const { rows } = await admin.query<{ value: string }>(
      `select current_setting('${name}') as value`,
    );
    if (rows[0]!.value === "off") throw new Error(`the database runs with ${name} off`);
  }
}

async function fill(url: string, { receiverUrl, lanes }: ServerOptions): Promise<Fixture> {
  await migrate(url);
  const pool = openPool(url, 8);
  try {
    // as a start of the product does
    await makePartitions(pool, new Date());
    const masterKey = randomBytes(32).toString("base64");
    const context = { pool, vault: createVault([masterKey]) };
    await adoptMasterKey(context);
    const jobs = await makeAccount(context, "jobs");
    const quiet = await makeAccount(context, "quiet");
    const owner = await makeAccount(context, "lanes");
    // a lane alone is given what an operator may give it
    const endpoints = await makeLanes(context, owner.id, receiverUrl, lanes, (number) =>
      number === 0 ? 100 : ENDPOINT_DEFAULTS.max_in_flight,
    );
    await pool.query("vacuum analyze");
    return { masterKey, jobs, quiet, lanes: owner, endpoints };
  } finally {
    await pool.end();
  }
}

function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max, application_name: "ringback bench" });
  pool.on("error", () => undefined);
  return pool;
}

function urlOf(base: string, database: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url.href;
}
