import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { SETTINGS } from "../../src/db/connection.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createPool } from "../../src/db/pool.ts";
import { createTestContext } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { callbackTo, submit, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import { startSessionPooler } from "../support/session-pooler.ts";

/** The opposite of all that the product relies on. */
const OTHERWISE = {
  jit: "on",
  default_transaction_isolation: "repeatable read",
  plan_cache_mode: "force_custom_plan",
  enable_partition_pruning: "on",
  enable_seqscan: "on",
  enable_bitmapscan: "on",
  lock_timeout: "7",
  idle_session_timeout: "3000",
  datestyle: "German",
  intervalstyle: "iso_8601",
  timezone: "Asia/Kathmandu",
  statement_timeout: "3000",
  idle_in_transaction_session_timeout: "1",
};

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => await database.drop());

async function setOtherwise(): Promise<void> {
  const { rows } = await database.pool.query<{ name: string }>(
    "select quote_ident(current_database()) as name",
  );
  for (const [name, value] of Object.entries(OTHERWISE)) {
    await database.pool.query(`alter database ${rows[0]!.name} set ${name} = '${value}'`);
  }
}

function withOptions(url: string, options: Record<string, string>): string {
  const text = Object.entries(options).map(
    ([name, value]) => `-c ${name}=${value.replace(" ", "\\ ")}`,
  );
  return `${url}?options=${encodeURIComponent(text.join(" "))}`;
}

async function settingsOf(client: Pick<pg.ClientBase, "query">): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where lower(name) = any($1) or name = 'application_name'",
    [[...Object.keys(SETTINGS), ...Object.keys(OTHERWISE)]],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name.toLowerCase(), setting]));
}

/** Every connection that is made while `work` goes on, and lasts. */
async function connectionsOf(work: () => Promise<void>): Promise<Set<pg.Client>> {
  const found = new Set<pg.Client>();
  const { connect } = pg.Client.prototype;
  pg.Client.prototype.connect = function (this: pg.Client, ...args: unknown[]) {
    found.add(this);
    this.once("end", () => found.delete(this));
    return (connect as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof connect;
  try {
    await work();
  } finally {
    pg.Client.prototype.connect = connect;
  }
  return found;
}

test("M5, L8: each connection states what it relies on, whatever the database says", async () => {
  await setOtherwise();
  const receiver = await startReceiver();
  let t: Awaited<ReturnType<typeof createTestContext>> | undefined;
  const open = await connectionsOf(async () => {
    t = await createTestContext({ database });
    await submit(t, {
      type: "demo.echo",
      input: {},
      callbacks: [callbackTo(`${receiver.url}/hook`)],
    });
    await until("the webhook", () => receiver.requests.length === 1);
  });
  const names = new Set<string>();
  for (const client of open) {
    const { application_name: name, ...settings } = await settingsOf(client);
    // those of the test itself
    if (!name!.startsWith("ringback ")) continue;
    names.add(name!);
    const { statement_timeout, idle_in_transaction_session_timeout: idle, ...rest } = settings;
    const { transaction_timeout: _, ...stated } = SETTINGS;
    const newer = rest["transaction_timeout"] === undefined ? {} : { transaction_timeout: "0" };
    expect({ name, ...rest }).toEqual({ name, ...stated, ...newer });
    expect(["12000", "4000"]).toContain(statement_timeout);
    expect(idle).toBe("2000");
  }
  expect([...names].toSorted()).toEqual([
    "ringback compute,deliver",
    "ringback liveness",
    "ringback notifier",
  ]);
  await t!.stop();
  await receiver.close();
  await Promise.all([...open].map((client) => client.end()));
});

test("M5: options in the URL keep what is theirs and replace nothing of ours", async () => {
  const url = withOptions(database.url, { ...OTHERWISE, search_path: "public,pg_temp" });
  const pool = createPool({
    connectionString: `${url}&statement_timeout=500&application_name=mine`,
    max: 1,
    name: "test",
    onError: () => undefined,
  });
  try {
    const client = await pool.connect();
    const { transaction_timeout: _, ...stated } = SETTINGS;
    expect(await settingsOf(client)).toMatchObject({
      ...stated,
      statement_timeout: "12000",
      application_name: "ringback test",
    });
    const { rows } = await client.query("show search_path");
    expect(rows).toEqual([{ search_path: "public,pg_temp" }]);
    client.release();
  } finally {
    await pool.end();
  }
});

test("M5: a pooler in session mode takes what connects, and settings hold behind it", async () => {
  const pooler = await startSessionPooler(database.url);
  const refused = new pg.Client({ connectionString: pooler.url, statement_timeout: 1 });
  refused.on("error", () => undefined);
  await expect(refused.connect()).rejects.toThrow("unsupported startup parameter");
  const receiver = await startReceiver();
  const t = await createTestContext({ database: { ...database, url: pooler.url } });
  try {
    await migrate(pooler.url);
    const callbacks = [callbackTo(`${receiver.url}/hook`)];
    await submit(t, { type: "demo.echo", input: {}, callbacks });
    await until("the webhook", () => receiver.requests.length === 1);
    const client = await t.context.pool.connect();
    expect(await settingsOf(client)).toMatchObject({
      enable_partition_pruning: "off",
      jit: "off",
      statement_timeout: "12000",
    });
    client.release();
  } finally {
    await t.stop();
    await receiver.close();
    await pooler.close();
  }
});

test("a connection whose settings were not taken is given to nobody", async () => {
  const { query } = pg.Client.prototype;
  let refusals = 1;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const text = (args[0] as { text?: string }).text ?? "";
    if (text.includes("set_config") && refusals-- > 0) args[0] = { text: "select 1 / 0" };
    return (query as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  const options = { connectionString: database.url, max: 1, name: "test" };
  const pool = createPool({ ...options, onError: () => undefined });
  try {
    await expect(pool.query("select 1")).rejects.toThrow("division by zero");
    expect(pool.totalCount).toBe(0);
    expect((await pool.query("show jit")).rows).toEqual([{ jit: "off" }]);
  } finally {
    pg.Client.prototype.query = query;
    await pool.end();
  }
});

test("L8: what a database says of isolation and time limits stops no migration", async () => {
  await database.pool.query(
    "drop schema public cascade; create schema public; drop schema graphile_worker cascade",
  );
  await setOtherwise();
  await migrate(database.url);
  const { rows } = await database.pool.query("select count(*)::int as count from jobs");
  expect(rows).toEqual([{ count: 0 }]);
});
