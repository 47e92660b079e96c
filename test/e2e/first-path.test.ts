import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { listDeliveries } from "../../src/db/deliveries/deliveries.ts";
import { listAttempts } from "../../src/db/deliveries/attempts.ts";
import { getJob } from "../../src/db/jobs/jobs.ts";
import { submitJob } from "../../src/flow/jobs/submit.ts";
import { readOriginSecret } from "../../src/flow/accounts/secrets.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

describe("the path of a job", () => {
  let t: TestContext;
  let receiver: Receiver;
  beforeAll(async () => {
    t = await createTestContext();
    receiver = await startReceiver();
  });
  afterAll(async () => {
    await receiver?.close();
    await t?.stop();
  });

  test("from submission to a verified webhook", async () => {
    const type = t.context.jobTypes.get("demo.echo")!;
    const accepted = await submitJob(t.context, {
      accountId: t.accountId,
      type,
      input: '{"hello":"world"}',
      metadata: '{"a":1}',
      callbacks: [
        { url: `${receiver.url}/hook`, events: ["job.completed"], retry: { base_s: 0.1 } },
      ],
      timeoutS: null,
      requestId: "req-1",
      traceId: "0af7651916cd43dd8448eb211c80319c",
      idempotency: null,
    });
    if (accepted.kind !== "created") throw new Error("not created");
    receiver.respondNext(500);
    const [first, second] = await receiver.waitFor(2, 10_000);
    const { secret } = await readOriginSecret(t.context, {
      accountId: t.accountId,
      origin: receiver.url,
    });
    verify(second!, secret);
    expect(JSON.parse(second!.body.toString())).toMatchObject({
      type: "job.completed",
      data: { result: { hello: "world" }, metadata: { a: 1 } },
    });
    expect(first!.headers["webhook-id"]).toBe(second!.headers["webhook-id"]);
    for (let i = 0; i < 50; i++) {
      const [d] = await listDeliveries(t.context.pool, t.accountId, { limit: 10 });
      if (d?.status === "delivered") break;
      await sleep(20);
    }
    const [d] = await listDeliveries(t.context.pool, t.accountId, { limit: 10 });
    expect(d).toMatchObject({ status: "delivered", attempt_count: 2 });
    expect(await listAttempts(t.context.pool, d!.id, { limit: 9, maxBytes: 1e6 })).toHaveLength(2);
    expect(await getJob(t.context.pool, t.accountId, accepted.job.id)).toMatchObject({
      status: "completed",
    });
  });
});
