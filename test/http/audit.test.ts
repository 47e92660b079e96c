import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import { ONCE, startDeliveryApi, type DeliveryApi } from "../support/delivery.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { allRoutes } from "./api.ts";

let api: DeliveryApi;
let receiver: Receiver;
let keyId: string;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
  const { data } = await api.must(200, "GET", "/v1/api-keys");
  keyId = (data as { id: string }[])[0]!.id;
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

interface Event {
  id: string;
  at: string;
  action: string;
  actor: { type: string; id: string | null; name: string };
  target: { type: string; id: string; name: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  address: string | null;
  request_id: string | null;
}

async function events(query = "", key = api.apiKey): Promise<Event[]> {
  const answer = await api.must(200, "GET", `/v1/audit-events${query}`, { key });
  return answer["data"] as Event[];
}

/** Routes that change things and are no administration: the daily work of programs. */
const DAILY = [
  "submitJob",
  "cancelJob",
  "publishMessage",
  "publishMessages",
  "testEndpoint",
  "retryJob",
];

describe("every administrative change", () => {
  /** What each route is asked, and the action it is told as. */
  const asked: Record<
    string,
    (of: Made) => [path: string, body: object | undefined, action: string]
  > = {
    createEndpoint: () => [
      "/v1/endpoints",
      { url: `${receiver.url}/x`, description: "Made", headers: { "x-token": "hush-1" } },
      "endpoint.created",
    ],
    updateEndpoint: ({ endpoint }) => [
      `/v1/endpoints/${endpoint}`,
      { timeout_s: 9, headers: { "x-plain": "hush-2" }, description: "Acme" },
      "endpoint.updated",
    ],
    pauseEndpoint: ({ endpoint }) => [`/v1/endpoints/${endpoint}/pause`, {}, "endpoint.paused"],
    resumeEndpoint: ({ endpoint }) => [`/v1/endpoints/${endpoint}/resume`, {}, "endpoint.resumed"],
    enableEndpoint: ({ endpoint }) => [`/v1/endpoints/${endpoint}/enable`, {}, "endpoint.enabled"],
    rotateEndpointSecret: ({ endpoint }) => [
      `/v1/endpoints/${endpoint}/rotate-secret`,
      { secret: SECRET },
      "secret.rotated",
    ],
    rotateSigningSecret: () => ["/v1/signing-secret/rotate", {}, "secret.rotated"],
    rotateSigningKey: () => ["/v1/signing-key/rotate", {}, "signing_key.rotated"],
    createApiKey: () => ["/v1/api-keys", { name: "new", scopes: ["jobs"] }, "api_key.created"],
    replayDelivery: ({ delivery }) => [
      `/v1/deliveries/${delivery}/replay`,
      {},
      "delivery.replayed",
    ],
    createReplay: ({ endpoint }) => [
      "/v1/replays",
      { filter: { status: "delivered", endpoint_id: endpoint } },
      "replay.created",
    ],
    sendMissed: ({ endpoint }) => [`/v1/endpoints/${endpoint}/send-missed`, {}, "replay.created"],
    disableEndpoint: ({ other }) => [`/v1/endpoints/${other}/disable`, {}, "endpoint.disabled"],
    pauseReplay: ({ replay }) => [`/v1/replays/${replay}/pause`, {}, "replay.paused"],
    resumeReplay: ({ paused }) => [`/v1/replays/${paused}/resume`, {}, "replay.resumed"],
    cancelReplay: ({ replay }) => [`/v1/replays/${replay}/cancel`, {}, "replay.canceled"],
    createPortalSession: ({ endpoint }) => [
      "/v1/portal-sessions",
      { endpoint_ids: [endpoint] },
      "portal_session.created",
    ],
    revokePortalSession: ({ link }) => [
      `/v1/portal-sessions/${link}`,
      undefined,
      "portal_session.revoked",
    ],
    revokeApiKey: ({ key }) => [`/v1/api-keys/${key}`, undefined, "api_key.revoked"],
    deleteEndpoint: ({ endpoint }) => [`/v1/endpoints/${endpoint}`, undefined, "endpoint.deleted"],
  };
  const SECRET = `whsec_${Buffer.from("a secret of 24 bytes or more").toString("base64")}`;

  interface Made {
    endpoint: string;
    other: string;
    delivery: string;
    replay: string;
    paused: string;
    key: string;
    link: string;
  }
  let made: Made;
  beforeAll(async () => {
    const { id: endpoint } = await api.endpoint(`${receiver.url}/a`, { events: ["audited"] });
    const { id: other } = await api.endpoint(`${receiver.url}/b`, { events: ["audited.never"] });
    const { deliveries } = await api.publish("audited");
    await api.ended(deliveries[0]!.id);
    const body = { name: "old", scopes: ["jobs"] };
    const key = await api.must(201, "POST", "/v1/api-keys", { body });
    const { rows } = await api.database.pool.query<{ id: string }>(
      `insert into replays (id, account_id, filter, dry_run, status, matched)
       values ('01900000-0000-7000-8000-000000000001', $1, '{"status":"dead"}', false, 'running', 1),
         ('01900000-0000-7000-8000-000000000002', $1, '{"status":"dead"}', false, 'paused', 1)
       returning id`,
      [api.accountId],
    );
    const replay = rows[0]!.id;
    const links = { body: { endpoint_ids: [endpoint] } };
    const link = String((await api.must(201, "POST", "/v1/portal-sessions", links))["id"]);
    made = {
      endpoint,
      other,
      link,
      delivery: deliveries[0]!.id,
      replay: formatId("replay", replay),
      paused: formatId("replay", rows[1]!.id),
      key: String(key["id"]),
    };
  });

  test("is asked for here", () => {
    const changing = allRoutes.filter(({ method, scopes }) => method !== "get" && scopes !== null);
    const ids = changing.map(({ operationId }) => operationId);
    const operators = changing.filter(({ scopes }) => scopes!.includes("operator"));
    const known = [...Object.keys(asked), ...DAILY, ...operators.map((one) => one.operationId)];
    expect(ids.sort()).toEqual([...new Set(known)].sort());
  });

  test.each(Object.keys(asked))("%s is told once, with who and from where", async (operation) => {
    const [path, body, action] = asked[operation]!(made);
    const { method } = allRoutes.find(({ operationId }) => operationId === operation)!;
    const requestId = `audit:${operation}`;
    const answer = await api.ask(method, path, {
      headers: { "x-request-id": requestId },
      ...(body === undefined ? {} : { body }),
    });
    expect({ status: answer.status < 300, text: answer.text }).toMatchObject({ status: true });
    const told = (await events()).filter(({ request_id }) => request_id === requestId);
    expect(told).toMatchObject([
      {
        action,
        actor: { type: "api_key", id: keyId, name: "test" },
        address: expect.stringContaining("127.0.0.1"),
      },
    ]);
  });

  test("tells what was and what is of the fields that changed, and no secret", async () => {
    const [changed] = await events("?action=endpoint.updated");
    expect(changed).toMatchObject({
      target: { type: "endpoint", id: made.endpoint },
      before: { timeout_s: 15, description: "", headers: {} },
      after: { timeout_s: 9, description: "Acme", headers: { "x-plain": "[redacted]" } },
    });
    expect(Object.keys(changed!.after!).sort()).toEqual(["description", "headers", "timeout_s"]);
    const { rows } = await api.database.pool.query<{ text: string }>(
      "select string_agg(a::text, ' ') as text from audit_events a",
    );
    for (const hidden of ["hush", SECRET, "sealed:", "rk_"]) {
      expect(rows[0]!.text).not.toContain(hidden);
    }
  });
});

test("a change that can't be told isn't made", async () => {
  const { id } = await api.endpoint(`${receiver.url}/b`, { events: ["untold"] });
  await api.database.pool.query(
    "alter table audit_events add constraint untold check (action <> 'endpoint.paused') not valid",
  );
  try {
    expect((await api.ask("POST", `/v1/endpoints/${id}/pause`)).status).toBe(500);
    expect(await api.must(200, "GET", `/v1/endpoints/${id}`)).toMatchObject({ state: "active" });
  } finally {
    await api.database.pool.query("alter table audit_events drop constraint untold");
  }
});

test("a change that is refused isn't told", async () => {
  const before = (await events("?limit=200")).length;
  await api.must(404, "POST", "/v1/endpoints/ep_01k7va4z0yfd9st32c3wx5x2s7/pause");
  await api.must(422, "POST", "/v1/endpoints", { body: { url: "ftp://x" } });
  const { id } = await api.endpoint(`${receiver.url}/dry`, { events: ["dry"], retry: ONCE });
  const body = { filter: { endpoint_id: id }, dry_run: true };
  await api.must(202, "POST", "/v1/replays", { body });
  expect((await events("?limit=200")).length).toBe(before + 1);
});

describe("the audit log", () => {
  test("is only added to", async () => {
    const { pool } = api.database;
    for (const statement of [
      "update audit_events set actor_name = 'nobody'",
      "delete from audit_events",
      "truncate audit_events",
    ]) {
      await expect(pool.query(statement)).rejects.toThrow("the audit log is only added to");
    }
  });

  test("is kept as long as it is set to be", async () => {
    const { pool } = api.database;
    const old = "01500000-0000-7000-8000-000000000000";
    await pool.query(
      `insert into audit_events (id, account_id, actor_type, actor_name, action, target_type,
         target_id, target_name)
       select $1::uuid, account_id, actor_type, actor_name, action, target_type, target_id, ''
       from audit_events limit 1`,
      [old],
    );
    const count = (await events("?limit=200")).length;
    await sweep(api.context);
    expect((await events("?limit=200")).length).toBe(count - 1);
  });

  test("is filtered by actor, action, target and time, and read in pages", async () => {
    const all = await events("?limit=200");
    const middle = all[Math.floor(all.length / 2)]!;
    const ids = (list: Event[]): string[] => list.map(({ id }) => id);
    const that = (wanted: (one: Event) => boolean): string[] => ids(all.filter(wanted));
    expect(ids(await events(`?limit=200&actor=${keyId}`))).toEqual(
      that(({ actor }) => actor.id === keyId),
    );
    expect(ids(await events("?actor=system"))).toEqual([]);
    expect(ids(await events(`?target=${middle.target.id}`))).toEqual(
      that(({ target }) => target.id === middle.target.id),
    );
    expect(ids(await events(`?action=${middle.action}`))).toEqual(
      that(({ action }) => action === middle.action),
    );
    expect(ids(await events("?until=2020-01-01T00:00:00Z"))).toEqual([]);
    expect(ids(await events("?limit=200&since=2020-01-01T00:00:00Z"))).toEqual(ids(all));
    const paged: string[] = [];
    for (let cursor = ""; cursor !== "null";) {
      const page = await api.must(
        200,
        "GET",
        `/v1/audit-events?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      paged.push(...ids(page["data"] as Event[]));
      cursor = String(page["next_cursor"]);
    }
    expect(paged).toEqual(ids(all));
  });

  test.each(["actor=x", "action=nothing", "target=job_01k7va4z0yfd9st32c3wx5x2s7", "since=x"])(
    "refuses %s",
    async (query) => {
      const parameter = query.split("=")[0];
      for (const path of ["/v1/audit-events", "/v1/audit-events/export"]) {
        const answer = await api.ask("GET", `${path}?${query}`);
        expect(answer).toMatchObject({ status: 400, body: { errors: [{ parameter }] } });
      }
    },
  );

  test("of one account shows nothing of another, and needs admin:read", async () => {
    const { accountId, apiKey } = await api.addAccount("audit stranger");
    expect(await events("", apiKey)).toEqual([]);
    expect(await events(`?target=${(await events())[0]!.target.id}`, apiKey)).toEqual([]);
    const reading = await api.addKey(accountId, ["admin:read"]);
    expect(await events("", reading)).toEqual([]);
    for (const scope of ["jobs", "webhooks", "operator"] as const) {
      const key = await api.addKey(accountId, [scope]);
      await api.must(403, "GET", "/v1/audit-events", { key });
    }
  });

  test("names the session of the console as such", async () => {
    const signedIn = await fetch(`http://127.0.0.1:${api.port}/console/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ api_key: api.apiKey }),
    });
    const cookie = String(signedIn.headers.get("set-cookie")).split(";")[0]!;
    await fetch(`http://127.0.0.1:${api.port}/console/session`, {
      method: "DELETE",
      headers: { cookie },
    });
    const actor = { type: "console", id: keyId, name: "test" };
    expect((await events("?limit=2")).map((one) => [one.action, one.actor])).toEqual([
      ["console.signed_out", actor],
      ["console.signed_in", actor],
    ]);
  });
});

describe("an export", () => {
  test("as CSV has all that match, and no formula", async () => {
    await api.must(201, "POST", "/v1/api-keys", {
      body: { name: '=cmd|" /C calc"!A0', scopes: ["jobs"] },
    });
    const all = await events("?limit=200");
    const { text, headers } = await api.ask("GET", "/v1/audit-events/export");
    expect(headers["content-disposition"]).toContain("audit-log.csv");
    const [head, ...lines] = text.trimEnd().split("\r\n");
    expect(head!.split(",")).toHaveLength(13);
    expect(lines.map((line) => line.slice(-31, -1))).toEqual(all.map(({ id }) => id));
    expect(lines[0]).toContain(`"'=cmd|"" /C calc""!A0"`);
    const one = await api.ask("GET", "/v1/audit-events/export?action=endpoint.deleted");
    expect(one.text.trimEnd().split("\r\n")).toHaveLength(2);
  });

  test("as JSON Lines has the events of the list", async () => {
    const all = await events("?limit=200");
    const answer = await fetch(
      `http://127.0.0.1:${api.port}/v1/audit-events/export?format=ndjson`,
      { headers: { authorization: `Bearer ${api.apiKey}` } },
    );
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line) as Event)).toEqual(all);
  });

  test("of much is read page by page, as fast as the client takes it", async () => {
    const { accountId, apiKey } = await api.addAccount("much");
    await api.database.pool.query(
      `insert into audit_events (id, account_id, actor_type, actor_name, action, target_type,
         target_id, target_name, after)
       select gen_random_uuid(), $1, 'system', 'system', 'account.renamed', 'account', $1, 'x',
         jsonb_build_object('text', repeat('x', 1000))
       from generate_series(1, 20000)`,
      [accountId],
    );
    const before = process.memoryUsage.rss();
    let lines = 0;
    await new Promise<void>((resolve, reject) => {
      const call = request(
        {
          port: api.port,
          host: "127.0.0.1",
          path: "/v1/audit-events/export",
          headers: { authorization: `Bearer ${apiKey}` },
        },
        (answer) => {
          answer.on("data", (bytes: Buffer) => {
            for (const byte of bytes) if (byte === 10) lines += 1;
          });
          answer.on("end", resolve).on("error", reject);
        },
      );
      call.on("error", reject).end();
    });
    expect(lines).toBe(20_001);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1_048_576);
  }, 60_000);
});
