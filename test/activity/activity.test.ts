import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import type { Tx } from "../../src/db/transaction.ts";
import { inOneTrip, inTransaction, sessionTx } from "../../src/db/transaction.ts";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import { recordActivity } from "../../src/flow/activity/record.ts";
import { startApi, type TestApi } from "../http/api.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { listen, listenByWebSocket, type TestListener } from "../support/activity-listener.ts";
import { until } from "../support/jobs.ts";

let api: TestApi;
let other: TestContext;
const open: TestListener[] = [];

beforeAll(async () => {
  api = await startApi({ worker: false });
  other = await createTestContext({ worker: false, database: api.database });
});
afterEach(() => {
  for (const listener of open.splice(0)) listener.close();
});
afterAll(async () => {
  await other.stop();
  await api.stop();
});

/** A transaction that has an id and, in time, an event. */
async function write(tx: Tx): Promise<void> {
  await tx.query(`insert into settings values (gen_random_uuid()::text, '')`);
}

async function record(tx: Tx, names: readonly string[], size = 0): Promise<void> {
  const things = names.map((name) => ({ account_id: api.accountId, name }));
  await recordActivity(tx, things, ({ name }) => ({
    type: "message.created",
    data: { name, ...(size === 0 ? {} : { text: "x".repeat(size) }) },
  }));
}

async function make(names: readonly string[], size?: number): Promise<void> {
  // in one trip, as a busy machine must not make the server give up on the transaction
  await inOneTrip(other.context.pool, (tx) => Promise.all([write(tx), record(tx, names, size)]));
}

/** A transaction that the test ends. */
async function begin(): Promise<{ tx: Tx; commit(): Promise<void> }> {
  const client = new pg.Client({ connectionString: api.database.url });
  await client.connect();
  await client.query("begin");
  const tx = sessionTx(client);
  await write(tx);
  return {
    tx,
    async commit() {
      await client.query("commit");
      await client.end();
    },
  };
}

async function listening(path?: string, options?: Parameters<typeof listen>[2]) {
  const listener = await listen(api, path, options);
  open.push(listener);
  return listener;
}

const namesOf = ({ received }: TestListener): unknown[] => received.map(({ data }) => data["name"]);
const upTo = (listener: TestListener, name: string): Promise<unknown> =>
  until(`to receive ${name}`, () => namesOf(listener).includes(name), 20_000);
const numbered = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

describe("across processes and transactions", () => {
  test("what one process does is sent by another, over both transports", async () => {
    const stream = await listening();
    const socket = await listenByWebSocket(api);
    open.push(socket);
    await make(["elsewhere"]);
    await Promise.all([upTo(stream, "elsewhere"), upTo(socket, "elsewhere")]);
    expect(socket.received).toMatchObject([
      { id: stream.received[0]?.id, type: "message.created" },
    ]);
  });

  test("one that commits late, with an older id, is neither passed over nor sent twice", async () => {
    const listener = await listening();
    const late = await begin();
    await make(["early"]);
    // it gets the younger number, in the older transaction
    await record(late.tx, ["late"]);
    await make(["middle"]);
    await late.commit();
    await make(["last"]);
    await upTo(listener, "last");
    expect(namesOf(listener)).toEqual(["late", "early", "middle", "last"]);
    const resumed = await listening("/v1/activity", {
      headers: { "last-event-id": listener.received[0]?.id ?? "" },
    });
    await upTo(resumed, "last");
    expect(namesOf(resumed)).toEqual(["early", "middle", "last"]);
  });

  test("one that asked whether somebody listens, and commits later, is waited for", async () => {
    await api.database.pool.query("delete from activity_interest");
    const unaware = await begin();
    await record(unaware.tx, ["not kept"]);
    let answered = false;
    const starting = listening("/v1/activity", { onAnswer: () => (answered = true) });
    await until("the interest", async () => {
      const { rows } = await api.database.pool.query("select from activity_interest");
      return rows.length > 0;
    });
    await make(["before it is ready"]);
    // a browser that sees the answer begin looks once more, and then relies on the stream
    expect(answered).toBe(false);
    await unaware.commit();
    const listener = await starting;
    await make(["after"]);
    await upTo(listener, "after");
    expect(namesOf(listener)).not.toContain("not kept");
  });

  test("what is rolled back is never sent", async () => {
    const listener = await listening();
    const failing = inTransaction(other.context.pool, async (tx) => {
      await write(tx);
      await record(tx, ["rolled back"]);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    await make(["committed"]);
    await upTo(listener, "committed");
    expect(namesOf(listener)).toEqual(["committed"]);
  });

  test("nothing is kept of an account that nobody listens to", async () => {
    await api.database.pool.query("delete from activity_interest");
    const before = await api.database.pool.query("select from activity");
    await make(["unheard"]);
    const after = await api.database.pool.query("select from activity");
    expect(after.rowCount).toBe(before.rowCount);
  });
});

describe("coming back", () => {
  test("goes on without gap and without repeat, through reconnects and another server", async () => {
    const names = numbered(1_200, "n");
    const first = await listening();
    const makeFrom = async (from: number): Promise<void> => {
      for (let at = from; at < from + 400; at += 20) await make(names.slice(at, at + 20));
    };
    let making = makeFrom(0);
    await upTo(first, "n 40");
    first.close();
    // what follows cannot have been received before, however fast it was
    making = making.then(() => makeFrom(400));
    const second = await listening("/v1/activity", { headers: { "last-event-id": first.lastId } });
    const seen = first.received.length;
    await Promise.race([upTo(second, "n 500"), making.then(() => upTo(second, "n 500"))]);
    second.close();
    making = making.then(() => makeFrom(800));
    const parts = await createTestContext({ worker: false, database: api.database });
    const stopping = new AbortController();
    const restarted = await startApiOn(parts, stopping.signal);
    const third = await listen(restarted, `/v1/activity?last_event_id=${second.lastId}`);
    await making;
    await upTo(third, names.at(-1)!);
    const all = [...namesOf(first).slice(0, seen), ...namesOf(second), ...namesOf(third)];
    expect(all).toEqual(names);
    stopping.abort();
    await until("the end of the stream", () => third.ended === "end");
    await restarted.close();
    await parts.stop();
  });

  test("after too long, or with an id of elsewhere, begins anew", async () => {
    const listener = await listening();
    await make(["old"]);
    await upTo(listener, "old");
    await api.database.pool.query("update activity set at = at - interval '16 minutes'");
    await sweep(api.context);
    for (const id of [listener.lastId, "99999999-1"]) {
      const late = await listening("/v1/activity", { headers: { "last-event-id": id } });
      expect(late.types()).toEqual(["reset"]);
    }
    await api.database.pool.query("delete from activity_interest");
  });

  test.each(["1", "a-b", "1-2-3", "99999999999999999999-1", "-1-1"])(
    "refuses the id %s",
    async (id) => {
      const answer = await api.ask("GET", `/v1/activity?last_event_id=${id}`);
      expect(answer).toMatchObject({ status: 400, body: { code: "activity_id_invalid" } });
    },
  );
});

describe("who receives what", () => {
  test("types are filtered, by name and by family", async () => {
    const jobs = await listening("/v1/activity?types=job.*,lane.changed");
    const messages = await listening("/v1/activity?types=message.created");
    await make(["x"]);
    await upTo(messages, "x");
    expect(jobs.received).toEqual([]);
    const answer = await api.ask("GET", "/v1/activity?types=job.nonsense");
    expect(answer).toMatchObject({ status: 400, body: { code: "query_invalid" } });
  });

  test("a key receives what its scopes let it read, and of its own account only", async () => {
    const jobsOnly = await api.addKey(api.accountId, ["jobs"]);
    const stranger = await api.addAccount("stranger");
    const others = [
      await listen({ port: api.port, apiKey: jobsOnly }),
      await listen({ port: api.port, apiKey: stranger.apiKey }),
    ];
    open.push(...others);
    const listener = await listening();
    await make(["private"]);
    await upTo(listener, "private");
    expect(others.map(({ received }) => received)).toEqual([[], []]);
  });

  test("one that does not read is dropped, while the others receive all", async () => {
    const names = numbered(3_000, "big");
    const slow = await listening("/v1/activity", { asleep: true });
    const healthy = await listening();
    for (let at = 0; at < names.length; at += 100) await make(names.slice(at, at + 100), 8_000);
    await upTo(healthy, names.at(-1)!);
    expect(namesOf(healthy)).toEqual(names);
    await until("the slow one to be dropped", async () => {
      const { text } = await api.context.telemetry.metrics.render();
      return text.includes('ringback_activity_listeners_closed_total{why="slow"} 1');
    });
    expect(healthy.ended).toBe(null);
    expect(slow.received.length).toBeLessThan(names.length);
  });
});

async function startApiOn(parts: TestContext, stopping: AbortSignal) {
  const { createServer } = await import("node:http");
  const { createApi } = await import("../../src/http/app.ts");
  const server = createServer(createApi({ ...parts.context, stopping }).app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    apiKey: api.apiKey,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
