import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { parseId } from "../../src/core/ids.ts";
import { createExpiry } from "../../src/flow/maintenance/expire.ts";
import { audit, eventually, LATER, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi, TestEndpoint } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const DAY_S = 86_400;

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
    await receiver.close();
    await api.stop();
  }
});
beforeEach(() => {
  receiver.respond(200);
  receiver.requests.length = 0;
});

/** As if this time had passed since everything in the lane. */
async function grow(laneId: string, seconds: number): Promise<void> {
  await api.database.pool.query(
    `update deliveries set next_attempt_at = next_attempt_at - $2 * interval '1 second',
       budget_from = budget_from - $2 * interval '1 second',
       give_up_at = give_up_at - $2 * interval '1 second'
     where lane_id = $1 and status = 'pending'`,
    [laneId, seconds],
  );
}

async function publishMany(type: string, count: number): Promise<string[]> {
  const ids = [];
  for (let n = 0; n < count; n++) ids.push((await api.publish(type, { n })).deliveries[0]!.id);
  return ids;
}

async function expire(): Promise<number> {
  return await createExpiry(api.context).turn();
}

/** Turns until a delivery has ended: a lane that others change just now is left for the next. */
async function expireUntilEnded(id: string): Promise<void> {
  await eventually(async () => {
    await expire();
    return (await api.delivery(id)).status === "pending" ? undefined : true;
  }, `the end of ${id}`);
}

async function isFree({ laneId }: TestEndpoint): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await api.database.pool.query(
      "select from lanes where id = $1 and leased_by is null",
      [laneId],
    );
    return rowCount === 1 ? true : undefined;
  }, "the lane to be left");
}

const EXPIRED = { status: "dead", dead_reason: "expired" };

describe("a delivery that is too old", () => {
  test("while its endpoint is paused: it ends, a younger one does not, and neither is sent", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["age.a"] });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    const old = await publishMany("age.a", 3);
    await grow(endpoint.laneId, 3 * DAY_S + 1);
    const [young] = await publishMany("age.a", 1);
    await expireUntilEnded(old.at(-1)!);
    for (const id of old) {
      expect(await api.delivery(id)).toMatchObject({
        ...EXPIRED,
        dead_detail: "not delivered within 3 days",
        attempts: [],
      });
    }
    expect(await api.delivery(young!)).toMatchObject({ status: "pending" });
    expect(receiver.requests).toEqual([]);
    // the inbox has them, and a replay is a new start
    const { data } = await api.must(200, "GET", "/v1/dead-letters?reason=expired");
    expect((data as { id: string }[]).map(({ id }) => id)).toEqual(expect.arrayContaining(old));
    await api.must(202, "POST", `/v1/deliveries/${old[0]}/replay`);
    await expire();
    expect(await api.delivery(old[0]!)).toMatchObject({ status: "pending" });
    await grow(endpoint.laneId, 3 * DAY_S + 1);
    await expireUntilEnded(old[0]!);
    expect(await api.delivery(old[0]!)).toMatchObject(EXPIRED);
    await api.must(202, "POST", `/v1/deliveries/${old[1]}/replay`);
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    expect(await api.ended(old[1]!)).toMatchObject({ status: "delivered" });
  });

  test("while the breaker is open, whether it was attempted or not", async () => {
    const endpoint = await api.endpoint(receiver.url, {
      events: ["age.b"],
      max_in_flight: 1,
      retry: LATER,
      give_up_after_s: 3_600,
    });
    receiver.respond(503);
    const ids = await publishMany("age.b", 14);
    await receiver.waitFor(10, 15_000);
    await isFree(endpoint);
    await expire();
    expect(await api.deliveries(`endpoint_id=${endpoint.id}&status=pending`)).toHaveLength(14);
    await grow(endpoint.laneId, 3_601);
    await expireUntilEnded(ids.at(-1)!);
    const all = await Promise.all(ids.map((id) => api.delivery(id)));
    for (const one of all) {
      expect(one).toMatchObject({ ...EXPIRED, dead_detail: "not delivered within 60 minutes" });
    }
    expect(all.filter(({ attempt_count }) => attempt_count === 1)).toHaveLength(10);
    expect(receiver.requests).toHaveLength(10);
  });

  test("is given up by who pumps the lane, before it is sent and past the rate limit", async () => {
    const endpoint = await api.endpoint(receiver.url, {
      events: ["age.c"],
      rate_limit_per_s: 0.02,
      give_up_after_s: 600,
    });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    const old = await publishMany("age.c", 4);
    await isFree(endpoint);
    await grow(endpoint.laneId, 601);
    const [young] = await publishMany("age.c", 1);
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/resume`);
    for (const id of old) {
      expect(await api.ended(id)).toMatchObject({ ...EXPIRED, attempts: [] });
    }
    expect(await api.ended(young!)).toMatchObject({ status: "delivered" });
    expect(receiver.requests).toHaveLength(1);
  });

  test("is attempted no later than its age allows, and ends then", async () => {
    const { id } = await api.endpoint(receiver.url, {
      events: ["age.d"],
      retry: LATER,
      give_up_after_s: 60,
    });
    receiver.respond({ status: 503, headers: { "retry-after": "86400" } });
    const [one] = await publishMany("age.d", 1);
    const { next_attempt_at } = await eventually(async () => {
      const found = await api.delivery(one!);
      return found.attempt_count === 1 ? found : undefined;
    }, "the attempt");
    expect(Date.parse(next_attempt_at!) - Date.now()).toBeLessThanOrEqual(60_000);
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { give_up_after_s: 61 } });
    expect(await api.delivery(one!)).toMatchObject({ status: "pending" });
    const row = parseId("delivery", one!);
    await api.database.pool.query(
      `update deliveries set budget_from = now() - interval '61 seconds', next_attempt_at = now()
       where id = $1`,
      [row],
    );
    await api.must(200, "PATCH", `/v1/endpoints/${id}`, { body: { description: "wakes it" } });
    expect(await api.ended(one!)).toMatchObject({ ...EXPIRED, attempt_count: 1 });
  });

  test("may be delivered after all when it is being sent: what is held is left alone", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["age.e"], max_in_flight: 1 });
    receiver.respond({ status: 200, delayMs: 1_500 });
    const [flying, waiting] = await publishMany("age.e", 2);
    await receiver.waitFor(1, 10_000);
    await grow(endpoint.laneId, 4 * DAY_S);
    await expire();
    expect(await api.ended(flying!)).toMatchObject({ status: "delivered", attempt_count: 1 });
    // read before its age was over, or given up
    await api.ended(waiting!);
    expect((await api.delivery(flying!)).status).toBe("delivered");
  });

  test("a callback has a limit of its own, shorter or longer than the others of its origin", async () => {
    receiver.respond(503);
    const jobs: string[] = [];
    for (const give_up_after_s of [60, 20 * DAY_S, undefined]) {
      const own = give_up_after_s === undefined ? {} : { give_up_after_s };
      jobs.push(await api.job([{ url: `${receiver.url}/age`, retry: LATER, ...own }]));
    }
    const ids = await Promise.all(
      jobs.map(
        async (job) =>
          await eventually(async () => {
            const [found] = await api.deliveries(`job_id=${job}`);
            return found?.attempt_count === 1 ? found.id : undefined;
          }, "the attempt"),
      ),
    );
    const { rows } = await api.database.pool.query<{ lane_id: string }>(
      "select lane_id from deliveries where id = $1",
      [parseId("delivery", ids[0]!)],
    );
    const { lane_id: laneId } = rows[0]!;
    const endpoint = { laneId } as TestEndpoint;
    const states = async () => {
      await isFree(endpoint);
      await expire();
      return (await Promise.all(ids.map((id) => api.delivery(id)))).map(({ status }) => status);
    };
    await grow(laneId, 61);
    expect(await states()).toEqual(["dead", "pending", "pending"]);
    expect(await api.delivery(ids[0]!)).toMatchObject({
      ...EXPIRED,
      dead_detail: "not delivered within the time that its callback gave",
    });
    await api.database.pool.query(
      "update lanes set breaker_until = now() + interval '1 hour' where id = $1",
      [laneId],
    );
    await grow(laneId, 3 * DAY_S);
    expect(await states()).toEqual(["dead", "pending", "dead"]);
    await grow(laneId, 20 * DAY_S);
    expect(await states()).toEqual(["dead", "dead", "dead"]);
  });

  test("in an ordered lane lets the next one go", async () => {
    const endpoint = await api.endpoint(receiver.url, {
      events: ["age.f"],
      ordered: true,
      retry: LATER,
      give_up_after_s: 600,
    });
    receiver.respond(500);
    const [head, next] = await publishMany("age.f", 2);
    await receiver.waitFor(1, 10_000);
    await isFree(endpoint);
    receiver.respond(200);
    await api.database.pool.query(
      "update deliveries set budget_from = now() - interval '1 hour' where id = $1",
      [parseId("delivery", head!)],
    );
    await expireUntilEnded(head!);
    expect(await api.delivery(head!)).toMatchObject(EXPIRED);
    expect(await api.ended(next!)).toMatchObject({ status: "delivered" });
  });

  test("many, by two processes at once: each ends once, and the books balance", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["age.g"] });
    await api.must(200, "POST", `/v1/endpoints/${endpoint.id}/pause`);
    await publishMany("age.g", 1);
    await api.database.pool.query(
      `with more as (
         insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
           body_bytes, created_at, status, next_attempt_at)
         select gen_random_uuid(), account_id, message_id, event_type, endpoint_id, lane_id, url,
           body_bytes, created_at, status, next_attempt_at
         from deliveries cross join generate_series(1, 1299)
         where lane_id = $1 and status = 'pending' returning message_id)
       update messages set delivery_count = 1300 where id in (select message_id from more)`,
      [endpoint.laneId],
    );
    await grow(endpoint.laneId, 4 * DAY_S);
    await isFree(endpoint);
    const counts = await Promise.all([expire(), expire(), expire()]);
    while ((await expire()) > 0) await sleep(10);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1_300);
    const { rows } = await api.database.pool.query(
      `select count(*)::int as n, count(l.reason)::int as letters from deliveries d
       left join dead_letters l on l.delivery_id = d.id
       where d.lane_id = $1 and d.status = 'dead'`,
      [endpoint.laneId],
    );
    expect(rows).toEqual([{ n: 1_300, letters: 1_300 }]);
  });
});

describe("bounds", () => {
  test.each([
    [{ give_up_after_s: 59 }, "/give_up_after_s"],
    [{ give_up_after_s: 2_592_001 }, "/give_up_after_s"],
    [{ disable_after_s: 3_600 }, "/disable_after_s"],
    [{ final_status: [200] }, "/final_status/0"],
    [{ final_status: [404, 404] }, "/final_status"],
    [{ retry: { delays_s: [] } }, "/retry/delays_s"],
    [{ retry: { delays_s: [2_592_001] } }, "/retry/delays_s/0"],
    [{ retry: { delays_s: Array.from({ length: 51 }, () => 1) } }, "/retry/delays_s"],
    [{ retry: { delays_s: [1], base_s: 2 } }, "/retry/base_s"],
  ])("%j is refused", async (fields, pointer) => {
    const body = { url: receiver.url, ...fields };
    const problem = await api.must(422, "POST", "/v1/endpoints", { body });
    expect(problem["errors"]).toMatchObject([{ pointer }]);
  });
});
