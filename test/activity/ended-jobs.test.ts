import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { parseId } from "../../src/core/ids.ts";
import { CHANNELS } from "../../src/db/notifier.ts";
import { startApi, type TestApi } from "../http/api.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { until, warmUp } from "../support/jobs.ts";

let api: TestApi;
let worker: TestContext;
let client: pg.Client;
const notified: { channel: string; payload: string }[] = [];

beforeAll(async () => {
  // two processes: one takes the requests, the other computes
  api = await startApi({ worker: false, config: { roles: ["api"] } });
  worker = await createTestContext({ database: api.database });
  client = new pg.Client({ connectionString: api.database.url });
  await client.connect();
  client.on("notification", ({ channel, payload = "" }) => notified.push({ channel, payload }));
  for (const topic of ["activity", "endedJobs"] as const) {
    await client.query(`listen ${CHANNELS[topic]}`);
  }
  await warmUp(worker);
  notified.length = 0;
});
afterAll(async () => {
  await client.end();
  await worker.stop();
  await api.stop();
});

async function submit(ms: number): Promise<string> {
  const body = { type: "demo.sleep", input: { ms } };
  return String((await api.ask("POST", "/v1/jobs", { body })).body["id"]);
}

async function wait(id: string): Promise<unknown> {
  const answer = await api.ask("GET", `/v1/jobs/${id}`, { headers: { prefer: "wait=20" } });
  return answer.body["status"];
}

test("while nobody waits or listens nothing is notified", async () => {
  const id = await submit(10);
  await until("its end", async () => {
    const { rows } = await api.database.pool.query(
      "select from job_states where id = $1 and finished_at is not null",
      [parseId("job", id)],
    );
    return rows.length > 0;
  });
  await client.query("select");
  expect(notified).toEqual([]);
});

test("an end in another process is notified to those who wait for it", async () => {
  const ids = await Promise.all([submit(400), submit(700)]);
  const answers = await Promise.all(ids.map(wait));
  expect(answers).toEqual(["completed", "completed"]);
  const ended = () =>
    notified
      .filter(({ channel }) => channel === CHANNELS.endedJobs)
      .flatMap((n) => n.payload.split(" "));
  await until("both notifications", () => ended().length === 2);
  expect(new Set(ended())).toEqual(new Set(ids.map((id) => parseId("job", id))));
  // no activity is recorded for those who only wait
  expect(notified.every(({ channel }) => channel === CHANNELS.endedJobs)).toBe(true);
  const { rows } = await api.database.pool.query("select from activity");
  expect(rows).toHaveLength(0);
});

test("more ends than a payload has room for are notified in several", async () => {
  const ids = Array.from(
    { length: 450 },
    (_, n) => `00000000-0000-7000-8000-${n.toString().padStart(12, "0")}`,
  );
  notified.length = 0;
  await api.database.pool.query(
    `select job_end_listeners(array_fill($1::uuid, array[cardinality($2::uuid[])]), $2)`,
    [api.accountId, ids],
  );
  await until("all", () => notified.flatMap((n) => n.payload.split(" ")).length === ids.length);
  expect(notified).toHaveLength(3);
  expect(notified.flatMap((n) => n.payload.split(" ")).toSorted()).toEqual(ids);
});
