import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { insertNoticeForOperators, insertNotices } from "../../src/db/notices.ts";
import { inTransaction } from "../../src/db/transaction.ts";
import {
  notifyOperators,
  watchBacklog,
  watchSecrets,
} from "../../src/flow/operations/notify-operators.ts";
import { createTestContext } from "../support/context.ts";
import { dataOf, eventually, ONCE, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi, TestEndpoint } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

let api: DeliveryApi;
let receiver: Receiver;
let operator: TestEndpoint;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
  operator = await api.endpoint(`${receiver.url}/operator`, { audience: "operator" });
});
afterAll(async () => {
  await receiver?.close();
  await api?.stop();
});
beforeEach(() => {
  receiver.respond(({ path }) => (path.startsWith("/dead") ? 500 : 200));
});

const told = (type: string, path = "/operator"): ReceivedRequest[] =>
  receiver.requests.filter(
    (request) => request.path === path && JSON.parse(request.body.toString()).type === type,
  );

async function waitFor(type: string, path?: string): Promise<Record<string, unknown>> {
  const request = await eventually(
    async () => await Promise.resolve(told(type, path).at(-1)),
    `${type} to be told`,
  );
  return dataOf(request);
}

describe("an operator's endpoint", () => {
  test("is told of dead deliveries: the first at once, the rest of the window as one", async () => {
    const { id } = await api.endpoint(`${receiver.url}/dead`, {
      events: ["op.dead"],
      retry: ONCE,
      description: "Acme CRM",
    });
    await api.publish("op.dead");
    const first = await waitFor("delivery.dead");
    expect(first).toMatchObject({
      subject: "Acme CRM",
      endpoint: { id, url: `${receiver.url}/dead` },
      count: 1,
      message: expect.stringContaining("A delivery to Acme CRM is dead"),
      detail: { delivery_id: expect.stringMatching(/^dlv_/) },
      console_url: expect.stringContaining(`/console/endpoints/${id}`),
    });
    for (let n = 0; n < 5; n += 1) await api.publish("op.dead");
    await eventually(async () => {
      const { rows } = await api.database.pool.query<{ pending: number }>(
        "select pending from notice_windows where type = 'delivery.dead'",
      );
      return rows[0]?.pending === 5 || undefined;
    }, "the notices to be gathered");
    expect(told("delivery.dead")).toHaveLength(1);
    // the window is over
    await notifyOperators(api.context, 0);
    await eventually(
      async () => await Promise.resolve(told("delivery.dead").length === 2 || undefined),
      "the digest",
    );
    expect(await waitFor("delivery.dead")).toMatchObject({
      count: 5,
      message: expect.stringContaining("5 deliveries to Acme CRM are dead"),
    });
  });

  test("gets none of the account's events, and other endpoints none of the operator's", async () => {
    await api.endpoint(`${receiver.url}/all`);
    await api.publish("op.ordinary");
    await receiver.waitFor(({ path }) => path === "/all");
    await api.job([{ url: `${receiver.url}/callback` }]);
    await receiver.waitFor(({ path }) => path === "/callback");
    expect(told("op.ordinary")).toEqual([]);
    expect(told("job.completed")).toEqual([]);
    expect(told("delivery.dead", "/all")).toEqual([]);
  });

  test("is told of jobs that failed, by type", async () => {
    const body = { type: "demo.fail", input: { message: "no" } };
    const job = await api.must(202, "POST", "/v1/jobs", { body });
    expect(await waitFor("job.dead")).toMatchObject({
      subject: "demo.fail",
      count: 1,
      detail: { job_id: job["id"] },
    });
  });

  test("is told when an endpoint answers 410, and when a breaker opens and closes", async () => {
    await api.endpoint(`${receiver.url}/gone`, { events: ["op.gone"], description: "Gone" });
    receiver.respond(({ path }) => (path === "/gone" ? 410 : 200));
    await api.publish("op.gone");
    expect(await waitFor("endpoint.disabled")).toMatchObject({
      subject: "Gone",
      message: "Gone was disabled (the receiver answered 410 Gone)",
    });
    receiver.respond(({ path }) => (path === "/broken" ? 500 : 200));
    const broken = await api.endpoint(`${receiver.url}/broken`, {
      events: ["op.broken"],
      description: "Broken",
      max_in_flight: 1,
    });
    await api.publish("op.broken");
    expect(await waitFor("lane.opened")).toMatchObject({ subject: "Broken" });
    receiver.respond(200);
    await api.database.pool.query("update lanes set breaker_until = now() where id = $1", [
      broken.laneId,
    ]);
    expect(await waitFor("lane.closed")).toMatchObject({ subject: "Broken" });
  }, 60_000);

  test("is told when an endpoint is failing, is disabled for it, and has recovered", async () => {
    receiver.respond(({ path }) => (path === "/ladder" ? 503 : 200));
    const endpoint = await api.endpoint(`${receiver.url}/ladder`, {
      events: ["op.ladder"],
      description: "Ladder",
      max_in_flight: 1,
      disable_after_s: 43_200,
    });
    for (let n = 0; n < 12; n += 1) await api.publish("op.ladder", { n });
    const past = async (seconds: number): Promise<void> => {
      // the breaker opens first, so its holder has left or leaves
      await eventually(async () => {
        const { rowCount } = await api.database.pool.query(
          `update lanes set failed_since = failed_since - $2 * interval '1 second',
             failing_since = failing_since - $2 * interval '1 second', breaker_until = now()
           where id = $1 and leased_by is null and breaker_until is not null`,
          [endpoint.laneId, seconds],
        );
        return rowCount === 1 || undefined;
      }, "the lane to be left");
      await api.database.pool.query("select from lanes where id = $1", [endpoint.laneId]);
      await api.publish("op.ladder");
    };
    await past(301);
    expect(await waitFor("endpoint.failing")).toMatchObject({ subject: "Ladder" });
    await past(43_200);
    await eventually(
      async () =>
        await Promise.resolve(
          told("endpoint.disabled").some((r) => dataOf(r)["subject"] === "Ladder") || undefined,
        ),
      "endpoint.disabled to be told",
    );
    await api.must(204, "DELETE", `/v1/endpoints/${endpoint.id}`);
  }, 60_000);

  test("is told of late work that nothing holds back", async () => {
    const idle = await startDeliveryApi({ worker: false });
    await idle.endpoint(receiver.url, { audience: "operator" });
    await idle.addKey(idle.accountId, ["operator"]);
    await idle.job([]);
    const late = async (): Promise<string[]> => {
      await watchBacklog(idle.context);
      const { rows } = await idle.database.pool.query<{ subject: string }>(
        "select distinct subject from notices where type = 'backlog.late'",
      );
      return rows.map(({ subject }) => subject);
    };
    expect(await late()).toEqual([]);
    await idle.database.pool.query(
      "update unfinished_jobs set next_run_at = now() - interval '2 min'",
    );
    expect(await late()).toEqual(["jobs"]);
    const { deliveries } = await idle
      .endpoint(`${receiver.url}/late`, { events: ["op.late"] })
      .then(() => idle.publish("op.late"));
    await idle.database.pool.query(
      "update deliveries set next_attempt_at = now() - interval '2 min'",
    );
    expect(await late()).toEqual(expect.arrayContaining(["deliveries", "jobs"]));
    await idle.database.pool.query("delete from notices");
    await idle.must(200, "POST", `/v1/endpoints/${deliveries[0]!.endpoint_id}/pause`);
    expect(await late()).toEqual(["jobs"]);
    await idle.stop();
  });

  test("is told when a replay has finished", async () => {
    const { id } = await api.endpoint(`${receiver.url}/dead-replayed`, {
      events: ["op.replayed"],
      retry: ONCE,
    });
    const { deliveries } = await api.publish("op.replayed");
    await api.ended(deliveries[0]!.id);
    const filter = { status: "dead", endpoint_id: id };
    const replay = await api.must(202, "POST", "/v1/replays", { body: { filter } });
    expect(await waitFor("replay.finished")).toMatchObject({ subject: replay["id"] });
  });

  test("is told once of a secret that expires within a day", async () => {
    const { id } = await api.endpoint(`${receiver.url}/rotated`, {
      events: ["op.none"],
      description: "Rotated",
    });
    await api.must(200, "POST", `/v1/endpoints/${id}/rotate-secret`, {
      body: { overlap_s: 3_600 },
    });
    await watchSecrets(api.context);
    expect(await waitFor("secret.expiring")).toMatchObject({ subject: "Rotated", count: 1 });
    await watchSecrets(api.context);
    await notifyOperators(api.context, 0);
    const { rows } = await api.database.pool.query(
      "select from notice_windows where type = 'secret.expiring' and pending > 0",
    );
    expect([rows.length, told("secret.expiring").length]).toEqual([0, 1]);
  });

  test("is never told of itself, nor of another operator's", async () => {
    const own = await api.endpoint(`${receiver.url}/dead-operator`, {
      audience: "operator",
      retry: ONCE,
      events: ["worker.lost"],
    });
    const notice = { accountId: api.accountId, type: "worker.lost", subject: "wrk_x" } as const;
    await inTransaction(api.database.pool, (tx) =>
      insertNotices(tx, [{ ...notice, endpointId: null, detail: {} }]),
    );
    await receiver.waitFor(({ path }) => path === "/dead-operator");
    await eventually(async () => {
      const { rows } = await api.database.pool.query(
        "select from dead_letters where endpoint_id = $1",
        [own.uuid],
      );
      return rows.length === 1 || undefined;
    }, "the dead letter");
    const { rows } = await api.database.pool.query(
      `select from notices where endpoint_id = $1
       union all select from notice_windows where endpoint_id = $1`,
      [own.uuid],
    );
    expect(rows).toEqual([]);
    await api.must(204, "DELETE", `/v1/endpoints/${own.id}`);
  });

  test("is told of a lost worker only in accounts whose keys may operate the whole", async () => {
    const { accountId, apiKey } = await api.addAccount("tenant");
    const body = { url: `${receiver.url}/tenant`, audience: "operator" };
    await api.must(201, "POST", "/v1/endpoints", { body, key: apiKey });
    const lost = { type: "worker.lost", subject: "wrk_lost", detail: { runs: 1 } } as const;
    const tell = (): Promise<void> =>
      inTransaction(api.database.pool, (tx) => insertNoticeForOperators(tx, lost));
    await tell();
    await receiver.waitFor(
      (request) => request.path === "/operator" && dataOf(request)["subject"] === "wrk_lost",
    );
    expect(told("worker.lost", "/tenant")).toEqual([]);
    await api.addKey(accountId, ["operator"]);
    await tell();
    await waitFor("worker.lost", "/tenant");
  });

  test("is told once however many processes look", async () => {
    const others = await Promise.all(
      [1, 2].map(() => createTestContext({ database: api.database, worker: false })),
    );
    const subjects = Array.from({ length: 120 }, () => newId());
    await inTransaction(api.database.pool, (tx) =>
      insertNotices(
        tx,
        subjects.map((subject) => ({
          accountId: api.accountId,
          type: "backlog.late" as const,
          subject,
          endpointId: null,
          detail: {},
        })),
      ),
    );
    await eventually(async () => {
      await Promise.all(others.map(({ context }) => notifyOperators(context)));
      return told("backlog.late").length >= subjects.length || undefined;
    }, "all to be told");
    await sleep(200);
    expect(new Set(told("backlog.late").map((r) => dataOf(r)["subject"]))).toEqual(
      new Set(subjects),
    );
    expect(told("backlog.late")).toHaveLength(subjects.length);
    await Promise.all(others.map((other) => other.stop()));
  }, 60_000);
});

test("chats get bodies that their incoming webhooks take", async () => {
  const made = await Promise.all(
    ["slack", "teams", "discord"].map((format) =>
      api.endpoint(`${receiver.url}/${format}`, {
        audience: "operator",
        format,
        events: ["job.dead"],
      }),
    ),
  );
  await api.database.pool.query("delete from notice_windows");
  const body = { type: "demo.fail", input: { message: "no" } };
  await api.must(202, "POST", "/v1/jobs", { body });
  const bodyAt = async (path: string): Promise<Record<string, unknown>> => {
    const { body: sent } = await receiver.waitFor((request) => request.path === path, 10_000);
    return JSON.parse(sent.toString()) as Record<string, unknown>;
  };
  expect(await bodyAt("/slack")).toEqual({
    text: expect.stringMatching(
      /^A job of type demo\.fail failed .*\n<http.*\|Open in the console>$/,
    ),
  });
  expect(await bodyAt("/discord")).toEqual({
    content: expect.stringContaining("A job of type demo.fail failed"),
    allowed_mentions: { parse: [] },
  });
  expect(await bodyAt("/teams")).toMatchObject({
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        content: { type: "AdaptiveCard", body: [{ type: "TextBlock", wrap: true }] },
      },
    ],
  });
  const tested = await api.must(200, "POST", `/v1/endpoints/${made[0]!.id}/test`);
  expect(tested["status"]).toBe("delivered");
  expect(JSON.parse(receiver.requests.at(-1)!.body.toString())).toEqual({
    text: "This is a test of your endpoint.",
  });
  for (const { id } of made) await api.must(204, "DELETE", `/v1/endpoints/${id}`);
});

describe("settings of audience and format", () => {
  test.each([
    [{ format: "slack" }, "/format"],
    [{ audience: "operator", events: ["job.completed"] }, "/events/0"],
    [{ audience: "nobody" }, "/audience"],
  ])("%j is refused at %s", async (fields, pointer) => {
    const body = { url: receiver.url, ...fields };
    const answer = await api.ask("POST", "/v1/endpoints", { body });
    expect(answer.status).toBe(422);
    expect(answer.body["errors"]).toMatchObject([{ pointer }]);
  });

  test("an endpoint keeps events that fit when its audience changes", async () => {
    const { id } = await api.endpoint(receiver.url, { events: ["job.completed"] });
    const path = `/v1/endpoints/${id}`;
    await api.must(422, "PATCH", path, { body: { audience: "operator" } });
    const body = { audience: "operator", events: ["job.dead"], format: "slack" };
    expect(await api.must(200, "PATCH", path, { body })).toMatchObject(body);
    await api.must(422, "PATCH", path, { body: { audience: "account" } });
    await api.must(204, "DELETE", path);
  });

  test("nothing is noted for accounts without an operator's endpoint", async () => {
    await api.must(204, "DELETE", `/v1/endpoints/${operator.id}`);
    const { id } = await api.endpoint(`${receiver.url}/dead-unnoted`, {
      events: ["op.unnoted"],
      retry: ONCE,
      description: "Unnoted",
    });
    const { deliveries } = await api.publish("op.unnoted");
    await api.ended(deliveries[0]!.id);
    const { rows } = await api.database.pool.query(
      `select from notices n join endpoints e on e.id = n.endpoint_id where e.description = 'Unnoted'`,
    );
    expect([rows, id.startsWith("ep_")]).toEqual([[], true]);
  });
});
