import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CHANNELS, createNotifier } from "../../src/db/notifier.ts";
import type { Notifier } from "../../src/db/notifier.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/jobs.ts";

let database: TestDatabase;
let notifier: Notifier;
const warnings: string[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
  warnings.length = 0;
  const log = { warn: (text: string) => warnings.push(text), error: () => undefined };
  notifier = createNotifier({ databaseUrl: database.url, log });
});
afterEach(async () => {
  await notifier.close();
  await database.drop();
});

function handler() {
  const got: string[] = [];
  return { got, notified: (text: string) => got.push(text), missed: () => got.push("missed") };
}

async function notify(topic: keyof typeof CHANNELS, payload: string): Promise<void> {
  await database.pool.query("select pg_notify($1, $2)", [CHANNELS[topic], payload]);
}

async function connections(): Promise<number[]> {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'ringback notifier'`,
  );
  return rows.map(({ pid }) => pid);
}

test("one connection brings each topic to its handlers", async () => {
  expect(await connections()).toEqual([]);
  const [nudges, activity, late] = [handler(), handler(), handler()];
  notifier.subscribe("nudges", nudges);
  const leave = notifier.subscribe("activity", activity);
  await notifier.listening();
  await notify("nudges", "a");
  await notify("activity", "b");
  await until("both", () => nudges.got.length === 2 && activity.got.length === 2);
  expect([nudges.got, activity.got]).toEqual([
    ["missed", "a"],
    ["missed", "b"],
  ]);
  // of a topic that is listened to already nothing is missed
  notifier.subscribe("activity", late);
  leave();
  await notify("activity", "c");
  await until("the late one", () => late.got.length > 0);
  expect([activity.got, late.got]).toEqual([["missed", "b"], ["c"]]);
  expect(await connections()).toHaveLength(1);
  await notifier.close();
  await until("the end of the connection", async () => (await connections()).length === 0);
  expect(warnings).toEqual([]);
});

test("a connection that breaks is made anew, and its handlers are told that they missed something", async () => {
  const nudges = handler();
  notifier.subscribe("nudges", nudges);
  await notifier.listening();
  for (let round = 1; round <= 2; round += 1) {
    const [pid] = await connections();
    await database.pool.query("select pg_terminate_backend($1)", [pid]);
    await until("the next connection", () => nudges.got.length === 2 * round);
    await notify("nudges", "again");
    await until("the notification", () => nudges.got.length === 2 * round + 1);
  }
  expect(nudges.got).toEqual(["missed", "missed", "again", "missed", "again"]);
  expect(warnings).toHaveLength(2);
});

test("one that never could connect is closed without waiting", async () => {
  const away = createNotifier({
    databaseUrl: "postgres://nobody@127.0.0.1:1/none",
    log: { warn: (text: string) => warnings.push(text), error: () => undefined },
  });
  away.subscribe("nudges", handler());
  const listening = away.listening();
  await until("a warning", () => warnings.length > 1);
  const began = performance.now();
  await away.close();
  await listening;
  expect(performance.now() - began).toBeLessThan(900);
  const count = warnings.length;
  await sleep(200);
  expect(warnings).toHaveLength(count);
});
