import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import type { Environment, RingbackProcess } from "../support/ringback-process.ts";

let database: TestDatabase;
let name: string;
let url: string;
let dataDir: string;
const started: RingbackProcess[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  name = `${new URL(database.url).pathname.slice(1)}_empty`;
  await database.pool.query(`create database ${name} template template0`);
  url = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
  dataDir = mkdtempSync(join(tmpdir(), "ringback-none-"));
});
afterAll(async () => {
  for (const one of started) await endProcess(one);
  await database?.pool.query(`drop database ${name} with (force)`);
  await database?.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

function environment(more: Environment = {}): Environment {
  return {
    DATABASE_URL: url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_DATA_DIR: dataDir,
    PORT: "0",
    RINGBACK_DRAIN_SECONDS: "0",
    ...more,
  };
}

function start(args: string[], more: Environment = {}): RingbackProcess {
  const one = startRingback(["serve", ...args], environment(more));
  started.push(one);
  return one;
}

async function stop(one: RingbackProcess): Promise<void> {
  one.kill("SIGTERM");
  expect((await one.ended).code).toBe(0);
}

test("two that start at once on an empty database both come up; one shows the key, once", async () => {
  const both = [start([]), start([])];
  for (const one of both) await one.wrote('"message":"ready"', 25_000);
  const keys = both.flatMap(({ output }) => output.stdout.match(/rk_[\w-]{20,}/g) ?? []);
  expect(new Set(keys).size).toBe(1);
  const shown = both.filter(({ output }) => output.stdout.includes("shown this once"));
  expect(shown).toHaveLength(1);
  const response = await fetch(`${/http:\S+/.exec(both[1]!.output.stdout)![0]}/v1/job-types`, {
    headers: { authorization: `Bearer ${keys[0]}` },
  });
  expect(response.status).toBe(200);
  expect(both[0]!.output.stdout).toMatch(/^ {2}Receivers {4}public https only$/m);
  for (const one of both) await stop(one);

  const later = start(["--roles", "api"]);
  await later.wrote('"message":"ready"');
  expect(later.output.stdout).not.toContain("rk_");
  expect(later.output.stdout).toMatch(/^ {2}Roles {8}api$/m);
  await stop(later);

  const password = new URL(url).password;
  const { stdout, stderr } = await later.ended;
  for (const secret of [TEST_MASTER_KEY, ...(password === "" ? [] : [password])]) {
    expect(stdout + stderr).not.toContain(secret);
  }
  for (const one of both) expect((await one.ended).stderr).not.toContain(keys[0]);
  expect(readdirSync(dataDir)).toEqual([]);
});

test("a given API key works and is not shown", async () => {
  const key = "rk_given_given_given_given";
  const one = start(["--roles", "api"], { RINGBACK_API_KEY: key });
  await one.wrote('"message":"ready"');
  const address = /http:\S+/.exec(one.output.stdout)![0];
  const response = await fetch(`${address}/v1/jobs`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(response.status).toBe(200);
  await stop(one);
  const { stdout, stderr } = await one.ended;
  expect(stdout + stderr).not.toContain(key);
});

test.each<[string, () => Environment]>([
  ["RINGBACK_MASTER_KEY", () => ({ RINGBACK_MASTER_KEY: Buffer.alloc(32, 9).toString("base64") })],
  ["DATABASE_URL", () => ({ DATABASE_URL: urlWith({ password: "hunter2", username: "nobody" }) })],
  ["DATABASE_URL", () => ({ DATABASE_URL: urlWith({ pathname: "/no_such_database" }) })],
])("a wrong %s is told in one line", async (variable, wrong) => {
  const { code, stdout, stderr } = await runRingback(["serve"], environment(wrong()));
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^ringback: .*\n$/);
  expect(stderr).toContain(variable);
  expect(stderr).not.toContain("hunter2");
});

function urlWith(parts: Partial<URL>): string {
  return Object.assign(new URL(url), parts).href;
}
