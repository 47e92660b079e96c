import { createTestDatabase } from "./database.ts";
import { startReceiver, verify } from "./receiver.ts";
import type { Receiver } from "./receiver.ts";

let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

test("each clone of the database is migrated, and apart from the others", async () => {
  const databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const [one, two] = databases;
  await one.pool.query("create table only_here ()");
  const found = await two.pool.query("select to_regclass('only_here') as here");
  expect(found.rows).toEqual([{ here: null }]);
  const queue = await two.pool.query("select to_regclass('graphile_worker._private_jobs') as jobs");
  expect(queue.rows[0]).not.toEqual({ jobs: null });
  await Promise.all(databases.map((database) => database.drop()));
  await one.drop();
});

test("a receiver records the exact bytes and answers as told", async () => {
  receiver.respond({ status: 418, headers: { "retry-after": "7" }, body: "no" });
  receiver.respondNext(500, 204);
  const statuses: number[] = [];
  for (const body of ["{ } ", "2", "3"]) {
    const answer = await fetch(`${receiver.url}/hook?a=1`, { method: "POST", body });
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([500, 204, 418]);
  const [first] = await receiver.waitFor(3);
  expect(first).toMatchObject({ method: "POST", path: "/hook?a=1" });
  expect(first?.body.toString()).toBe("{ } ");
  await receiver.waitFor((request) => request.body.toString() === "2");
});

test("waiting in vain says what arrived", async () => {
  await expect(receiver.waitFor(99, 20)).rejects.toThrow(
    /waited 20 ms for 99 requests; \d+ arrived/,
  );
});

test("verify accepts what the reference library signs, and nothing else", async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const { Webhook } = await import("standardwebhooks");
  const sentAt = new Date();
  const body = '{"type": "job.completed"}';
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", sentAt, body),
  };
  await fetch(receiver.url, { method: "POST", body, headers });
  const request = await receiver.waitFor((seen) => seen.headers["webhook-id"] === "msg_1");
  expect(verify(request, secret)).toEqual({ type: "job.completed" });
  const forged = { ...request, body: Buffer.from('{"type":"job.completed"}') };
  expect(() => verify(forged, secret)).toThrow("No matching signature");
});
