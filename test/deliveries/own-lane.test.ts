import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { eventually, QUICK, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

// The process that ends a job and pumps the lane of its callback hands the delivery over.

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});

async function streamOfJobs(
  callbacks: (n: number) => object[],
  goesOn: (n: number) => boolean,
): Promise<string[]> {
  const jobs: Promise<string>[] = [];
  for (let n = 0; goesOn(n); n += 1) {
    jobs.push(api.job(callbacks(n)));
    await sleep(20);
  }
  return await Promise.all(jobs);
}

const statusOf = async (job: string): Promise<string> =>
  (await api.deliveries(`job_id=${job}`))[0]?.status ?? "none";

test("what is handed over is sent once and not read", async () => {
  const { free } = api.context.dueReads;
  let reads = 0;
  api.context.dueReads.free = {
    add(wanted) {
      reads += 1;
      return free.add(wanted);
    },
  };
  const url = `${receiver.url}/once`;
  const jobs = await streamOfJobs(
    () => [{ url }],
    (n) => n < 100,
  );
  api.context.dueReads.free = free;

  for (const job of jobs) {
    await eventually(
      async () => ((await statusOf(job)) === "delivered" ? true : undefined),
      `the delivery of ${job}`,
    );
  }
  expect(reads).toBeLessThan(50);
  const ids = receiver.requests
    .filter(({ path }) => path === "/once")
    .map(({ headers }) => headers["webhook-id"]);
  expect(ids).toHaveLength(100);
  expect(new Set(ids).size).toBe(100);
});

test("a retry of the lane is not kept waiting by what is handed over", async () => {
  const url = `${receiver.url}/retried`;
  let tried = 0;
  receiver.respond(({ path }) => (path === "/retried" && ++tried === 1 ? 503 : 200));
  const others = `${receiver.url}/others`;
  const started = performance.now();
  await streamOfJobs(
    (n) => [n === 0 ? { url, retry: QUICK } : { url: others }],
    () => tried < 2 && performance.now() - started < 10_000,
  );
  expect(tried).toBe(2);
});

test("an endpoint that was paused gets nothing from jobs that end later", async () => {
  const { id } = await api.endpoint(`${receiver.url}/paused`, { events: [] });
  const callbacks = [{ endpoint_id: id }];
  await streamOfJobs(
    () => callbacks,
    (n) => n < 20,
  );
  await api.must(200, "POST", `/v1/endpoints/${id}/pause`);
  const later = await streamOfJobs(
    () => callbacks,
    (n) => n < 20,
  );
  await sleep(500);
  for (const job of later) expect(await statusOf(job)).toBe("pending");
  const sent = new Set(receiver.requests.map(({ body }) => jobOf(body)));
  for (const job of later) expect(sent.has(job)).toBe(false);

  await api.must(200, "POST", `/v1/endpoints/${id}/resume`);
  for (const job of later) {
    await eventually(
      async () => ((await statusOf(job)) === "delivered" ? true : undefined),
      `the delivery of ${job}`,
    );
  }
  await api.must(204, "DELETE", `/v1/endpoints/${id}`);
});

function jobOf(body: Buffer): unknown {
  return (JSON.parse(body.toString()) as { data: { job_id?: string } }).data.job_id;
}

test("nothing is sent of a transaction that was rolled back", async () => {
  const { pool } = api.database;
  await pool.query(`create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
    begin
      if nextval('refusals') % 3 < 2 then
        raise exception 'a neighbour goes first' using errcode = '40P01';
      end if;
      return null;
    end $$;
    create trigger refuse after insert on deliveries for each statement execute function refuse()`);
  const url = `${receiver.url}/rolled-back`;
  const jobs = await streamOfJobs(
    () => [{ url }],
    (n) => n < 40,
  );
  for (const job of jobs) {
    await eventually(
      async () => ((await statusOf(job)) === "delivered" ? true : undefined),
      `the delivery of ${job}`,
    );
  }
  await pool.query(
    `drop trigger refuse on deliveries; drop function refuse; drop sequence refusals`,
  );

  const { rows } = await pool.query<{ id: string }>(`select id from messages`);
  const committed = new Set(rows.map(({ id }) => formatId("message", id)));
  const sent = receiver.requests.filter(({ path }) => path === "/rolled-back");
  expect(sent).toHaveLength(jobs.length);
  for (const { headers } of sent) expect(committed.has(headers["webhook-id"]!)).toBe(true);
});
