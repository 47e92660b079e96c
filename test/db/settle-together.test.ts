import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { newId } from "../../src/core/ids.ts";
import { createPool } from "../../src/db/pool.ts";
import { settleDeliveries, type Settlement } from "../../src/db/deliveries/settlements.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

const DELIVERIES = 40;
const ROUNDS = 12;

let database: TestDatabase;
let pool: pg.Pool;
const account = newId();
const lane = newId();

beforeAll(async () => {
  database = await createTestDatabase();
  const { url: connectionString } = database;
  pool = createPool({ connectionString, max: 2, name: "test", onError: () => undefined });
  await pool.query(`insert into accounts (id, name) values ($1, 'a')`, [account]);
  await pool.query(
    `insert into lanes (id, account_id, origin, ordered) values ($1, $2, 'https://a.test', false)`,
    [lane, account],
  );
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function insertDeliveries(): Promise<string[]> {
  const ids = Array.from({ length: DELIVERIES }, newId);
  await pool.query(
    `insert into deliveries (id, account_id, message_id, event_type, lane_id, url, body_bytes,
       status, next_attempt_at)
     select id, $2, id, 'x', $3, 'https://a.test/', 2, 'pending', now() from unnest($1::uuid[]) id`,
    [ids, account, lane],
  );
  return ids;
}

function delivered(deliveryId: string): Settlement {
  return {
    deliveryId,
    laneId: lane,
    epoch: "0",
    number: 1,
    outcome: "delivered",
    delayMs: null,
    reason: null,
    detail: null,
    attempt: {
      id: newId(),
      url: null,
      remoteAddress: "192.0.2.1",
      startedAt: new Date(),
      durationMs: 1,
      statusCode: 204,
      errorCode: null,
      errorMessage: null,
      requestHeaders: "{}",
      responseHeaders: "{}",
      responseBody: "",
      responseTruncated: false,
      manual: false,
    },
  };
}

// Rows that changed while the statement waited for them are looked up a second time. PostgreSQL
// 18.4 crashed on that where it pruned partitions meanwhile.
test("deliveries that are canceled while their group is settled stay canceled, the others are delivered", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const ids = await insertDeliveries();
    const canceled = ids.filter((_, index) => index % 5 === 2);
    const canceling = await database.pool.connect();
    await canceling.query("begin");
    await canceling.query(
      `update deliveries set status = 'canceled', next_attempt_at = null, finished_at = now()
       where id = any($1::uuid[])`,
      [canceled],
    );
    const settling = settleDeliveries(singleStatement(pool), ids.map(delivered));
    await sleep(20);
    await canceling.query("commit");
    canceling.release();
    expect((await settling).size).toBe(DELIVERIES);
    const { rows } = await pool.query<{ status: string; count: number }>(
      `select status, count(*)::int as count from deliveries where id = any($1::uuid[])
         and exists (select from attempts where delivery_id = deliveries.id) group by status order by status`,
      [ids],
    );
    expect(rows).toEqual([
      { status: "canceled", count: canceled.length },
      { status: "delivered", count: DELIVERIES - canceled.length },
    ]);
  }
});
