import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createReconciler } from "../../src/flow/maintenance/reconcile.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { eventually, findGaps, readBooks, startDeliveryApi } from "../support/delivery.ts";
import type { Books, DeliveryApi, TestEndpoint } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const CHURN_MS = 10_000;

let api: DeliveryApi;
let second: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  second = await createTestContext({ database: api.database });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await second?.stop();
  await api?.stop();
});

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)]!;
}

test("the books balance at every instant of a churn of failures, replays and deletions", async () => {
  receiver.respond(({ path }) => {
    const dice = Math.random();
    if (path === "/gone") return dice < 0.05 ? 410 : 200;
    if (path === "/bad") return dice < 0.7 ? 500 : 200;
    return { status: dice < 0.2 ? 503 : 200, delayMs: Math.random() * 30 };
  });
  const endpoints: TestEndpoint[] = [];
  const add = async (): Promise<void> => {
    const n = endpoints.length;
    endpoints.push(
      await api.endpoint(`${receiver.url}${["/", "/bad", "/gone"][n % 3]}`, {
        events: ["churn"],
        ordered: n % 4 === 0,
        max_in_flight: 4,
        retry: { max_attempts: 2, base_s: 0.1, factor: 1, cap_s: 1 },
      }),
    );
  };
  for (let n = 0; n < 6; n++) await add();

  const until = performance.now() + CHURN_MS;
  const churning = (): boolean => performance.now() < until;
  const seen: Books[] = [];
  let sampling = true;

  const sample = async (): Promise<void> => {
    while (sampling) seen.push(await readBooks(api.database.pool));
  };
  const publish = async (): Promise<void> => {
    while (churning()) await api.publish("churn", { at: Date.now() });
  };
  const submit = async (): Promise<void> => {
    while (churning()) {
      await api.job([{ url: `${receiver.url}/bad`, retry: { max_attempts: 2, base_s: 0.1 } }]);
      await sleep(20);
    }
  };
  const replay = async (): Promise<void> => {
    while (churning()) {
      for (const status of ["dead", "delivered"]) {
        const ids = (await api.deliveries(`status=${status}`)).slice(0, 20).map(({ id }) => id);
        // refused while its endpoint is disabled, canceled or deleted: 409
        const answer = ids.length && (await api.ask("POST", `/v1/deliveries/${pick(ids)}/replay`));
        expect(answer ? [202, 409] : [0]).toContain(answer ? answer.status : 0);
      }
      const body = { filter: { status: pick(["dead", "delivered"]), since: ago(2_000) } };
      await api.must(202, "POST", "/v1/replays", { body });
      await sleep(300);
    }
  };
  const meddle = async (): Promise<void> => {
    while (churning()) {
      const { id } = pick(endpoints);
      const action = pick(["pause", "resume", "enable", "enable", "order", "delete"]);
      if (action === "order") {
        const body = { ordered: Math.random() < 0.5, max_in_flight: 1 + (Date.now() % 8) };
        const { status } = await api.ask("PATCH", `/v1/endpoints/${id}`, { body });
        expect([200, 404]).toContain(status);
      } else if (action === "delete") {
        const { status } = await api.ask("DELETE", `/v1/endpoints/${id}`);
        expect([204, 404]).toContain(status);
        if (status === 204) await add();
      } else {
        const { status } = await api.ask("POST", `/v1/endpoints/${id}/${action}`);
        expect([200, 404, 409]).toContain(status);
      }
      await sleep(60);
    }
  };
  const sampler = sample();
  await Promise.all([publish(), publish(), submit(), replay(), meddle(), meddle()]);

  // let everything come to its end
  receiver.respond(200);
  for (const { id } of endpoints) await api.ask("POST", `/v1/endpoints/${id}/enable`);
  await eventually(
    async () => ((await readBooks(api.database.pool)).pending === 0 ? true : undefined),
    "the end of all deliveries",
    20_000,
  );
  sampling = false;
  await sampler;

  expect(seen.length).toBeGreaterThan(50);
  expect(seen.filter(({ unbalanced }) => unbalanced > 0)).toEqual([]);
  for (const books of seen) {
    expect(books.created).toBe(books.pending + books.delivered + books.dead + books.canceled);
  }
  // the churn did what it was meant to
  const final = await readBooks(api.database.pool);
  expect(final.messages).toBeGreaterThan(50);
  expect(final.delivered).toBeGreaterThan(100);
  expect(final.dead).toBeGreaterThan(0);
  expect(final.canceled).toBeGreaterThan(0);
  const { rows } = await api.database.pool.query<{ manual: number }>(
    "select count(*)::int as manual from attempts where manual",
  );
  expect(rows[0]!.manual).toBeGreaterThan(0);
  expect(await findGaps(api.database.pool)).toEqual([]);
  expect(await unlogged()).toEqual([]);
  expect(await deadlocks()).toBe(0);
  // no wake-up was lost on the way
  expect(await createReconciler(api.context, async () => undefined).turn()).toEqual({
    lanes: 0,
    replays: 0,
    deletions: 0,
  });
});

async function deadlocks(): Promise<number> {
  const { rows } = await api.database.pool.query<{ n: number }>(
    "select deadlocks::int as n from pg_stat_database where datname = current_database()",
  );
  return rows[0]!.n;
}

function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

/** Attempts that a receiver saw and the log does not have, or the reverse. */
async function unlogged(): Promise<string[]> {
  const { rows } = await api.database.pool.query<{ key: string }>(
    `select a.request_headers::json ->> 'webhook-signature' || a.number as key from attempts a`,
  );
  const logged = rows.map(({ key }) => key);
  const arrived = receiver.requests.map(
    ({ headers }) => `${headers["webhook-signature"]}${headers["ringback-attempt"]}`,
  );
  const [inLog, atReceiver] = [new Set(logged), new Set(arrived)];
  return [...logged.filter((k) => !atReceiver.has(k)), ...arrived.filter((k) => !inLog.has(k))];
}
