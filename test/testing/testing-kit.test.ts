import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startRingback } from "../../src/testing/index.ts";
import type { Receiver, TestRingback } from "../../src/testing/index.ts";

let rb: TestRingback;
let receiver: Receiver;

beforeAll(async () => {
  rb = await startRingback({
    jobTypes: [new URL("../../docs/examples/word-count.ts", import.meta.url)],
  });
});
beforeEach(async () => {
  receiver = await rb.receiver();
});
afterAll(async () => {
  await rb?.stop();
});

describe("a job and its webhook", () => {
  test("a job type of one's own runs, and its webhook is verified", async () => {
    const job = await rb.client.jobs.submit(
      "text.word-count",
      { text: "to be or not to be", top: 1 },
      { callback_url: receiver.url, metadata: { order: "A-1" } },
    );
    await rb.runAll();
    expect((await job.refresh()).status).toBe("completed");
    const webhook = await receiver.next({ type: "job.completed" });
    expect(webhook).toMatchObject({ attempt: 1, duplicate: false, answered: 204 });
    receiver.assertReceived(
      { type: "job.completed", data: { job_id: job.id, metadata: { order: "A-1" } } },
      1,
    );
    expect(() => receiver.assertReceived({ type: "job.failed" })).toThrow(
      /0 webhooks fit \{"type":"job.failed"\}, not at least 1; received:\n {2}job.completed msg_/,
    );
    await expect(receiver.next({}, { timeoutMs: 50 })).rejects.toThrow(/no webhook \{\} came/);
  });

  test.each(["v1", "v1a"] as const)("%s alone verifies a webhook", async (version) => {
    const type = `signed.${version}`;
    await rb.client.endpoints.create({ url: receiver.url, events: [type], signatures: [version] });
    await rb.client.messages.publish(type, {});
    const { headers } = await receiver.next({ type });
    expect(headers["webhook-signature"]).toMatch(new RegExp(`^${version},\\S+$`));
    expect(receiver.refused).toEqual([]);
  });

  test("a call that nobody signed is refused and kept apart", async () => {
    const { status } = await fetch(receiver.url, { method: "POST", body: "{}" });
    expect(status).toBe(401);
    expect(receiver.webhooks).toEqual([]);
    expect(receiver.refused).toMatchObject([{ error: { code: "missing_header" }, body: "{}" }]);
  });
});

describe("time", () => {
  test("a failed delivery is retried after 5 s, then 15 s, and not before", async () => {
    receiver.respondWith(500, 503, 200);
    const { id } = await rb.client.jobs.submit("demo.echo", {}, { callback_url: receiver.url });
    await rb.runAll();
    expect(receiver.webhooks.map(({ answered }) => answered)).toEqual([500]);
    // with jitter of 20 %, from 4 to 6 s
    await rb.advance("3s");
    expect(receiver.webhooks).toHaveLength(1);
    await rb.advance("3.5s");
    expect(receiver.webhooks.map(({ answered }) => answered)).toEqual([500, 503]);
    await rb.advance("8s");
    expect(receiver.webhooks).toHaveLength(2);
    await rb.advance("11s");
    expect(receiver.webhooks.map(({ answered, attempt }) => [answered, attempt])).toEqual([
      [500, 1],
      [503, 2],
      [200, 3],
    ]);
    expect(new Set(receiver.webhooks.map((one) => one.id)).size).toBe(1);
    const { data } = await rb.client.deliveries.list({ job_id: id }).page();
    expect(data).toMatchObject([{ status: "delivered", attempt_count: 3 }]);
  });

  test("twelve failures make a dead letter, in the days it takes, and a replay brings it home", async () => {
    receiver.respondWith(500);
    const { id } = await rb.client.jobs.submit("demo.echo", {}, { callback_url: receiver.url });
    // the policy's waits add up to 2 d 13 h, with jitter from 2 d to 3 d 1 h
    await rb.advance("1d");
    expect(receiver.webhooks.length).toBeGreaterThan(7);
    expect(receiver.webhooks.length).toBeLessThan(12);
    await rb.advance("2.2d");
    expect(receiver.webhooks).toHaveLength(12);
    const letters = await rb.client.deadLetters.list({ job_id: id }).toArray();
    expect(letters).toMatchObject([{ dead_reason: "exhausted", attempt_count: 12 }]);
    await rb.advance("30d");
    expect(receiver.webhooks).toHaveLength(12);

    receiver.respondWith(200);
    const replay = await rb.client.replays.create({ filter: { job_id: id } });
    const seen: number[] = [];
    const ended = await rb.client.replays.wait(replay.id, {
      onProgress: ({ replayed }) => seen.push(replayed),
    });
    expect(ended).toMatchObject({ status: "completed", matched: 1, replayed: 1 });
    expect(seen.at(-1)).toBe(1);
    await rb.runAll();
    expect(receiver.webhooks.at(-1)).toMatchObject({ attempt: 13, answered: 200 });
    expect(await rb.client.deadLetters.list({ job_id: id }).toArray()).toEqual([]);
  });

  test("runs of a job that fails come again, and fail it in the end", async () => {
    const job = await rb.client.jobs.submit("demo.fail", { message: "no luck", retryable: true });
    await rb.runAll();
    expect((await job.refresh()).data).toMatchObject({ status: "pending", run: 1 });
    await rb.advance("1m");
    await expect(job.result()).rejects.toMatchObject({ name: "JobFailedError", status: "failed" });
    expect(job.data.run).toBe(3);
  });

  test("a rotated secret stops signing, and an idempotency key is forgotten", async () => {
    const submit = () => rb.client.jobs.submit("demo.echo", {}, { idempotencyKey: "daily" });
    const first = await submit();
    await rb.advance("23h");
    expect((await submit()).id).toBe(first.id);
    await rb.client.signing.rotateSecret({ overlap_s: 3600 });
    const count = async () => {
      await rb.client.jobs.submit("demo.echo", {}, { callback_url: receiver.url });
      const { headers } = await receiver.next();
      return String(headers["webhook-signature"]).match(/v1,/g)?.length;
    };
    expect(await count()).toBe(2);
    await rb.advance("1h");
    expect(await count()).toBe(1);
    expect((await submit()).id).not.toBe(first.id);
  });

  test("a callback by v1 alone is genuine, by the secret of its origin or one of its own", async () => {
    const callback = { url: receiver.url, signatures: ["v1" as const] };
    const secret = `whsec_${Buffer.alloc(32, 3).toString("base64")}`;
    receiver.respondWith(500, 200);
    await rb.client.jobs.submit(
      "demo.echo",
      {},
      { callbacks: [callback, { ...callback, secret }] },
    );
    await rb.advance("1m");
    const answers = receiver.webhooks.map(({ answered }) => answered).sort((a, b) => a! - b!);
    expect(answers).toEqual([200, 200, 500]);
    expect(receiver.refused).toEqual([]);
  });

  test("what is no duration is refused", async () => {
    await expect(rb.advance("soon" as "1s")).rejects.toThrow('"soon" is no duration');
  });
});

test("work that does not end is named", async () => {
  const job = await rb.client.jobs.submit("demo.sleep", { ms: 60_000 });
  await expect(rb.runAll({ timeoutMs: 300 })).rejects.toThrow(
    /still going on.*1 (running|pending) job/,
  );
  await job.cancel();
  await rb.runAll();
});

test("two share a server and nothing else", async () => {
  await using other = await startRingback();
  const { data } = await other.client.jobs.list().page();
  expect(data).toEqual([]);
  expect(other.url).not.toBe(rb.url);
});
