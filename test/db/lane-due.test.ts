import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { readOutlooks } from "../../src/db/deliveries/due.ts";
import { findStarvedLanes } from "../../src/db/deliveries/lanes.ts";
import { findOldestDue, readGauges } from "../../src/db/statistics/gauges.ts";
import { getOverview, listLanes } from "../../src/db/statistics/overview.ts";
import { findOutstanding, findTimeToNext } from "../../src/db/time-travel.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

interface Situation {
  ordered?: boolean;
  /** Columns of the endpoint and of the lane, in SQL. */
  endpoint?: string;
  lane?: string;
  /** Seconds from now, and the place, if it has one. */
  pending: [seconds: number, position?: number][];
}

let database: TestDatabase;
const account = newId();

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`insert into accounts (id, name) values ($1, 'a')`, [account]);
});
afterEach(async () => {
  await database.pool.query("truncate deliveries, endpoints, lanes cascade");
});
afterAll(async () => await database.drop());

async function make(situation: Situation): Promise<string> {
  const lane = newId();
  const endpoint = newId();
  const { ordered = false, pending } = situation;
  await database.pool.query(
    `with made as (insert into endpoints (id, account_id, lane_id, url, description, events,
         ordered, max_in_flight, timeout_s, retry) values
       ('${endpoint}', '${account}', '${lane}', 'https://a.test/', '', '{*}', ${ordered}, 1, 1, '{}'))
     insert into lanes (id, account_id, endpoint_id, ordered) values
       ('${lane}', '${account}', '${endpoint}', ${ordered})`,
  );
  if (situation.endpoint !== undefined) {
    await database.pool.query(`update endpoints set ${situation.endpoint}`);
  }
  if (situation.lane !== undefined) await database.pool.query(`update lanes set ${situation.lane}`);
  for (const [seconds, position = null] of pending) {
    await database.pool.query(
      `insert into deliveries (id, account_id, message_id, event_type, lane_id, lane_position, url,
         body_bytes, status, next_attempt_at)
       values ($1, $2, $1, 'x', $3, $4, 'https://a.test/', 2, 'pending',
         now() + $5 * interval '1 second')`,
      [newId(), account, lane, position, seconds],
    );
  }
  return lane;
}

/** Seconds from now at which each of those who ask takes the one lane there is for due. */
async function asked(): Promise<Record<string, number | null>> {
  const { pool } = database;
  const { oldest_due_at } = await getOverview(pool, account);
  const { oldest_delivery_s: doctor } = await findOldestDue(pool);
  const { oldest_delivery_s: metric } = await readGauges(pool);
  const { rows } = await pool.query<{ now: Date }>("select now()");
  const { starved } = await findStarvedLanes(pool, { overdueMs: 0, after: null, limit: 10 });
  const outstanding = await findOutstanding(pool);
  const next = await findTimeToNext(pool);
  const fromNow = (at: Date | null): number | null =>
    at === null ? null : Math.round((at.getTime() - rows[0]!.now.getTime()) / 1_000);
  const ago = (seconds: number | null): number | null => seconds && -Math.round(seconds);
  expect({ starved: starved.length, outstanding }).toEqual(
    doctor === null
      ? { starved: 0, outstanding: [] }
      : { starved: 1, outstanding: ["a lane with due deliveries"] },
  );
  return {
    overview: fromNow(oldest_due_at),
    doctor: ago(doctor),
    metric: ago(metric),
    clock: next === null ? null : Math.round(next / 1_000),
  };
}

const due = (s: number): object => ({ overview: s, doctor: s, metric: s, clock: s });
const later = (s: number | null): object => ({
  overview: null,
  doctor: null,
  metric: null,
  clock: s,
});
const IN_ORDER = { ordered: true };

test.each<[string, Situation, object]>([
  ["nothing", { pending: [] }, later(null)],
  ["the earliest", { pending: [[60], [-30], [-10]] }, due(-30)],
  ["one that waits", { pending: [[60], [90]] }, later(60)],
  [
    "the head of an order",
    {
      ...IN_ORDER,
      pending: [
        [-10, 1],
        [-90, 2],
      ],
    },
    due(-10),
  ],
  [
    "what waits behind the head",
    {
      ...IN_ORDER,
      pending: [
        [60, 1],
        [-90, 2],
      ],
    },
    later(60),
  ],
  ["what has no place yet", { ...IN_ORDER, pending: [[-20]] }, due(-20)],
  ["an open breaker", { lane: "breaker_until = now() + '40 s'", pending: [[-9]] }, later(40)],
  [
    "a breaker to probe",
    { lane: "breaker_until = now() - interval '5 s'", pending: [[-9]] },
    due(-5),
  ],
  ["a rate limit", { lane: "next_send_at = now() + '8 s'", pending: [[-9]] }, later(8)],
  [
    "a disabled endpoint",
    {
      endpoint: "state = 'disabled', disabled_reason = 'admin'",
      pending: [[-9]],
    },
    due(-9),
  ],
  ["a paused endpoint", { endpoint: "state = 'paused'", pending: [[-9]] }, later(null)],
  [
    "a paused endpoint that is deleted",
    { endpoint: "state = 'paused', deleted_at = now()", pending: [[-9]] },
    due(-9),
  ],
])("all who ask agree when a lane is due: %s", async (_name, situation, expected) => {
  await make(situation);
  expect(await asked()).toEqual(expected);
});

test("what waits in a lane is listed and looked at by its holder, whatever holds it back", async () => {
  const lane = await make({ endpoint: "state = 'paused'", pending: [[-9]] });
  const [listed] = await listLanes(database.pool, account, { limit: 1 });
  expect(listed).toMatchObject({ pending: 1, oldest_due_at: expect.any(Date) });
  const { due_ms } = (await readOutlooks(singleStatement(database.pool), [lane])).get(lane)!;
  expect(due_ms).toBeLessThan(-8_000);
});
