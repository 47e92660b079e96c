import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { checkNode } from "../../src/cli/doctor/program-checks.ts";
import { checkSessions } from "../../src/cli/doctor/check-sessions.ts";
import {
  checkDurability,
  checkOldTransactions,
  checkOwnSettings,
  checkVacuum,
} from "../../src/cli/doctor/setting-checks.ts";
import { createVault } from "../../src/core/vault.ts";
import { createTestDatabase } from "../support/database.ts";
import type { Environment } from "../support/ringback-process.ts";
import { startCommand, startServer } from "./cli.ts";
import type { TestServer } from "./cli.ts";
import { startTransactionPooler } from "./shared-session.ts";
import { letInsertJobs } from "../support/job-states.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.stop();
});

interface Report {
  code: number;
  states: Record<string, string>;
  text: string;
}

async function doctor(env: Environment): Promise<Report> {
  const ran = await startCommand(["doctor", "--json"], { env }).ended;
  const { checks, ok } = ran.json() as unknown as {
    ok: boolean;
    checks: { name: string; state: string }[];
  };
  expect(ran.code).toBe(ok ? 0 : 1);
  return {
    code: ran.code,
    states: Object.fromEntries(checks.map(({ name, state }) => [name, state])),
    text: ran.stdout,
  };
}

const healthy = () => ({ ...server.settings, ...server.env });

describe("doctor", () => {
  test("finds a healthy service healthy, a line for each check", async () => {
    const env = { ...healthy(), RINGBACK_ALLOW_TARGETS: "10.0.0.0/8" };
    const { code, stdout, stderr } = await startCommand(["doctor"], { env }).ended;
    // but for the server of the tests, which may lose what it has
    const lines = stdout
      .trim()
      .split("\n")
      .filter((line) => !/^ +→/.test(line));
    const troubled = lines.filter((line) => !line.startsWith("ok "));
    expect(troubled.map((line) => line.split(/ +/)[1])).toEqual(["durability", "vacuum"]);
    expect(troubled[0]).toContain("fsync is off");
    expect({ code, stderr, lines: lines.length }).toEqual({ code: 0, stderr: "", lines: 19 });
    for (const secret of [server.settings["RINGBACK_MASTER_KEY"]!, server.env["RINGBACK_API_KEY"]!])
      expect(stdout).not.toContain(secret);
  });

  test("names what is wrong, and what to do", async () => {
    const { code, states, text } = await doctor({
      ...healthy(),
      RINGBACK_MASTER_KEY: randomBytes(32).toString("base64"),
      RINGBACK_API_KEY: "rk_wrong_wrong_wrong_wrong",
      RINGBACK_PUBLIC_URL: "http://127.0.0.1:9",
      RINGBACK_ALLOW_TARGETS: "0.0.0.0/0",
      RINGBACK_PROCESSES: "20",
    });
    expect(code).toBe(1);
    expect(states).toMatchObject({
      connections: "warn",
      "master key": "fail",
      "api key": "fail",
      "public url": "warn",
      targets: "warn",
      database: "ok",
      workers: "ok",
    });
    expect(text).toContain("20 processes want 600");
    expect(text).toContain("set RINGBACK_MASTER_KEY to the one it was sealed with");
  });

  test("knows a rotation of the master key that is not finished, and a key that is missing", async () => {
    const older = server.settings["RINGBACK_MASTER_KEY"]!;
    const newer = randomBytes(32).toString("base64");
    const both = { RINGBACK_MASTER_KEY: newer, RINGBACK_MASTER_KEYS_PREVIOUS: older };
    const unfinished = await doctor({ ...healthy(), ...both });
    expect(unfinished.states).toMatchObject({ "master key": "warn" });
    expect(unfinished.text).toContain("run `ringback keys rotate master`");
    const { pool } = server.database;
    const { rows } = await pool.query<{ value: string }>(
      "select value from settings where name = 'master_key_check'",
    );
    const checks = `${createVault([newer]).seal("master_key_check")} ${rows[0]!.value}`;
    try {
      await pool.query("update settings set value = $1 where name = 'master_key_check'", [checks]);
      const { states, text } = await doctor(healthy());
      expect(states).toMatchObject({ "master key": "fail" });
      expect(text).toContain("RINGBACK_MASTER_KEYS_PREVIOUS");
    } finally {
      const value = rows[0]!.value;
      await pool.query("update settings set value = $1 where name = 'master_key_check'", [value]);
    }
  });

  test("sees late work, missing workers and a schema that is not there", async () => {
    const other = await createTestDatabase();
    const env = { ...healthy(), DATABASE_URL: other.url };
    try {
      await letInsertJobs(other.pool);
      await other.pool.query(
        `with a as (insert into accounts (id, name)
           values (gen_random_uuid(), 'late') returning id)
         insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
           max_runs, request_id, trace_id, next_run_at)
         select gen_random_uuid(), a.id, 'demo.echo', 'pending', '{}', '{}', '[]', 1, 1, '', '',
           now() - interval '5 minutes' from a`,
      );
      const idle = await doctor(env);
      expect(idle.states).toMatchObject({ workers: "fail", jobs: "warn", deliveries: "ok" });
      expect(idle.text).toContain("the oldest has waited 5 min");
      expect(idle.text).toContain("ringback serve --roles compute,deliver");
      await other.pool.query(`alter table ringback_migrations rename to elsewhere`);
      await other.pool.query(`drop schema graphile_worker cascade`);
      const bare = await doctor(env);
      expect(bare.states).toMatchObject({ schema: "fail", "queue schema": "fail" });
      expect(bare.states).not.toHaveProperty("workers");
      expect(bare.text).toContain("ringback migrate");
    } finally {
      await other.drop();
    }
  });

  test("a setting that is wrong, a database and a server that are away", async () => {
    const setting = await doctor({ ...healthy(), RINGBACK_NO_SUCH: "1" });
    expect(setting.states).toEqual({ node: "ok", settings: "fail" });
    const away = await doctor({
      ...healthy(),
      DATABASE_URL: "postgres://nobody:hunter2@127.0.0.1:9/x",
      RINGBACK_URL: "http://127.0.0.1:9",
    });
    expect(away.states).toMatchObject({ database: "fail", server: "fail" });
    expect(away.states).not.toHaveProperty("clock");
    expect(away.text).not.toContain("hunter2");
    const nothing = await doctor({ RINGBACK_DATA_DIR: "/no/such", RINGBACK_URL: server.url });
    expect(nothing.states).toMatchObject({ database: "warn", server: "ok", "api key": "warn" });
  });

  test("tells a pooler in transaction mode from a direct connection", async () => {
    expect(await checkSessions(server.database.url)).toMatchObject({ state: "ok" });
    const pooler = await startTransactionPooler(server.database.url);
    try {
      const { state, detail } = await checkSessions(pooler.url);
      expect({ state, detail }).toMatchObject({ state: "fail" });
      expect(detail).toContain("transaction mode");
    } finally {
      await pooler.close();
    }
  });

  test("M5, L8: says what is set otherwise, and overridden", async () => {
    const { url, pool, drop } = await createTestDatabase();
    const reader = new pg.Client({ connectionString: `${url}?options=-c%20enable_seqscan%3Don` });
    try {
      const name = new URL(url).pathname.slice(1);
      await pool.query(`alter database ${name} set default_transaction_isolation = 'serializable'`);
      await pool.query(`alter database ${name} set jit = on`);
      await pool.query(`alter database ${name} set synchronous_commit = off`);
      await reader.connect();
      const own = await checkOwnSettings(reader, url);
      expect(own).toMatchObject({ state: "ok" });
      expect(own.detail).toContain("default_transaction_isolation = serializable (database)");
      expect(own.detail).toContain("jit = on (database)");
      expect(own.detail).toContain("enable_seqscan = on (DATABASE_URL)");
      const durability = await checkDurability(reader);
      expect(durability).toMatchObject({ state: "warn" });
      expect(durability.detail).toContain("a crash may lose what was acknowledged");
      await reader.query("set default_transaction_read_only = on");
      expect(await checkDurability(reader)).toMatchObject({ state: "fail" });
      // of the throwaway server of the tests
      const { detail } = await checkVacuum(reader);
      expect(detail).toContain("autovacuum off");
    } finally {
      await reader.end();
      await drop();
    }
  });

  test("M5: a pooler that forgets settings is found out", async () => {
    const pooler = await startTransactionPooler(server.database.url);
    const reader = new pg.Client({ connectionString: server.database.url });
    await reader.connect();
    // another client of the pooler, on the same session, sets its own in between
    const { query } = pg.Client.prototype;
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      const text = (args[0] as { text?: string }).text ?? "";
      if (text.includes("set_config(")) args[0] = { text: `${text}; set jit = on` };
      return (query as (...all: unknown[]) => unknown).apply(this, args);
    } as typeof query;
    try {
      const { state, detail } = await checkOwnSettings(reader, pooler.url);
      expect({ state, detail }).toEqual({ state: "fail", detail: "do not hold: jit = on" });
    } finally {
      pg.Client.prototype.query = query;
      await reader.end();
      await pooler.close();
    }
  });

  test("names a transaction that holds back vacuum", async () => {
    const { pool, drop } = await createTestDatabase();
    const holder = await pool.connect();
    try {
      expect(await checkOldTransactions(pool)).toMatchObject({ state: "ok", detail: "none" });
      await holder.query("set application_name = 'report of last week'");
      await holder.query("begin isolation level repeatable read; select 1");
      expect(await checkOldTransactions(pool)).toMatchObject({ state: "ok" });
      const { state, detail } = await checkOldTransactions(pool, 0);
      expect(state).toBe("warn");
      expect(detail).toMatch(/^pid \d+ \(report of last week, idle in transaction\) for /);
    } finally {
      await holder.query("rollback");
      holder.release();
      await drop();
    }
  });

  test("an old Node is refused", () => {
    expect(checkNode("22.19.0").state).toBe("fail");
    expect(checkNode("24.0.0").state).toBe("ok");
  });
});
