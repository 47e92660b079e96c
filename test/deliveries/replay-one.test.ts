import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import type { Delivery } from "../../src/core/model.ts";
import { listAttempts } from "../../src/db/deliveries/attempts.ts";
import { getDelivery } from "../../src/db/deliveries/deliveries.ts";
import { changeEndpointState, deleteEndpoint } from "../../src/flow/accounts/endpoints.ts";
import { publishMessage } from "../../src/flow/deliveries/publish-message.ts";
import { replayDelivery } from "../../src/flow/deliveries/replay.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { insertPast } from "../support/dead-letters.ts";
import { count, endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const TWO_TRIES = { max_attempts: 2, base_s: 0.1, factor: 1, cap_s: 1 };
const LATER = { max_attempts: 3, base_s: 3_600, factor: 1, cap_s: 86_400 };

const ALL = { limit: 100, maxBytes: 1e6 };
let t: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  t = await createTestContext();
});
beforeEach(async () => {
  await receiver?.close();
  receiver = await startReceiver();
  await t.database.pool.query("update endpoints set deleted_at = now()");
});
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});

/** One delivery to a new endpoint. */
async function deliver(
  retry: typeof TWO_TRIES,
): Promise<{ id: string; endpointId: string; laneId: string }> {
  const endpoint = await endpointAt(t, `${receiver.url}/hook`, { retry });
  const published = await publishMessage(t.context, {
    accountId: t.accountId,
    type: "own.event",
    data: "{}",
    requestId: "req",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    idempotency: null,
  });
  if (published.kind !== "created") throw new Error("not created");
  return {
    id: published.deliveries[0]!.id,
    endpointId: endpoint.id,
    laneId: endpoint.laneId,
  };
}

async function look(id: string): Promise<Delivery> {
  return (await getDelivery(t.context.pool, t.accountId, id))!;
}

async function reaches(id: string, expected: Partial<Delivery>): Promise<Delivery> {
  let last: Delivery | null = null;
  return await until(JSON.stringify(expected), async () => {
    last = await look(id);
    const fits = Object.entries(expected).every(
      ([key, value]) => last![key as keyof Delivery] === value,
    );
    return fits ? last : null;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(last)}`);
  });
}

async function replay(id: string): Promise<Delivery> {
  return await replayDelivery(t.context, { accountId: t.accountId, deliveryId: id });
}

describe("a delivery that ended", () => {
  test("a dead one gets a fresh budget, its attempt numbers go on, its id stays", async () => {
    receiver.respond(500);
    const { id } = await deliver(TWO_TRIES);
    await reaches(id, { status: "dead", attempt_count: 2, dead_reason: "exhausted" });
    expect(await replay(id)).toMatchObject({ status: "pending", dead_reason: null });
    // no letter while it is tried: the books balance at every moment
    await reaches(id, { status: "dead", attempt_count: 4, dead_reason: "exhausted" });
    expect(await count(t, "dead_letters where delivery_id = $1", [id])).toBe(1);
    receiver.respond(200);
    await replay(id);
    await reaches(id, { status: "delivered", attempt_count: 5 });
    expect(await count(t, "dead_letters where delivery_id = $1", [id])).toBe(0);

    const attempts = await listAttempts(t.context.pool, id, ALL);
    expect(attempts.map(({ number, manual }) => [number, manual])).toEqual([
      [5, true],
      [4, false],
      [3, true],
      [2, false],
      [1, false],
    ]);
    const headers = receiver.requests.map((r) => r.headers);
    expect(new Set(headers.map((h) => h["webhook-id"])).size).toBe(1);
    expect(headers.map((h) => h["ringback-attempt"])).toEqual(["1", "2", "3", "4", "5"]);
    expect(await count(t, "books where not balanced")).toBe(0);
  });

  test("a delivered one is sent again", async () => {
    const { id } = await deliver(TWO_TRIES);
    await reaches(id, { status: "delivered", attempt_count: 1 });
    expect((await replay(id)).status).toBe("pending");
    await reaches(id, { status: "delivered", attempt_count: 2 });
    expect(receiver.requests[1]!.body.equals(receiver.requests[0]!.body)).toBe(true);
  });

  test("ordered twice at once, it is sent once more", async () => {
    const { id } = await deliver(TWO_TRIES);
    await reaches(id, { status: "delivered", attempt_count: 1 });
    await Promise.all([replay(id), replay(id), replay(id)]);
    const { attempt_count } = await until("rest", async () => {
      const delivery = await look(id);
      return delivery.status === "delivered" && delivery.attempt_count > 1 ? delivery : null;
    });
    // the orders may come one after another, but none while it is under way
    expect(attempt_count).toBeLessThanOrEqual(4);
    expect(receiver.requests).toHaveLength(attempt_count);
  });
});

describe("a delivery that is pending", () => {
  async function scheduled() {
    receiver.respond(500);
    const delivery = await deliver(LATER);
    const { next_attempt_at } = await until("its retry", async () => {
      const found = await look(delivery.id);
      return found.attempt_count === 1 ? found : null;
    });
    return { ...delivery, schedule: next_attempt_at! };
  }

  test("one attempt now; when it fails the schedule is as it was", async () => {
    const { id, schedule } = await scheduled();
    expect(schedule.getTime()).toBeGreaterThan(Date.now() + 2_000_000);
    await replay(id);
    const after = await until("the extra attempt", async () => {
      const found = await look(id);
      return found.attempt_count === 2 ? found : null;
    });
    expect(after).toMatchObject({ status: "pending", next_attempt_at: schedule });
    expect((await listAttempts(t.context.pool, id, ALL)).map(({ manual }) => manual)).toEqual([
      true,
      false,
    ]);
  });

  test("it costs nothing of the budget", async () => {
    const { id, laneId } = await scheduled();
    await replay(id);
    await reaches(id, { attempt_count: 2 });
    await replay(id);
    await reaches(id, { attempt_count: 3 });
    // the second and third automatic attempt
    for (const attempts of [4, 5]) {
      expect(await look(id)).toMatchObject({ status: "pending" });
      await t.database.pool.query(
        "update deliveries set next_attempt_at = now() where id = $1 and status = 'pending'",
        [id],
      );
      await t.database.pool.query(
        `select graphile_worker.add_job('pump-lane', json_build_object('id', $1::text),
           job_key => 'pump-lane:' || $1)`,
        [laneId],
      );
      await reaches(id, { attempt_count: attempts });
    }
    expect(await look(id)).toMatchObject({ status: "dead", dead_reason: "exhausted" });
    expect((await look(id)).dead_detail).toContain("3 attempts failed");
  });

  test("when it succeeds the delivery is delivered", async () => {
    const { id } = await scheduled();
    receiver.respond(200);
    await replay(id);
    expect(await reaches(id, { status: "delivered" })).toMatchObject({
      attempt_count: 2,
      next_attempt_at: null,
    });
  });

  test("ordered many times at once it is one attempt", async () => {
    const { id, schedule } = await scheduled();
    receiver.respond({ status: 500, delayMs: 500 });
    await Promise.all(Array.from({ length: 5 }, () => replay(id)));
    await reaches(id, { attempt_count: 2 });
    expect(await look(id)).toMatchObject({ status: "pending", next_attempt_at: schedule });
    expect(receiver.requests).toHaveLength(2);
  });

  test("a Retry-After beyond the schedule is heeded", async () => {
    const { id, schedule } = await scheduled();
    receiver.respond({ status: 503, headers: { "retry-after": "20000" } });
    await replay(id);
    const { next_attempt_at } = await reaches(id, { attempt_count: 2 });
    expect(next_attempt_at!.getTime()).toBeGreaterThan(schedule.getTime());
  });
});

describe("refused", () => {
  test("for a disabled endpoint, until it is enabled", async () => {
    receiver.respond(410);
    const { id, endpointId } = await deliver(TWO_TRIES);
    await reaches(id, { status: "dead", dead_reason: "gone" });
    const before = await look(id);
    await expect(replay(id)).rejects.toMatchObject({ code: "endpoint_state" });
    expect(await look(id)).toEqual(before);
    receiver.respond(200);
    const endpoint = { accountId: t.accountId, endpointId };
    await changeEndpointState(t.context, { ...endpoint, action: "enable" });
    await replay(id);
    await reaches(id, { status: "delivered", attempt_count: 2 });
  });

  test("for a deleted endpoint, dead or canceled", async () => {
    const endpoint = await endpointAt(t, `${receiver.url}/deleted`);
    const of = { laneId: endpoint.laneId, endpointId: endpoint.id, url: receiver.url };
    const [dead, canceled] = await insertPast(t, [of, { ...of, status: "canceled" }]);
    await deleteEndpoint(t.context, { accountId: t.accountId, endpointId: endpoint.id });
    await expect(replay(dead!)).rejects.toMatchObject({ code: "endpoint_state" });
    await expect(replay(canceled!)).rejects.toMatchObject({ code: "delivery_state" });
    expect(receiver.requests).toEqual([]);
  });

  test("for another account, and for what does not exist", async () => {
    const { id } = await deliver(TWO_TRIES);
    await reaches(id, { status: "delivered" });
    const other = await t.addAccount("other");
    await expect(
      replayDelivery(t.context, { accountId: other.accountId, deliveryId: id }),
    ).rejects.toMatchObject({ code: "not_found" });
    await expect(replay(newId())).rejects.toMatchObject({ code: "not_found" });
    expect((await look(id)).status).toBe("delivered");
  });
});
