import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import type { Replay } from "../../src/core/model.ts";
import { countReplayItems } from "../../src/db/deliveries/replay-items.ts";
import { getReplay } from "../../src/db/deliveries/replays.ts";
import { listFailedJobGroups } from "../../src/db/jobs/retries.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import { createReplay } from "../../src/flow/deliveries/replays.ts";
import type { NewReplay } from "../../src/flow/deliveries/replays.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";
import { retryJob } from "../../src/flow/jobs/retry.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { callbackTo, count, ended, jobOf, submit, until } from "../support/jobs.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let t: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  t = await createTestContext();
});
afterAll(async () => {
  await t?.stop();
  await receiver?.close();
});

async function failed(message: string, of: Pick<TestContext, "accountId"> = t): Promise<string> {
  const id = await submit(
    { context: t.context, accountId: of.accountId },
    {
      type: "demo.fail",
      input: { message },
    },
  );
  await ended({ context: t.context, accountId: of.accountId }, id);
  return id;
}

const retried = async (jobId: string, accountId = t.accountId) =>
  await retryJob(t.context, { accountId, jobId, requestId: "req-retry" });

async function forgetFailures(): Promise<void> {
  await until("all to end", async () => (await count(t, "unfinished_jobs")) === 0);
  await t.database.pool.query("update job_ends set status = 'canceled' where status = 'failed'");
}

async function order(wanted: Partial<NewReplay>): Promise<Replay> {
  return await createReplay(t.context, {
    accountId: t.accountId,
    target: "jobs",
    action: "replay",
    filter: { status: "failed" },
    dryRun: false,
    ...wanted,
  });
}

const look = async (id: string): Promise<Replay> =>
  (await getReplay(t.context.pool, t.accountId, id))!;

describe("one job", () => {
  test("is a new job with the same input, metadata and callbacks, which are told anew", async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    const callback = callbackTo(`${receiver.url}/retried`, { secret, headers: { "x-own": "1" } });
    const id = await submit(t, {
      type: "demo.fail",
      input: { message: "no luck" },
      metadata: { order: "A-1" },
      callbacks: [callback],
    });
    await receiver.waitFor((r) => r.path === "/retried");
    const again = await retried(id);
    expect(again).toMatchObject({
      retry_of: id,
      status: "pending",
      run: 0,
      request_id: "req-retry",
    });
    expect(again.id).not.toBe(id);
    const end = await ended(t, again.id);
    const before = await jobOf(t, id);
    expect(end).toMatchObject({ input: before.input, metadata: before.metadata, status: "failed" });
    expect(before).toMatchObject({ status: "failed", retry_of: null });
    await until(
      "both calls",
      () => receiver.requests.filter((r) => r.path === "/retried").length === 2,
    );
    const calls = receiver.requests.filter((r) => r.path === "/retried");
    const ids = calls.map((r) => {
      verify(r, secret);
      expect(r.headers["x-own"]).toBe("1");
      return (JSON.parse(r.body.toString()) as { data: { job_id: string } }).data.job_id;
    });
    expect(ids).toEqual([formatId("job", id), formatId("job", again.id)]);
  });

  test("once only, however many ask at once; then the new one", async () => {
    const id = await failed("twice?");
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => retried(id)));
    const made = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(made).toHaveLength(1);
    for (const one of all) {
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "job_retried" });
    }
    expect(await count(t, "jobs where retry_of = $1", [id])).toBe(1);
    await ended(t, made[0]!.id);
    expect(await retried(made[0]!.id)).toMatchObject({ retry_of: made[0]!.id });
  });

  test("not one that runs, has completed, or is another account's; one that was canceled can", async () => {
    const completed = await submit(t);
    await ended(t, completed);
    await expect(retried(completed)).rejects.toMatchObject({ code: "job_state" });
    const long = await submit(t, { type: "demo.sleep", input: { ms: 60_000 } });
    await expect(retried(long)).rejects.toMatchObject({ code: "job_state" });
    const other = await t.addAccount("other");
    const theirs = await failed("theirs", other);
    await expect(retried(theirs)).rejects.toMatchObject({ code: "not_found" });
    await cancelJob(t.context, { accountId: t.accountId, jobId: long });
    await ended(t, long);
    const again = await retried(long);
    expect(again.retry_of).toBe(long);
    await cancelJob(t.context, { accountId: t.accountId, jobId: again.id });
  });
});

describe("many", () => {
  test("by type, error and time; each once, also by two orders at once in two processes", async () => {
    await forgetFailures();
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await failed(`number ${n}`));
    const other = await t.addAccount("third");
    await failed("theirs", other);
    expect((await order({ dryRun: true })).matched).toBe(12);
    const none: Replay["filter"][] = [
      { status: "failed", type: "demo.echo" },
      { status: "failed", error_code: ["timed_out"] },
      { status: "failed", until: new Date(0) },
    ];
    for (const filter of none) expect((await order({ filter, dryRun: true })).matched).toBe(0);
    const some = { status: "failed" as const, type: "demo.fail", error_code: ["x", "demo_failed"] };
    expect((await order({ filter: some, dryRun: true })).matched).toBe(12);
    const two = await createTestContext({ database: t.database, worker: false });
    const both = [await order({ filter: some }), await order({ order: "newest_first" })];
    await Promise.all([
      runReplay(t.context, both[0]!.id),
      runReplay(two.context, both[1]!.id),
      runReplay(two.context, both[0]!.id),
    ]);
    await two.stop();
    await until("both ends", async () =>
      (await Promise.all(both.map(({ id }) => look(id)))).every((one) => one.finished_at !== null),
    );
    const { rows } = await t.database.pool.query<{ n: number }>(
      "select count(*)::int as n from jobs where retry_of = any($1) group by retry_of",
      [ids],
    );
    expect(rows.map(({ n }) => n)).toEqual(ids.map(() => 1));
    const ends = await Promise.all(both.map(({ id }) => look(id)));
    expect(ends.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(12);
    expect(await count(t, "jobs where account_id = $1", [other.accountId])).toBe(1);
  });

  test("groups of failures leave out what was retried, and the report follows the new jobs", async () => {
    await forgetFailures();
    expect((await listFailedJobGroups(t.context.lookups, t.accountId)).groups).toEqual([]);
    await failed("first");
    const last = await failed("last");
    const { groups } = await listFailedJobGroups(t.context.lookups, t.accountId);
    expect(groups).toMatchObject([
      {
        type: "demo.fail",
        error_code: "demo_failed",
        count: 2,
        error_message: "last",
        last_job_id: last,
      },
    ]);
    const replay = await order({ canary: { count: 1, max_failed_percent: 50 } });
    const stopped = await until("its canary", async () => {
      const one = await look(replay.id);
      return one.finished_at === null ? null : one;
    });
    expect(stopped).toMatchObject({
      status: "stopped",
      replayed: 1,
      stopped_reason: "1 of 1 failed again: 1 × demo_failed",
    });
    expect(await countReplayItems(t.context.pool, replay)).toEqual([
      { status: "failed", reason: null, status_code: null, error_code: "demo_failed", count: 1 },
    ]);
    // the one that was not retried, and the retry that failed
    const after = await listFailedJobGroups(t.context.lookups, t.accountId);
    expect(after.groups[0]!.count).toBe(2);
  });
});
