import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { sendMissed } from "../../src/flow/deliveries/missed.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import { setFailpointHook } from "../../src/core/failpoint.ts";
import { audit, dataOf, eventually, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi, TestEndpoint } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  try {
    await audit(api.database.pool);
  } finally {
    await receiver.close();
    await api.stop();
  }
});
beforeEach(() => {
  receiver.respond(200);
  receiver.requests.length = 0;
});

const n = (request: ReceivedRequest): number => Number(dataOf(request)["n"]);

async function act({ id }: TestEndpoint, action: string): Promise<void> {
  await api.must(200, "POST", `/v1/endpoints/${id}/${action}`);
}

async function skipped({ id }: TestEndpoint): Promise<{ count: number; since: string | null }> {
  const shown = await api.must(200, "GET", `/v1/endpoints/${id}`);
  return shown["skipped"] as { count: number; since: string | null };
}

async function disabled(type: string, fields: object = {}): Promise<TestEndpoint> {
  const endpoint = await api.endpoint(receiver.url, { events: [type], ...fields });
  await act(endpoint, "disable");
  return endpoint;
}

async function publishMany(type: string, count: number, from = 0): Promise<void> {
  for (let i = from; i < from + count; i++) {
    expect((await api.publish(type, { n: i })).deliveries).toEqual([]);
  }
}

async function replayed(path: string, body = {}): Promise<Record<string, unknown>> {
  const { id } = await api.must(202, "POST", path, { body });
  return await eventually(async () => {
    const replay = await api.must(200, "GET", `/v1/replays/${String(id)}`);
    return replay["status"] === "running" ? undefined : replay;
  }, "the replay");
}

async function sendMissedTo({ id }: TestEndpoint, body = {}): Promise<Record<string, unknown>> {
  return await replayed(`/v1/endpoints/${id}/send-missed`, body);
}

describe("an endpoint that is disabled", () => {
  test("gets no deliveries, which is counted, and what it missed when it is asked for", async () => {
    const endpoint = await disabled("missed.a");
    const since = Date.now();
    await publishMany("missed.a", 12);
    await api.publish("missed.other", {});
    const counted = await skipped(endpoint);
    expect(counted.count).toBe(12);
    expect(Math.abs(Date.parse(counted.since!) - since)).toBeLessThan(5_000);
    expect(await api.deliveries(`endpoint_id=${endpoint.id}`)).toEqual([]);

    // while it is disabled there is only a count
    const path = `/v1/endpoints/${endpoint.id}/send-missed`;
    expect(await api.must(409, "POST", path)).toMatchObject({ code: "endpoint_state" });
    const dry = await api.must(202, "POST", path, { body: { dry_run: true } });
    expect(dry).toMatchObject({ matched: 12, status: "completed", action: "send_missed" });

    await act(endpoint, "enable");
    expect(await skipped(endpoint)).toEqual(counted);
    await api.publish("missed.a", { n: 12 });
    const replay = await sendMissedTo(endpoint);
    expect(replay).toMatchObject({
      action: "send_missed",
      status: "completed",
      matched: 12,
      replayed: 12,
      filter: { status: "skipped", endpoint_id: endpoint.id },
    });
    await receiver.waitFor(13, 15_000);
    expect(receiver.requests.map(n).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 13 }, (_, i) => i),
    );
    expect(await skipped(endpoint)).toEqual({ count: 0, since: null });
    // asked for again, also for all time, it sends nothing twice
    expect(await sendMissedTo(endpoint)).toMatchObject({ replayed: 0, status: "completed" });
    const all = { since: "2020-01-01T00:00:00Z" };
    expect(await sendMissedTo(endpoint, all)).toMatchObject({ replayed: 0 });
    expect(receiver.requests).toHaveLength(13);
  });

  test("is sent the events of jobs too, by its filter or as a callback names it", async () => {
    const named = await disabled("job.failed");
    const all = await disabled("job.completed");
    const job = await api.job([{ endpoint_id: named.id, events: ["job.completed"] }]);
    const other = await api.job([]);
    const ended = async (id: string) =>
      await eventually(async () => {
        const { status } = await api.must(200, "GET", `/v1/jobs/${id}`);
        return status === "completed" ? true : undefined;
      }, "the job");
    await ended(job);
    await ended(other);
    expect(await skipped(named)).toMatchObject({ count: 1 });
    expect(await skipped(all)).toMatchObject({ count: 2 });
    for (const [endpoint, jobs] of [
      [named, [job]],
      [all, [job, other]],
    ] as const) {
      receiver.requests.length = 0;
      await act(endpoint, "enable");
      expect(await sendMissedTo(endpoint)).toMatchObject({ replayed: jobs.length });
      await receiver.waitFor(jobs.length, 15_000);
      const got = receiver.requests.map((request) => dataOf(request)["job_id"]);
      expect(new Set(got)).toEqual(new Set(jobs));
      expect(got).toHaveLength(jobs.length);
      await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
    }
  });

  test("in an ordered lane gets them in order, after what was there and before what follows", async () => {
    const endpoint = await disabled("missed.b", { ordered: true });
    await publishMany("missed.b", 20);
    await act(endpoint, "enable");
    await sendMissedTo(endpoint);
    await api.publish("missed.b", { n: 20 });
    await receiver.waitFor(21, 15_000);
    expect(receiver.requests.map(n)).toEqual(Array.from({ length: 21 }, (_, i) => i));
  });

  test("asked for by many at once, and stopped before each commit: each is sent once", async () => {
    const endpoint = await disabled("missed.c");
    await publishMany("missed.c", 30);
    await act(endpoint, "enable");
    let stops = 6;
    setFailpointHook((point) => {
      if (point === "replay:before-commit" && stops-- > 0) throw new Error("stopped here");
    });
    try {
      const order = {
        accountId: api.accountId,
        endpointId: endpoint.uuid,
        since: null,
        dryRun: false,
      };
      const replays = await Promise.all([1, 2, 3].map(() => sendMissed(api.context, order)));
      for (let round = 0; round < 8; round++) {
        await Promise.allSettled(replays.map(({ id }) => runReplay(api.context, id)));
      }
    } finally {
      setFailpointHook(null);
    }
    await receiver.waitFor(30, 15_000);
    const { rows } = await api.database.pool.query(
      `select count(*)::int as n, count(distinct message_id)::int as messages from deliveries
       where endpoint_id = $1`,
      [endpoint.uuid],
    );
    expect(rows).toEqual([{ n: 30, messages: 30 }]);
  });

  test("loses nothing that is published while it is enabled and disabled", async () => {
    const endpoint = await api.endpoint(receiver.url, { events: ["missed.d"] });
    let going = true;
    let published = 0;
    const publishers = [1, 2, 3].map(async () => {
      while (going) await api.publish("missed.d", { n: published++ });
    });
    for (let round = 0; round < 8; round++) {
      await act(endpoint, "disable");
      await act(endpoint, "enable");
      await sendMissedTo(endpoint);
    }
    going = false;
    await Promise.all(publishers);
    await sendMissedTo(endpoint);
    const { rows } = await api.database.pool.query(
      `select count(*)::int as messages,
         count(*) filter (where deliveries = 1)::int as once from (
         select m.id, (select count(*) from deliveries d where d.message_id = m.id) as deliveries
         from messages m where m.type = 'missed.d') m`,
    );
    expect(published).toBeGreaterThan(20);
    expect(rows).toEqual([{ messages: published, once: published }]);
  });

  test("disabled again meanwhile: the replay ends, the rest is for another", async () => {
    const endpoint = await disabled("missed.e");
    await publishMany("missed.e", 2);
    await act(endpoint, "enable");
    const other = await api.database.pool.connect();
    await other.query("begin");
    // another replay for the endpoint has its turn
    await other.query(
      "select pg_advisory_xact_lock(hashtextextended('ringback replay ' || $1, 0))",
      [endpoint.uuid],
    );
    const ended = sendMissedTo(endpoint);
    await eventually(async () => {
      const { data } = await api.must(200, "GET", "/v1/replays?limit=1");
      return (data as { status: string }[])[0]?.status === "running" ? true : undefined;
    }, "the replay to begin");
    await act(endpoint, "disable");
    await other.query("commit");
    other.release();
    expect(await ended).toMatchObject({ status: "stopped", replayed: 0 });
    expect(await skipped(endpoint)).toMatchObject({ count: 2 });
    await act(endpoint, "enable");
    expect(await sendMissedTo(endpoint)).toMatchObject({ replayed: 2 });
  });

  test("of another account is not found, and keeps what it missed", async () => {
    const endpoint = await disabled("missed.f");
    await publishMany("missed.f", 1);
    const { apiKey: key } = await api.addAccount("somebody else");
    for (const action of ["send-missed", "disable", "enable"]) {
      await api.must(404, "POST", `/v1/endpoints/${endpoint.id}/${action}`, { key });
    }
    expect(await skipped(endpoint)).toMatchObject({ count: 1 });
  });

  test("leaves no trace on the badge and the gauge, though its dead letters stay listed", async () => {
    const before = await api.must(200, "GET", "/v1/overview");
    const endpoint = await api.endpoint(receiver.url, { events: ["missed.g"] });
    await act(endpoint, "pause");
    const { deliveries } = await api.publish("missed.g", {});
    await act(endpoint, "disable");
    expect(await api.ended(deliveries[0]!.id)).toMatchObject({ dead_reason: "endpoint_disabled" });
    const listed = await api.must(200, "GET", `/v1/dead-letters?endpoint_id=${endpoint.id}`);
    expect(listed["data"]).toHaveLength(1);
    const badge = (overview: Record<string, unknown>) => overview["dead_letters"];
    expect(badge(await api.must(200, "GET", "/v1/overview"))).toEqual(badge(before));
    await act(endpoint, "enable");
    expect(badge(await api.must(200, "GET", "/v1/overview"))).not.toEqual(badge(before));
  });
});
