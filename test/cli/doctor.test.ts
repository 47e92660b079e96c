import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { checkNode } from "../../src/cli/doctor/program-checks.ts";
import { checkSessions } from "../../src/cli/doctor/check-sessions.ts";
import { createVault } from "../../src/core/vault.ts";
import { createTestDatabase } from "../support/database.ts";
import type { Environment } from "../support/ringback-process.ts";
import { startCommand, startServer } from "./cli.ts";
import type { TestServer } from "./cli.ts";
import { startTransactionPooler } from "./shared-session.ts";

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
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
    expect({ code, stderr, lines: lines.length }).toEqual({ code: 0, stderr: "", lines: 15 });
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
    });
    expect(code).toBe(1);
    expect(states).toMatchObject({
      "master key": "fail",
      "api key": "fail",
      "public url": "warn",
      targets: "warn",
      database: "ok",
      workers: "ok",
    });
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
      await other.pool.query(
        `with a as (insert into accounts (id, name)
           values (gen_random_uuid(), 'late') returning id)
         insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s,
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

  test("an old Node is refused", () => {
    expect(checkNode("22.19.0").state).toBe("fail");
    expect(checkNode("24.0.0").state).toBe("ok");
  });
});
