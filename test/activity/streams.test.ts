import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { startDeliveryApi, type DeliveryApi } from "../support/delivery.ts";
import { listen, listenByWebSocket, type TestListener } from "../support/activity-listener.ts";
import { until } from "../support/jobs.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
const open: TestListener[] = [];

beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterEach(() => {
  for (const listener of open.splice(0)) listener.close();
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

const RETRY = { max_attempts: 2, base_s: 0.1, factor: 1, cap_s: 1 };

async function submit(ms: number, path: string): Promise<string> {
  const callbacks = [{ url: `${receiver.url}${path}`, retry: RETRY }];
  const body = { type: "demo.sleep", input: { ms }, callbacks };
  return String((await api.must(202, "POST", "/v1/jobs", { body }))["id"]);
}

async function ended(listener: TestListener): Promise<TestListener> {
  open.push(listener);
  await until("the end of the stream", () => listener.ended !== null);
  return listener;
}

describe("the stream of a job", () => {
  test("begins with the job, tells all of it, ends when the last delivery has", async () => {
    receiver.respondNext(500);
    const id = await submit(500, "/a");
    const { received, ended: how } = await ended(await listen(api, `/v1/jobs/${id}/activity`));
    expect(how).toBe("end");
    const types = received.map(({ type }) => type).filter((type) => type !== "job.progress");
    const rest = types[1] === "job.started" ? types.slice(2) : types.slice(1);
    expect(types[0]).toBe("job.state");
    expect(received[0]?.data).toMatchObject({ job: { id, type: "demo.sleep" } });
    expect(rest).toEqual([
      "job.completed",
      "message.created",
      "delivery.attempted",
      "delivery.attempted",
      "delivery.delivered",
      "end",
    ]);
    const [failed, second] = received.filter(({ type }) => type === "delivery.attempted");
    expect(failed?.data).toMatchObject({ outcome: "retry", attempt: 1, status_code: 500 });
    expect(failed?.data["next_attempt_at"]).toEqual(expect.any(String));
    expect(second?.data).toMatchObject({ outcome: "delivered", attempt: 2, status_code: 200 });
    expect(received.every(({ data }) => (data["job_id"] ?? id) === id)).toBe(true);

    // after it is all over, and for one who comes back once more
    const late = await ended(await listen(api, `/v1/jobs/${id}/activity`));
    expect(late.types()).toEqual(["job.state", "end"]);
    const headers = { "last-event-id": received.at(-2)?.id ?? "" };
    const again = await ended(await listen(api, `/v1/jobs/${id}/activity`, { headers }));
    expect(again.types()).toEqual(["end"]);
    const socket = await ended(await listenByWebSocket(api, `/v1/jobs/${id}/activity`));
    expect([...socket.types(), socket.ended]).toEqual(["job.state", "end", 1000]);
  });

  test("another account's job is not there", async () => {
    const id = await submit(0, "/b");
    const { apiKey } = await api.addAccount("stranger");
    const path = `/v1/jobs/${id}/activity`;
    expect((await api.ask("GET", path, { key: apiKey })).status).toBe(404);
    await expect(listenByWebSocket({ ...api, apiKey }, path)).rejects.toThrow("answered 404");
  });
});

test("everything an account does is sent", async () => {
  receiver.respond(410);
  const stream = await listen(api);
  open.push(stream);
  const { id } = await api.endpoint(`${receiver.url}/gone`, { retry: RETRY });
  await api.publish("order.paid");
  const dead = await until("the end of the delivery", () =>
    stream.received.find(
      ({ type, data }) => type === "delivery.dead" && data["endpoint_id"] === id,
    ),
  );
  expect(dead.data).toMatchObject({ reason: "gone", status_code: 410 });
  await until("the disabled endpoint", () =>
    stream.received.some(
      ({ type, data }) => type === "endpoint.updated" && data["state"] === "disabled",
    ),
  );
  await api.must(200, "POST", `/v1/endpoints/${id}/enable`);
  receiver.respond(200);
  await api.must(202, "POST", "/v1/replays", { body: { filter: {} } });
  await until("the replayed delivery", () =>
    stream.received.some(
      ({ type, data }) =>
        type === "delivery.replayed" && data["delivery_id"] === dead.data["delivery_id"],
    ),
  );
  await until("the completed replay", () =>
    stream.received.some(
      ({ type, data }) => type === "replay.progress" && data["status"] === "completed",
    ),
  );
  const job = String(
    (
      await api.must(202, "POST", "/v1/jobs", {
        body: { type: "demo.sleep", input: { ms: 60_000 } },
      })
    )["id"],
  );
  await stream.has("job.started");
  await api.must(202, "POST", `/v1/jobs/${job}/cancel`);
  expect((await stream.has("job.canceled")).data).toMatchObject({
    job_id: job,
    status: "canceled",
  });
  const text = JSON.stringify(stream.received);
  expect(text).not.toContain("whsec_");
});

test("a breaker that opens and closes is sent", async () => {
  const stream = await listen(api, "/v1/activity?types=lane.changed");
  open.push(stream);
  const { id } = await api.endpoint("http://127.0.0.1:1/", { events: ["refused"] });
  for (let n = 0; n < 10; n += 1) await api.publish("refused");
  const changed = await stream.has("lane.changed");
  expect(changed.data).toMatchObject({ endpoint_id: id, status: "failing", origin: null });
});

describe("WebSockets", () => {
  const connect = (options: Parameters<typeof listenByWebSocket>[2], path?: string) =>
    listenByWebSocket(api, path, options);

  test("take a key as a subprotocol, as browsers must, and don't show it", async () => {
    const protocols = ["ringback", `bearer.${api.apiKey}`];
    const socket = await connect({ headers: {}, protocols });
    open.push(socket);
    expect(socket.protocol).toBe("ringback");
  });

  test.each([
    ["no key", { headers: {} }, "/v1/activity", 401],
    ["a wrong key", { headers: { authorization: "Bearer rk_wrong" } }, "/v1/activity", 401],
    ["a foreign page", { headers: { origin: "http://evil.test" } }, "/v1/activity", 403],
    ["another path", undefined, "/v1/jobs", 404],
    ["a bad type", undefined, "/v1/activity?types=x", 400],
    ["a bad id", undefined, "/v1/jobs/1/activity", 400],
  ])("are refused for %s", async (_what, options, path, status) => {
    await expect(connect(options ?? {}, path)).rejects.toThrow(`answered ${status}`);
  });

  test("a request that offers HTTP/2 is answered as any other", async () => {
    const headers = { upgrade: "h2c", connection: "upgrade" };
    expect((await api.ask("GET", "/v1/overview", { headers })).status).toBe(200);
  });

  test("one that talks too much is closed", async () => {
    const headers = { authorization: `Bearer ${api.apiKey}` };
    const socket = new WebSocket(`ws://127.0.0.1:${api.port}/v1/activity`, { headers });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.once("open", () => socket.send("x".repeat(2_000)));
    expect(await closed).toBe(1009);
  });
});

// last: nothing goes on afterwards
test("a process that stops says so, and what goes on is sent elsewhere", async () => {
  const stream = await listen(api);
  const socket = await listenByWebSocket(api);
  open.push(stream, socket);
  api.beginStop();
  await until("both to end", () => stream.ended !== null && socket.ended !== null);
  expect([stream.ended, socket.ended]).toEqual(["end", 1001]);
});
