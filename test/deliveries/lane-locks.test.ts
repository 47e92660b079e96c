import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatId, newId } from "../../src/core/ids.ts";
import { CHANGE_STEP } from "../../src/db/deliveries/deliveries.ts";
import { inTransaction } from "../../src/db/transaction.ts";
import type { Tx } from "../../src/db/transaction.ts";
import { findReceivers, publish } from "../../src/flow/deliveries/publish.ts";
import { createTestContext } from "../support/context.ts";
import { audit, dataOf, eventually, LATER, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { count, endpointAt } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

// Nobody waits for producers, and nothing is done to any number of deliveries in one transaction.

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await receiver?.close();
    await api?.stop();
  }
});

/**
 * What a producer does in its transaction when it finds the lane leased; here it may take its time.
 * One that finds it free also adds its wake-up, which others who want one wait for.
 */
async function produce(tx: Tx, type: string, data = "{}"): Promise<void> {
  await tx.query("set local idle_in_transaction_session_timeout = 0");
  const createdAt = new Date();
  const publication = {
    accountId: api.accountId,
    type,
    jobId: null,
    callbacks: [],
    body: JSON.stringify({ type, timestamp: createdAt, data: JSON.parse(data) as unknown }),
    createdAt,
    requestId: "req",
    traceId: "0af7651916cd43dd8448eb211c80319c",
  };
  const held = await findReceivers(tx, [publication]);
  const lanes = [...held.lanes].map(([id, lane]) => [id, { ...lane, leased_by: newId() }] as const);
  await publish(tx, [publication], undefined, { ...held, lanes: new Map(lanes) });
}

/** Many pending deliveries of one message each, as if published one after the other. */
async function backlog(endpoint: { uuid: string; laneId: string }, many: number): Promise<void> {
  const { pool } = api.database;
  const first = Date.now() - 3_600_000;
  const hex = (n: number): string => (first + n).toString(16).padStart(12, "0");
  const ids = Array.from({ length: many }, (_, n) => {
    return `${hex(n).slice(0, 8)}-${hex(n).slice(8)}-7${newId().slice(15)}`;
  });
  await pool.query(
    `with m as (
       insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
       select id, $2, 'backlog', json_build_object('data', json_build_object('n', n - 1))::text, 1,
         'r', 't' from unnest($1::uuid[]) with ordinality as t(id, n))
     insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
       body_bytes, created_at, status, next_attempt_at)
     select id, $2, id, 'backlog', $3, $4, 'x', 20, now() - interval '1 hour', 'pending',
       -- in another order than they were made in
       now() - interval '1 hour' + (n * 7919 % $5) * interval '1 ms'
     from unnest($1::uuid[]) with ordinality as t(id, n)`,
    [ids, api.accountId, endpoint.uuid, endpoint.laneId, many],
  );
}

/** The most deliveries of a lane that one transaction has changed. */
async function mostAtOnce(laneId: string, where: string): Promise<number> {
  const { rows } = await api.database.pool.query<{ most: number }>(
    `select coalesce(max(n), 0)::int as most from (
       select count(*) as n from deliveries where lane_id = $1 and ${where} group by xmin::text) t`,
    [laneId],
  );
  return rows[0]!.most;
}

describe("H2: producers under way", () => {
  test.each([{ ordered: true }, { ordered: false }])(
    "do not keep an admin from pausing, changing and deleting an endpoint: %j",
    async ({ ordered }) => {
      const type = `flood.${ordered}`;
      const { id } = await api.endpoint(receiver.url, { events: [type], ordered });
      await inTransaction(api.context.pool, async (tx) => {
        await produce(tx, type);
        // both kinds of locks of a producer are held now
        const change = async (method: string, path: string, body?: object): Promise<void> => {
          await api.must(200, method, `/v1/endpoints/${id}${path}`, body && { body });
        };
        await change("POST", "/pause");
        await change("POST", "/resume");
        await change("PATCH", "", { max_in_flight: 3 });
        await change("PATCH", "", { ordered: !ordered });
        await change("PATCH", "", { ordered });
        await api.must(204, "DELETE", `/v1/endpoints/${id}`);
      });
    },
  );

  test("do not keep the lane from being leased, settled and passed on", async () => {
    const { laneId } = await api.endpoint(receiver.url, { events: ["flood.x"], ordered: true });
    const second = await createTestContext({ database: api.database });
    receiver.requests.length = 0;
    try {
      await api.publish("flood.x", { n: 0 });
      await inTransaction(api.context.pool, async (tx) => {
        await produce(tx, "flood.x");
        await receiver.waitFor(1, 10_000);
        await eventually(async () => {
          const delivered = "deliveries where lane_id = $1 and status = 'delivered'";
          return (await count(api, delivered, [laneId])) === 1 ? true : undefined;
        }, "the settlement");
      });
      await receiver.waitFor(2, 10_000);
    } finally {
      await second.stop();
    }
  });
});

test("M1: producers, settlements and changes of ordered endpoints never deadlock", async () => {
  const types = ["dead.a", "dead.b"];
  const made = types.map(() => api.endpoint(receiver.url, { events: types, ordered: true }));
  const endpoints = await Promise.all(made);
  const deadlocks = async (): Promise<number> => {
    const { rows } = await api.database.pool.query<{ deadlocks: string }>(
      "select deadlocks from pg_stat_database where datname = current_database()",
    );
    return Number(rows[0]!.deadlocks);
  };
  const before = await deadlocks();
  const until = performance.now() + 3_000;
  const producer = async (type: string): Promise<void> => {
    while (performance.now() < until) await api.publish(type);
  };
  const admin = async (index: number): Promise<void> => {
    for (let ordered = false; performance.now() < until; ordered = !ordered) {
      await api.must(200, "PATCH", `/v1/endpoints/${endpoints[index]!.id}`, { body: { ordered } });
      await api.must(200, "POST", `/v1/endpoints/${endpoints[index]!.id}/resume`);
    }
  };
  await Promise.all([...types, ...types, ...types].map(producer).concat(admin(0), admin(1)));
  await eventually(
    async () => {
      const ids = [endpoints.map(({ laneId }) => laneId)];
      const pending = "deliveries where lane_id = any($1) and status = 'pending'";
      return (await count(api, pending, ids)) === 0 ? true : undefined;
    },
    "all to be delivered",
    20_000,
  );
  expect(await deadlocks()).toBe(before);
});

test("a job whose ordered lane is locked for long does not hold up the ends of other jobs", async () => {
  const { laneId } = await api.endpoint(receiver.url, { events: ["nothing"], ordered: true });
  const { rows } = await api.database.pool.query<{ id: string }>(
    "select id from endpoints where lane_id = $1",
    [laneId],
  );
  const ordered = { endpoint_id: formatId("endpoint", rows[0]!.id) };
  await api.job([ordered]);
  await eventually(async () => {
    return (await count(api, "lane_positions where lane_id = $1", [laneId])) === 1
      ? true
      : undefined;
  }, "its first place");
  const other = await startReceiver();
  await inTransaction(api.context.pool, async (tx) => {
    await tx.query("set local idle_in_transaction_session_timeout = 0");
    await tx.query("select from lane_positions where lane_id = $1 for update", [laneId]);
    const jobs = Array.from({ length: 40 }, (_, n) =>
      api.job(n % 10 === 0 ? [ordered] : [{ url: `${other.url}/${n}` }]),
    );
    await Promise.all(jobs);
    await other.waitFor(36, 10_000);
  });
  await eventually(async () => {
    const delivered = "deliveries where lane_id = $1 and status = 'delivered'";
    return (await count(api, delivered, [laneId])) === 5 ? true : undefined;
  }, "those that waited");
  await other.close();
});

test("a wake-up that waits is left alone by later producers", async () => {
  const idle = await createTestContext({ worker: false });
  const { laneId } = await endpointAt(idle, receiver.url, { events: ["waits"] });
  const entry = async (): Promise<unknown> => {
    const { rows } = await idle.database.pool.query(
      "select ctid, xmin::text from graphile_worker._private_jobs where key = $1",
      [`pump-lane:${laneId}`],
    );
    expect(rows).toHaveLength(1);
    return rows[0];
  };
  const publication = {
    accountId: idle.accountId,
    type: "waits",
    jobId: null,
    callbacks: [],
    body: "{}",
    requestId: "req",
    traceId: "0af7651916cd43dd8448eb211c80319c",
  };
  const one = async (): Promise<unknown> =>
    await inTransaction(idle.context.pool, (tx) =>
      publish(tx, [{ ...publication, createdAt: new Date() }]),
    );
  await one();
  const first = await entry();
  for (let n = 0; n < 10; n++) await one();
  expect(await entry()).toEqual(first);
  await idle.stop();
});

describe("H3: changes of an endpoint with many pending deliveries go in steps", () => {
  const MANY = 3 * CHANGE_STEP + 500;

  test("it is deleted", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["h3.a"] });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    await backlog(endpoint, MANY);
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
    const where = "deliveries where lane_id = $1 and status = 'canceled'";
    await eventually(async () => {
      return (await count(api, where, [endpoint.laneId])) === MANY ? true : undefined;
    }, "all to be canceled");
    const most = await mostAtOnce(endpoint.laneId, "status = 'canceled'");
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(CHANGE_STEP);
  });

  test("it is made ordered: by age, and nothing of a producer that did not know is left over", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["h3.b"], retry: LATER });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    await backlog(endpoint, CHANGE_STEP + 300);
    await inTransaction(api.context.pool, async (tx) => {
      await produce(tx, "h3.b", `{"n":"late"}`);
      await api.must(200, "PATCH", `/v1/endpoints/${endpoint.id}`, { body: { ordered: true } });
      receiver.respond(204);
      receiver.requests.length = 0;
      await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
      // it is sent while that producer is under way
      await receiver.waitFor(1, 10_000);
    });
    const places = "lane_position is not null";
    const unplaced = `deliveries where lane_id = $1 and status = 'pending' and not ${places}`;
    await eventually(async () => {
      return (await count(api, unplaced, [endpoint.laneId])) === 0 ? true : undefined;
    }, "a place for each");
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    const pending = `${places} and status = 'pending'`;
    expect(await mostAtOnce(endpoint.laneId, pending)).toBeLessThanOrEqual(CHANGE_STEP);
    const sent = receiver.requests.map((r) => dataOf(r)["n"]).filter((n) => n !== "late");
    expect(sent).toEqual(Array.from({ length: sent.length }, (_, n) => n));
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
    await eventually(async () => {
      const left = "deliveries where lane_id = $1 and status = 'pending'";
      return (await count(api, left, [endpoint.laneId])) === 0 ? true : undefined;
    }, "the rest to be canceled");
  });
});
