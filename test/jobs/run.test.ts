import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { cancelJob } from "../../src/flow/jobs/cancel.ts";

import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import {
  callbackTo,
  count,
  ended,
  endpointAt,
  jobOf,
  running,
  submit,
  until,
  warmUp,
} from "../support/jobs.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

const MODULE = new URL("../support/job-types/lifecycle.ts", import.meta.url).href;
const ALL = ["job.started", "job.progress", "job.completed", "job.failed", "job.canceled"];

interface Event {
  type: string;
  timestamp: string;
  data: Record<string, unknown> & { job_id: string; run: number };
}

let t: TestContext;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  t = await createTestContext({
    config: { jobTypeModules: [MODULE] },
    // the shortest backoff the jitter allows: 1.6 s
    overrides: { random: () => 0 },
  });
  await warmUp(t);
});
afterAll(async () => {
  await t?.stop();
  await receiver?.close();
});

function eventsAt(path: string): Event[] {
  return receiver.requests.filter((r) => r.path === path).map(eventOf);
}

function eventOf({ body }: ReceivedRequest): Event {
  return JSON.parse(body.toString()) as Event;
}

async function eventAt(path: string, type: string): Promise<Event> {
  return eventOf(
    await receiver.waitFor((r) => r.path === path && eventOf(r).type === type, 15_000),
  );
}

async function cancel(jobId: string): Promise<void> {
  await cancelJob(t.context, { accountId: t.accountId, jobId });
}

describe("runs that fail", () => {
  test("a throw is another run after a pause, until one succeeds", async () => {
    const callbacks = [callbackTo(`${receiver.url}/flaky`, { events: ALL, ordered: true })];
    const id = await submit(t, { type: "test.flaky", input: { succeedIn: 2 }, callbacks });
    const waiting = await until("the pause", async () => {
      const job = await jobOf(t, id);
      return job.status === "pending" && job.run === 1 ? job : null;
    });
    expect(waiting.error_code).toBeNull();
    const { rows } = await t.database.pool.query<{ ms: number; failures: number }>(
      `select extract(epoch from next_run_at - updated_at)::float8 * 1000 as ms, failures
       from job_states where id = $1`,
      [id],
    );
    expect(rows[0]!.ms).toBeCloseTo(1_600, 0);
    expect(rows[0]!.failures).toBe(1);
    expect(await ended(t, id)).toMatchObject({ status: "completed", run: 2 });
    const { data } = await eventAt("/flaky", "job.completed");
    expect(data).toMatchObject({ run: 2, result: { run: 2 } });
    const events = eventsAt("/flaky");
    expect(events.filter(({ type }) => type === "job.started").map((e) => e.data.run)).toEqual([
      1, 2,
    ]);
    expect(events.filter(({ type }) => type === "job.failed")).toEqual([]);
  });

  test("no more runs than maxRuns; the last error is the job's", async () => {
    const callbacks = [callbackTo(`${receiver.url}/exhausted`)];
    const id = await submit(t, { type: "test.flaky", input: { succeedIn: 9 }, callbacks });
    expect(await ended(t, id)).toMatchObject({
      status: "failed",
      run: 2,
      error_code: "run_error",
      error_message: "run 2 failed",
    });
    const { data } = await eventAt("/exhausted", "job.failed");
    expect(data).toMatchObject({ error: { code: "run_error", message: "run 2 failed" } });
    expect(data).not.toHaveProperty("result");
  });

  test("L5: codes of job types don't become metrics", async () => {
    const series = async (): Promise<string[]> => {
      const { text } = await t.context.telemetry.metrics.render();
      const found = text.matchAll(/ringback_run_duration_seconds_count{type="test.final",(.*)}/g);
      return [...found].map(([, labels]) => labels!);
    };
    for (const n of [1, 2, 3]) {
      const id = await submit(t, { type: "test.final", input: { code: `order_${n}` } });
      expect(await ended(t, id)).toMatchObject({ error_code: `order_${n}` });
      expect(await series()).toEqual(['outcome="job_error"']);
    }
  });

  test("a final JobError ends it in the first run", async () => {
    const id = await submit(t, { type: "test.final" });
    expect(await ended(t, id)).toMatchObject({
      status: "failed",
      run: 1,
      error_code: "file_gone",
      error_message: "the file is gone",
    });
  });

  test("a run past its timeout is ended, cooperative or not", async () => {
    const sleeper = await submit(t, { type: "demo.sleep", input: { ms: 60_000 }, timeoutS: 1 });
    const burner = await submit(t, { type: "demo.burn", input: { ms: 60_000 }, timeoutS: 1 });
    for (const id of [sleeper, burner]) {
      expect(await ended(t, id)).toMatchObject({ status: "failed", error_code: "timeout" });
    }
    // the thread that had to be ended was replaced
    await ended(t, await submit(t));
    await ended(t, await submit(t));
  });
});

describe("cancel", () => {
  test("a pending job ends at once", async () => {
    const id = await submit(t, { type: "test.flaky", input: { succeedIn: 9 } });
    await until("the pause", async () => (await jobOf(t, id)).run === 1 && !t.context.runs.has(id));
    const before = await jobOf(t, id);
    expect(before.status).toBe("pending");
    await cancel(id);
    expect(await jobOf(t, id)).toMatchObject({ status: "canceled", run: 1 });
  });

  test("a running job that heeds its signal ends soon, a burner with its thread", async () => {
    const callbacks = [callbackTo(`${receiver.url}/canceled`)];
    for (const type of ["demo.sleep", "demo.burn"]) {
      const id = await submit(t, { type, input: { ms: 60_000 }, callbacks });
      await running(t, id);
      await cancel(id);
      await cancel(id).catch(() => undefined);
      const job = await ended(t, id);
      expect(job).toMatchObject({ status: "canceled", error_code: "canceled" });
      const told = await receiver.waitFor((r) => r.body.includes(formatId("job", id)), 10_000);
      expect(eventOf(told).type).toBe("job.canceled");
      expect(eventOf(told).data).toMatchObject({ error: { code: "canceled" } });
    }
    await ended(t, await submit(t));
  });

  test("by another process: the one that computes hears of it", async () => {
    const api = await createTestContext({ database: t.database, worker: false });
    try {
      const id = await submit(t, { type: "demo.sleep", input: { ms: 60_000 } });
      await running(t, id);
      await cancelJob(api.context, { accountId: t.accountId, jobId: id });
      expect((await ended(t, id)).status).toBe("canceled");
    } finally {
      await api.stop();
    }
  });

  test("asked for in a run that then fails: the job is canceled, not run again", async () => {
    const id = await submit(t, { type: "test.fails-when-told", input: { ms: 700 } });
    await running(t, id);
    // as from another process, too late for this one to notice before the run fails
    await until("its run", () => (t.context.runs.get(id)?.run ?? 0) > 0);
    const handle = t.context.runs.get(id)!;
    t.context.runs.set(id, { ...handle, stop: () => undefined });
    await cancel(id);
    expect(await ended(t, id, 10_000)).toMatchObject({ status: "canceled", run: 1 });
    expect(await count(t, "messages where job_id = $1", [id])).toBe(0);
  });
});

describe("progress", () => {
  test("is thinned out, in order, and never goes back", async () => {
    const callbacks = [callbackTo(`${receiver.url}/steps`, { events: ALL, ordered: true })];
    const id = await submit(t, { type: "test.steps", input: { ms: 3_500 }, callbacks });
    const fractions: number[] = [];
    const messages = new Set<string>();
    await until("its end", async () => {
      const job = await jobOf(t, id);
      fractions.push(job.progress_fraction);
      if (job.progress_message !== null) messages.add(job.progress_message);
      return job.finished_at;
    });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    // four writes a second at most, of hundreds of steps
    expect(messages.size).toBeGreaterThan(4);
    expect(messages.size).toBeLessThanOrEqual(16);

    await eventAt("/steps", "job.completed");
    const events = eventsAt("/steps");
    expect(events[0]!.type).toBe("job.started");
    expect(events.at(-1)!.type).toBe("job.completed");
    const told = events.filter(({ type }) => type === "job.progress");
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.length).toBeLessThanOrEqual(5);
    const times = told.map(({ timestamp }) => Date.parse(timestamp));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const shown = told.map(({ data }) => data["progress"] as { fraction: number; data: unknown });
    expect(shown.map((p) => p.fraction)).toEqual(
      shown.map((p) => p.fraction).toSorted((a, b) => a - b),
    );
    expect(shown[0]!.data).toEqual({ count: expect.any(Number) });
  });

  test("nothing of one run shows in the next", async () => {
    const id = await submit(t, { type: "test.flaky", input: { succeedIn: 2 } });
    const seen = new Set<string>();
    await until("its end", async () => {
      const job = await jobOf(t, id);
      if (job.status === "running") seen.add(`${job.run}: ${job.progress_message}`);
      return job.finished_at;
    });
    expect([...seen].filter((s) => s === "2: run 1" || s === "1: run 2")).toEqual([]);
  });
});

describe("events", () => {
  test("endpoints get what they want, callbacks what they asked for", async () => {
    const all = await endpointAt(t, `${receiver.url}/all`);
    const started = await endpointAt(t, `${receiver.url}/started`, { events: ["job.started"] });
    await endpointAt(t, `${receiver.url}/progress`, { events: ["job.progress"] });
    const named = await endpointAt(t, `${receiver.url}/named`, { events: ["own.event"] });
    const id = await submit(t, {
      type: "demo.sleep",
      input: { ms: 300 },
      callbacks: [
        callbackTo(`${receiver.url}/callback`),
        { endpoint_id: named.id, events: ["job.completed"] },
      ],
    });
    for (const path of ["/all", "/named", "/callback"]) await eventAt(path, "job.completed");
    await eventAt("/started", "job.started");
    const { rows } = await t.database.pool.query<{ url: string; types: string[] }>(
      `select url, array_agg(distinct event_type order by event_type) as types from deliveries
       where job_id = $1 group by url order by url`,
      [id],
    );
    expect(rows.map(({ url, types }) => [url.replace(receiver.url, ""), types])).toEqual([
      ["/all", ["job.completed", "job.started"]],
      ["/callback", ["job.completed"]],
      ["/named", ["job.completed"]],
      ["/progress", ["job.progress"]],
      ["/started", ["job.started"]],
    ]);
    const first = receiver.requests.find((r) => r.path === "/started")!;
    expect(verify(first, started.secret)).toMatchObject({ data: { job_id: expect.any(String) } });
    expect(() => verify(first, all.secret)).toThrow("No matching signature found");
  });

  test("an event nobody wants leaves no message", async () => {
    await t.database.pool.query("update endpoints set deleted_at = now()");
    const id = await submit(t);
    await ended(t, id);
    expect(await count(t, "messages where job_id = $1", [id])).toBe(0);
  });
});

test("a run that needs more memory than the setting gives its thread fails, and says how much", async () => {
  const module = new URL("../support/job-types/behaviours.ts", import.meta.url).href;
  const small = await createTestContext({
    config: { jobTypeModules: [module], threadMemoryMb: 64 },
  });
  try {
    const id = await submit(small, { type: "test.memory", input: {} });
    const job = await ended(small, id, 60_000);
    expect(job).toMatchObject({
      status: "failed",
      error_code: "thread_died",
      error_message: "the run needed more memory than its thread has (64 MiB)",
    });
  } finally {
    await small.stop();
  }
}, 90_000);
