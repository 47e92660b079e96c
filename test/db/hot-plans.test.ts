import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createTestContext, type TestContext } from "../support/context.ts";
import { changeEndpointState } from "../../src/flow/accounts/endpoints.ts";
import { callbackTo, endpointAt, submit, until, warmUp } from "../support/jobs.ts";
import { explain, listenIn, rowsRead } from "../support/plans.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { letInsertJobs } from "../support/job-states.ts";

const ROWS = 20_000;
/** A few rows, in each of the partitions. */
const MOST_READ = ROWS / 50;

let t: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  receiver = await startReceiver();
  const { id } = await endpointAt(t, `${receiver.url}/paused`, { events: ["never"] });
  await changeEndpointState(t.context, {
    accountId: t.accountId,
    endpointId: id,
    action: "pause",
  });
  await letInsertJobs(t.database.pool);
  // a history, and a backlog in the one lane that the planner knows of
  await t.database.pool.query(`
    create function v7(kind text, g int) returns uuid language sql stable as $$
      select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(kind || g), 1, 3) || '8' || substr(md5(kind || g), 4, 15))::uuid $$;
    insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s, max_runs,
      run, result, request_id, trace_id, finished_at)
    select v7('job', g), '${t.accountId}', 'demo.echo', 'completed', '{}', '{}', '[]', 600, 5, 1,
      '{}', '', '', now() from generate_series(1, ${ROWS}) g;
    insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
    select v7('message', g), '${t.accountId}', 'never', repeat(md5(g::text), 30), 1, '', ''
    from generate_series(1, ${ROWS}) g;
    insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id, lane_id, url,
      body_bytes, status, next_attempt_at)
    select v7('delivery', g), account_id, v7('message', g), v7('job', g), 'never', id, lane_id, url,
      960, 'pending', now()
    from generate_series(1, ${ROWS}) g cross join (select * from endpoints) e`);
  await t.database.pool.query("vacuum analyze");
}, 60_000);
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});

test("what processes do for a job and a delivery goes by keys, planned for any values", async () => {
  await endpointAt(t, `${receiver.url}/endpoint`);
  const asked = await listenIn(async () => {
    const worker = await createTestContext({ database: t.database });
    await warmUp(t);
    for (let n = 0; n < 3; n += 1) {
      await submit(t, {
        type: "demo.echo",
        input: {},
        callbacks: [callbackTo(`${receiver.url}/callback`)],
      });
    }
    await until("all webhooks", () => receiver.requests.length >= 6);
    await worker.stop();
  });
  const statements = new Map(asked.map((query) => [query.text, query]));
  const read: Record<string, number> = {};
  for (const query of statements.values()) {
    const adds = /insert into (jobs|messages|deliveries|lanes)/.test(query.text);
    if (adds || !/^\s*(select|with|update|delete)\b/.test(query.text)) continue;
    read[query.text] = rowsRead(await explain(t.database.pool, query));
  }
  expect(Object.keys(read).length).toBeGreaterThan(20);
  expect(Object.entries(read).filter(([, rows]) => rows > MOST_READ)).toEqual([]);
});
