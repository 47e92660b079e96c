import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sendMissed } from "../../src/flow/deliveries/missed.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import { createExpiry } from "../../src/flow/maintenance/expire.ts";
import { createTestContext, type TestContext } from "../support/context.ts";
import { endpointAt } from "../support/jobs.ts";
import { explain, listenIn, rowsRead } from "../support/plans.ts";

const ROWS = 20_000;
/** A few rows for each lane, step and partition. */
const MOST_READ = ROWS / 20;

let t: TestContext;
let endpointId: string;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  ({ id: endpointId } = await endpointAt(t, "http://127.0.0.1:9/held", { events: ["held"] }));
  // a backlog of a week's age limit: none of it is past it, and half of it was attempted
  await t.database.pool.query(`
    create function v7(kind text, g int) returns uuid language sql stable as $$
      select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(kind || g), 1, 3) || '8' || substr(md5(kind || g), 4, 15))::uuid $$;
    insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
    select v7('message', g), '${t.accountId}', 'held', '{}', 1, '', ''
    from generate_series(1, ${ROWS}) g;
    insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
      body_bytes, status, next_attempt_at, budget_from, give_up_at, attempt_count, free_attempts)
    select v7('delivery', g), account_id, v7('message', g), 'held', id, lane_id, url, 2, 'pending',
      now() - interval '1 hour', case when g % 2 = 0 then now() - interval '1 day' end,
      case when g % 4 = 1 then now() + interval '1 hour' end, g % 2, 0
    from generate_series(1, ${ROWS}) g cross join (select * from endpoints) e;
    `);
  await t.database.pool.query("vacuum analyze");
}, 60_000);
afterAll(async () => await t?.stop());

/** Looks at the statements of some work whose text fits. */
async function readBy(work: () => Promise<unknown>, fits = /./): Promise<void> {
  const asked = await listenIn(async () => void (await work()));
  expect(asked.length).toBeGreaterThan(0);
  for (const query of asked) {
    if (!/^\s*(select|with|update)\b/.test(query.text) || !fits.test(query.text)) continue;
    const plan = await explain(t.database.pool, query);
    const big = /^(deliveries|messages)/;
    const read = rowsRead(plan, big);
    expect({ text: query.text, read, few: read <= MOST_READ }).toMatchObject({ few: true });
  }
}

test("what is past its age is found along indexes, however much is not", async () => {
  await readBy(() => createExpiry(t.context).turn());
});

test("and what is, without a look at the rest", async () => {
  await t.database.pool.query(
    `update deliveries set next_attempt_at = next_attempt_at - interval '4 days',
       budget_from = budget_from - interval '4 days'
     where id in (select id from deliveries where give_up_at is null limit 40)`,
  );
  let expired = 0;
  await readBy(async () => (expired = await createExpiry(t.context).turn()));
  expect(expired).toBe(40);
});

test("what an endpoint missed is looked for among the messages of that time", async () => {
  const order = { accountId: t.accountId, endpointId, since: new Date(), dryRun: false };
  await readBy(async () => {
    const { id } = await sendMissed(t.context, order);
    await runReplay(t.context, id);
  }, /from messages where account_id/);
});
