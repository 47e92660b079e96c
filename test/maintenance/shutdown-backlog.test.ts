import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, forgotten, submit, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, startWorkerProcess } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";
import { DELETE_PENDING_JOBS } from "../support/job-states.ts";

let t: TestContext;
let receiver: Receiver;
let child: RingbackProcess | undefined;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  receiver = await startReceiver();
});
afterEach(async () => await endProcess(child));
afterAll(async () => {
  await receiver?.close();
  await t?.stop();
});

test("a stop in the middle of a backlog leaves no job and no lane without its wake-up", async () => {
  receiver.respond(() => ({ status: 200, delayMs: 30 }));
  for (let round = 0; round < 2; round++) {
    child = await startWorkerProcess(t.database);
    const ids = await Promise.all(
      Array.from({ length: 150 }, (_, n) =>
        submit(t, {
          type: "demo.sleep",
          input: { ms: n % 3 === 0 ? 150 : 0 },
          callbacks: [callbackTo(`${receiver.url}/backlog`, { events: ["job.started"] })],
        }),
      ),
    );
    await until("some to be done", async () => {
      const where = "job_states where id = any($1) and finished_at is not null";
      return (await count(t, where, [ids])) > 10 + round * 15;
    });
    child.kill("SIGTERM");
    expect((await child.ended).code).toBe(0);
    expect(await count(t, "job_states where status = 'pending'")).toBeGreaterThan(0);
    expect(await forgotten(t)).toEqual({ jobs: 0, lanes: 0 });
    const lost = "job_states where id = any($1) and crashes + failures > 0";
    expect(await count(t, lost, [ids])).toBe(0);
    // the next backlog is its own
    await t.database.pool.query(DELETE_PENDING_JOBS);
  }
}, 60_000);
