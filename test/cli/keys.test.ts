import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findApiKey } from "../../src/db/accounts/api-keys.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { runRingback } from "../support/ringback-process.ts";
import type { Ended } from "../support/ringback-process.ts";

let database: TestDatabase;
let emptyUrl: string;
beforeAll(async () => {
  database = await createTestDatabase();
  const name = `${new URL(database.url).pathname.slice(1)}_empty`;
  await database.pool.query(`create database ${name} template template0`);
  emptyUrl = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
});
afterAll(async () => {
  await database?.pool.query(`drop database ${new URL(emptyUrl).pathname.slice(1)} with (force)`);
  await database?.drop();
});

async function keys(args: string[], masterKey = TEST_MASTER_KEY): Promise<Ended> {
  return await runRingback(["keys", "create", "--database", ...args], {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: masterKey,
  });
}

async function callerOf(key: string) {
  return await findApiKey(database.pool, createHash("sha256").update(key).digest());
}

describe("ringback migrate", () => {
  test("makes the schema in an empty database, twice at once, and again", async () => {
    const env = { DATABASE_URL: emptyUrl, RINGBACK_MASTER_KEY: TEST_MASTER_KEY };
    const both = await Promise.all([runRingback(["migrate"], env), runRingback(["migrate"], env)]);
    both.push(await runRingback(["migrate"], env));
    for (const { code, stdout, stderr } of both) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toBe("The database is up to date.\n");
    }
    const key = await runRingback(["keys", "create", "--database", "--scopes", "jobs"], env);
    expect(key.code).toBe(0);
  });
});

describe("ringback keys rotate signing --database", () => {
  test("rotates the key of an account, without a server", async () => {
    await keys(["--scopes", "jobs"]);
    const rotate = async (...args: string[]): Promise<Ended> =>
      await runRingback(["keys", "rotate", "signing", "--database", ...args], {
        DATABASE_URL: database.url,
        RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
      });
    const { code, stdout, stderr } = await rotate("--activate-in-s", "0", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { rows } = await database.pool.query<{ kid: string }>(
      `select k.kid from signing_keys k join accounts a on a.id = k.account_id
       where a.name = 'default' order by k.not_before desc`,
    );
    const told = JSON.parse(stdout) as { kid: string; previous: { kid: string } };
    expect([told.kid, told.previous.kid]).toEqual(rows.map(({ kid }) => kid));
    const refused = await rotate("--account", "nobody");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe('ringback: there is no account "nobody"\n');
  });
});

describe("ringback keys create --database", () => {
  test("prints a key that works, and keeps only its hash", async () => {
    const { code, stdout, stderr } = await keys(["--scopes", "jobs, webhooks", "--name", "ci"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^rk_[\w-]{32}\n$/);
    const key = stdout.trim();
    const caller = await callerOf(key);
    expect(caller?.scopes).toEqual(["jobs", "webhooks"]);
    const { rows } = await database.pool.query<{ row: string; account: string }>(
      `select to_jsonb(k)::text as row, a.name as account from api_keys k
       join accounts a on a.id = k.account_id where k.id = $1`,
      [caller!.keyId],
    );
    expect(rows[0]!.account).toBe("default");
    expect(rows[0]!.row).toContain('"ci"');
    expect(rows[0]!.row).not.toContain(key.slice(3));
  });

  test("makes the account when it is missing, once", async () => {
    const made = [
      await keys(["--scopes", "admin", "--account", "acme"]),
      await keys(["--scopes", "jobs", "--account", "acme"]),
    ];
    const accounts = await Promise.all(made.map(({ stdout }) => callerOf(stdout.trim())));
    expect(accounts[0]!.accountId).toBe(accounts[1]!.accountId);
    const { rowCount } = await database.pool.query("select from accounts where name = 'acme'");
    expect(rowCount).toBe(1);
  });

  test("refuses what it can't do in one line", async () => {
    const other = randomBytes(32).toString("base64");
    const refused = [
      [await keys(["--scopes", "jobs,root"]), 2, 'unknown scope "root"'],
      [await keys(["--scopes", "jobs"], other), 1, "RINGBACK_MASTER_KEY is not the one"],
      [
        await runRingback(["keys", "create", "--database", "--scopes", "jobs"], {}),
        1,
        "DATABASE_URL",
      ],
    ] as const;
    for (const [{ code, stdout, stderr }, exitCode, expected] of refused) {
      expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
      expect(stderr).toMatch(/^ringback: .*\n$/);
      expect(stderr).toContain(expected);
      expect(stderr).not.toContain(other);
    }
  });

  test("on a database without the schema it says what to do", async () => {
    const name = `${new URL(database.url).pathname.slice(1)}_bare`;
    await database.pool.query(`create database ${name} template template0`);
    const url = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
    const { code, stderr } = await runRingback(
      ["keys", "create", "--database", "--scopes", "jobs"],
      {
        DATABASE_URL: url,
        RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
      },
    );
    await database.pool.query(`drop database ${name} with (force)`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ringback: .*ringback migrate.*\n$/);
  });
});
