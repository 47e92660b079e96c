import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newApiKey, newPortalToken } from "../../src/core/api-key.ts";
import { SCOPES, type Scope } from "../../src/core/model.ts";
import { parseId } from "../../src/core/ids.ts";
import { ENDPOINT_SCOPES, grants } from "../../src/core/scopes.ts";
import { PERMISSIONS, type Permission } from "../../src/core/portal.ts";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import type { Route } from "../../src/http/route.ts";
import { startDeliveryApi, type DeliveryApi } from "../support/delivery.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";
import { allRoutes, type Answer } from "./api.ts";

/** Routes that need no key. */
const OPEN = [
  "getHealth",
  "getReadiness",
  "getMetrics",
  "getProblem",
  "getJwks",
  "getAccountJwks",
  "getOpenApi",
];
/** Answers with a secret in clear: not for keys that only read. */
const SECRETS = ["getEndpointSecret", "getSigningSecret"];
/** Open to who is bound to endpoints, with a permission. */
const BOUND: Record<Permission, string[]> = {
  read: [
    "listDeliveries",
    "getDelivery",
    "listAttempts",
    "listDeadLetters",
    "listDeadLetterGroups",
    "listReplays",
    "getReplay",
    "getReplayReport",
    "listEndpoints",
    "getEndpoint",
    "getMessage",
    "getStats",
    "getPortalSession",
  ],
  test: ["testEndpoint"],
  replay: ["replayDelivery", "createReplay", "cancelReplay", "pauseReplay", "resumeReplay"],
  // of these keys have none
  secret: ["getEndpointSecret", "rotateEndpointSecret"],
  events: ["updateEndpoint"],
};
const NOWHERE = "ep_01k7va4z0yfd9st32c3wx5x2s7";
/** Nine that are none, and those of other endpoints: a link for each permission, two keys. */
const WRONG_TOKENS = 9 + PERMISSIONS.length + ENDPOINT_SCOPES.length;
const guarded = allRoutes.filter(({ scopes }) => scopes !== null);

let api: DeliveryApi;
let receiver: Receiver;
/** Objects of two endpoints of one account; a bound key has the first. */
let own: Objects;
let others: Objects;
/** Those of the endpoint of links. */
let linked: Objects;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
  own = await makeObjects("own");
  others = await makeObjects("others");
  linked = await makeObjects("linked");
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

interface Objects {
  endpoint: string;
  delivery: string;
  message: string;
  replay: string;
  job: string;
}

async function makeObjects(type: string): Promise<Objects> {
  const { id: endpoint } = await api.endpoint(`${receiver.url}/${type}`, { events: [type] });
  const { id: message, deliveries } = await api.publish(type);
  const body = { filter: { endpoint_id: endpoint }, dry_run: true };
  const replay = await api.must(202, "POST", "/v1/replays", { body });
  return {
    endpoint,
    delivery: deliveries[0]!.id,
    message,
    replay: String(replay["id"]),
    job: await api.job([]),
  };
}

/** Refused before its parameters are looked at, or else refused for one that nothing has. */
async function tryRoute(one: Route, key: string | null, objects?: Objects): Promise<Answer> {
  const kind = Object.keys(own).find((name) => one.path.includes(`${plural(name)}/{id}`));
  const id = objects?.[kind as keyof Objects] ?? "none";
  const path = `${one.path.replace(/\{\w+\}/, id)}${objects === undefined ? "?nothing=1" : ""}`;
  const body = one.method === "get" || one.method === "delete" ? {} : { body: {} };
  return await api.ask(one.method, path, { key, ...body });
}

/** Calls with tokens that must be refused, or get nothing of others. */
let tries = 0;
async function counted(one: Route, key: string | null, objects: Objects): Promise<Answer> {
  tries += 1;
  return await tryRoute(one, key, objects);
}

function openToKeys({ endpoints, permission }: Route): boolean {
  return endpoints !== undefined && ["read", "test", "replay"].includes(permission!);
}

/** A link to an endpoint. */
async function link(fields: object = {}, key?: string): Promise<{ id: string; token: string }> {
  const events = { event_types: ["invoice.paid", "invoice.sent"] };
  const can = (fields as { can?: string[] }).can ?? [];
  const body = {
    endpoint_ids: [linked.endpoint],
    ...(can.includes("events") ? events : {}),
    ...fields,
  };
  const ask = key === undefined ? { body } : { body, key };
  const { id, url } = await api.must(201, "POST", "/v1/portal-sessions", ask);
  return { id: String(id), token: String(url).split("#")[1]! };
}

function plural(name: string): string {
  return name === "delivery" ? "deliveries" : `${name}s`;
}

const codeOf = ({ status, body }: Answer): string => `${status} ${String(body["code"])}`;

async function boundKey(scopes: Scope[], endpointIds: string[]): Promise<string> {
  const body = { name: "bound", scopes, endpoint_ids: endpointIds };
  return String((await api.must(201, "POST", "/v1/api-keys", { body }))["key"]);
}

describe("what routes declare", () => {
  test("only known routes need no key", () => {
    const open = allRoutes.filter(({ scopes }) => scopes === null);
    expect(open.map(({ operationId }) => operationId).sort()).toEqual([...OPEN].sort());
  });

  test("a key that only reads can read all but secrets, and change nothing", () => {
    for (const { operationId, method, scopes } of guarded) {
      const read = grants(["admin:read"], scopes!);
      const operates = scopes!.every((scope) => scope === "operator");
      const wanted = method === "get" && !SECRETS.includes(operationId) && !operates;
      expect([operationId, read]).toEqual([operationId, wanted]);
    }
  });

  test("only known routes are open to who is bound to endpoints", () => {
    const open = guarded.filter(({ endpoints }) => endpoints !== undefined);
    for (const one of PERMISSIONS) {
      const permitted = open.filter(({ permission }) => permission === one);
      expect(permitted.map(({ operationId }) => operationId).sort()).toEqual(BOUND[one].sort());
    }
    expect(open).toHaveLength(Object.values(BOUND).flat().length);
    for (const { operationId, scopes } of open) {
      expect([operationId, grants(ENDPOINT_SCOPES, scopes!)]).toEqual([operationId, true]);
    }
  });
});

describe("every route", () => {
  test.each([
    ["no key", () => null],
    ["an unknown key", () => newApiKey()],
    ["a key of another kind", () => "rk_"],
    ["a revoked key", async () => await revoked()],
    ["an unknown link", () => newPortalToken()],
    ["a malformed link", () => "rp_"],
    ["an expired link", async () => await expired()],
    ["a revoked link", async () => await revokedLink()],
    ["a link whose key was revoked", async () => await orphaned()],
  ])("refuses %s", async (_what, key: () => Promise<string> | string | null) => {
    const text = await key();
    for (const one of guarded) {
      const answer = await counted(one, text, own);
      expect([one.operationId, codeOf(answer)]).toEqual([one.operationId, "401 unauthenticated"]);
    }
  });

  async function revoked(): Promise<string> {
    const body = { name: "revoked", scopes: ["admin"] };
    const { id, key } = await api.must(201, "POST", "/v1/api-keys", { body });
    await api.must(204, "DELETE", `/v1/api-keys/${String(id)}`);
    return String(key);
  }

  async function expired(): Promise<string> {
    const { token, id } = await link({ can: [...PERMISSIONS] });
    await api.database.pool.query(
      "update portal_sessions set expires_at = now() - interval '1 ms' where id = $1",
      [parseId("portal_session", id)],
    );
    return token;
  }

  async function revokedLink(): Promise<string> {
    const { token, id } = await link({ can: [...PERMISSIONS] });
    await api.must(200, "GET", "/v1/portal-session", { key: token });
    await api.must(204, "DELETE", `/v1/portal-sessions/${id}`);
    return token;
  }

  async function orphaned(): Promise<string> {
    const body = { name: "maker", scopes: ["webhooks"] };
    const { id, key } = await api.must(201, "POST", "/v1/api-keys", { body });
    const { token } = await link({ can: [...PERMISSIONS] }, String(key));
    await api.must(200, "GET", "/v1/portal-session", { key: token });
    await api.must(204, "DELETE", `/v1/api-keys/${String(id)}`);
    return token;
  }

  test.each(PERMISSIONS.map((one) => [one]))(
    "keeps a link that can %s to that, and to its endpoint",
    async (permission) => {
      const { token } = await link({ can: [permission] });
      for (const one of guarded) {
        const { operationId, endpoints } = one;
        const code = codeOf(await counted(one, token, others));
        const permitted =
          BOUND.read.includes(operationId) || BOUND[permission].includes(operationId);
        if (!permitted) {
          expect([operationId, code]).toEqual([operationId, expect.stringMatching(/^403 /)]);
        } else if (one.path.includes("{id}")) {
          expect([operationId, code]).toEqual([operationId, "404 not_found"]);
        } else if (endpoints === "query") {
          const path = `${one.path}?endpoint_id=${others.endpoint}`;
          expect(codeOf(await api.ask("GET", path, { key: token }))).toBe("403 endpoint_bound");
        }
        if (permitted) {
          const answer = codeOf(await tryRoute(one, token, linked));
          expect(`${operationId} ${answer}`).not.toMatch(/ 40[134] /);
        }
      }
    },
  );

  test.each([...SCOPES])("lets a key with the scope %s do what it says", async (scope) => {
    const key = await api.addKey(api.accountId, [scope]);
    for (const one of guarded) {
      const code = codeOf(await tryRoute(one, key));
      const refused = code === "403 scope_missing";
      expect([one.operationId, refused]).toEqual([one.operationId, !grants([scope], one.scopes!)]);
      if (!refused) expect(code).not.toMatch(/^40[13]/);
    }
  });

  test("lets a suspended account read, and change nothing", async () => {
    const { accountId } = await api.addAccount("suspended");
    const key = await api.addKey(accountId, ["admin", "operator"]);
    await api.database.pool.query("update accounts set state = 'suspended' where id = $1", [
      accountId,
    ]);
    for (const one of guarded) {
      const code = codeOf(await tryRoute(one, key));
      if (one.method === "get") expect(`${one.operationId} ${code}`).not.toMatch(/ 40[13] /);
      else expect([one.operationId, code]).toEqual([one.operationId, "403 account_suspended"]);
    }
  });

  test("hides what belongs to another account", async () => {
    const { apiKey: key } = await api.addAccount("stranger");
    for (const one of guarded.filter(({ path }) => path.includes("{id}"))) {
      const answer = await tryRoute(one, key, own);
      const code =
        one.path.includes("api-keys") || one.path.includes("portal-sessions")
          ? /^40[04]/
          : /^404 not_found/;
      if (one.scopes!.includes("operator")) continue;
      expect(`${one.operationId} ${codeOf(answer)}`.split(" ").slice(1).join(" ")).toMatch(code);
    }
  });

  test.each([...ENDPOINT_SCOPES])("keeps a key with %s to its endpoint", async (scope) => {
    const key = await boundKey([scope], [own.endpoint]);
    for (const one of guarded) {
      const { operationId, endpoints } = one;
      const code = codeOf(await counted(one, key, others));
      if (!grants([scope], one.scopes!)) {
        expect([operationId, code]).toEqual([operationId, "403 scope_missing"]);
      } else if (!openToKeys(one)) {
        expect([operationId, code]).toEqual([operationId, "403 endpoint_bound"]);
      } else if (one.path.includes("{id}")) {
        expect([operationId, code]).toEqual([operationId, "404 not_found"]);
      } else if (endpoints === "query") {
        const path = `${one.path}?endpoint_id=${others.endpoint}`;
        expect(codeOf(await api.ask("GET", path, { key }))).toBe("403 endpoint_bound");
      }
    }
  });

  test("was tried with every wrong token", () => {
    expect(tries).toBe(guarded.length * WRONG_TOKENS);
  });
});

describe("a key bound to an endpoint", () => {
  test("sees its own objects, and nothing of others in lists", async () => {
    const key = await boundKey(["webhooks"], [own.endpoint]);
    for (const one of guarded) {
      if (!openToKeys(one) || one.method !== "get") continue;
      if (one.operationId === "getPortalSession") continue;
      const answer = await tryRoute(one, key, own);
      // groups name what they are grouped by
      const { text, status } = one.path.endsWith("groups")
        ? await api.ask("GET", `${one.path}?by=endpoint`, { key })
        : answer;
      expect([one.operationId, status]).toEqual([one.operationId, 200]);
      for (const id of Object.values(others) as string[]) expect(text).not.toContain(id);
    }
    const listed = async (path: string) => (await api.ask("GET", path, { key })).body["data"];
    expect(await listed("/v1/deliveries")).toMatchObject([{ endpoint_id: own.endpoint }]);
    expect(await listed("/v1/endpoints")).toMatchObject([{ id: own.endpoint }]);
    expect(await listed("/v1/replays")).toMatchObject([{ id: own.replay }]);
  });

  test("replays what went to its endpoint, and nothing else", async () => {
    const key = await boundKey(["webhooks"], [own.endpoint]);
    const replay = async (body: object) => await api.ask("POST", "/v1/replays", { key, body });
    const made = await replay({ filter: { status: "delivered" }, dry_run: true });
    expect(made).toMatchObject({
      status: 202,
      body: { filter: { endpoint_id: own.endpoint }, matched: expect.any(Number) },
    });
    for (const body of [
      { filter: { endpoint_id: others.endpoint } },
      { filter: {}, action: "discard", note: "mine" },
      { filter: { status: "pending" }, action: "cancel" },
      { filter: {}, destination: { url: "https://elsewhere.test" } },
    ]) {
      expect(codeOf(await replay(body))).toBe("403 endpoint_bound");
    }
    for (const body of [{}, { filter: null }, { filter: [] }, []]) {
      expect(codeOf(await replay(body))).toBe("422 validation_failed");
    }
    // an id of another endpoint in a filter of one's own matches nothing
    const foreign = await replay({ filter: { ids: [others.delivery], status: "delivered" } });
    expect(foreign.body).toMatchObject({ matched: 0 });
  });

  test("with several endpoints names one of them, or some", async () => {
    const key = await boundKey(["webhooks:read"], [own.endpoint, others.endpoint]);
    expect(codeOf(await api.ask("GET", "/v1/deliveries", { key }))).toBe("403 endpoint_bound");
    const path = `/v1/deliveries?endpoint_id=${others.endpoint}`;
    expect((await api.ask("GET", path, { key })).body["data"]).toHaveLength(1);
    expect((await api.ask("GET", "/v1/endpoints", { key })).body["data"]).toHaveLength(2);
    for (const both of [`${path}&endpoint_id=${own.endpoint}`, `${path},${own.endpoint}`]) {
      expect((await api.ask("GET", both, { key })).body["data"]).toHaveLength(2);
    }
    const key1 = await boundKey(["webhooks:read"], [own.endpoint]);
    for (const more of [`,${others.endpoint}`, `&endpoint_id=${others.endpoint}`, ",", ",,"]) {
      const crossed = `/v1/deliveries?endpoint_id=${own.endpoint}${more}`;
      expect(codeOf(await api.ask("GET", crossed, { key: key1 }))).toBe("403 endpoint_bound");
    }
    // where one is asked for, two are refused
    const single = `/v1/dead-letters?endpoint_id=${own.endpoint},${others.endpoint}`;
    expect(codeOf(await api.ask("GET", single, { key }))).toBe("400 query_invalid");
  });

  test.each([
    ["jobs", { scopes: ["jobs"] }, "/scopes"],
    ["admin", { scopes: ["webhooks", "admin"] }, "/scopes"],
    ["no endpoint", { scopes: ["webhooks"], endpoint_ids: [] }, "/endpoint_ids"],
    ["a malformed id", { scopes: ["webhooks"], endpoint_ids: ["x"] }, "/endpoint_ids/0"],
    [
      "an endpoint that isn't there",
      { scopes: ["webhooks"], endpoint_ids: [NOWHERE] },
      "/endpoint_ids/0",
    ],
  ])("isn't made with %s", async (_what, fields, pointer) => {
    const body = { name: "bad", endpoint_ids: [own.endpoint], ...fields };
    const answer = await api.ask("POST", "/v1/api-keys", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });
});

describe("a link of a partner", () => {
  test("sees its own objects, and nothing of others", async () => {
    const { token: key } = await link({ can: [...PERMISSIONS] });
    for (const one of guarded) {
      if (one.endpoints === undefined || one.method !== "get") continue;
      const answer = await tryRoute(one, key, linked);
      const { text, status } = one.path.endsWith("groups")
        ? await api.ask("GET", `${one.path}?by=endpoint`, { key })
        : answer;
      expect([one.operationId, status]).toEqual([one.operationId, 200]);
      for (const id of [...Object.values(others), ...Object.values(own)] as string[])
        expect(text).not.toContain(id);
    }
    const { body } = await api.ask("GET", "/v1/portal-session", { key });
    expect(body).toMatchObject({ endpoint_ids: [linked.endpoint], can: [...PERMISSIONS] });
  });

  test("chooses from the event types that it was given, and changes nothing else", async () => {
    const { token: key } = await link({ can: ["events"] });
    const path = `/v1/endpoints/${linked.endpoint}`;
    const change = async (body: unknown) => codeOf(await api.ask("PATCH", path, { key, body }));
    for (const body of [
      { events: [] },
      { events: ["others"] },
      { events: ["invoice.paid", "others"] },
      { url: "https://elsewhere.test" },
      { events: ["invoice.paid"], max_in_flight: 100 },
      { events: ["invoice.paid"], headers: {} },
    ]) {
      expect(await change(body)).toBe("403 endpoint_bound");
    }
    for (const body of [{ events: "invoice.paid" }, { events: null }, []]) {
      expect(await change(body)).toBe("422 validation_failed");
    }
    const ok = await api.ask("PATCH", path, { key, body: { events: ["invoice.sent"] } });
    expect(ok).toMatchObject({ status: 200, body: { events: ["invoice.sent"] } });
    await api.must(200, "PATCH", path, { body: { events: ["linked"] } });
  });

  test("reads and rotates its secret, and can't choose one", async () => {
    const { token: key } = await link({ can: ["secret"] });
    const path = `/v1/endpoints/${linked.endpoint}`;
    const before = await api.must(200, "GET", `${path}/secret`, { key });
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const chosen = await api.ask("POST", `${path}/rotate-secret`, { key, body: { secret } });
    expect(codeOf(chosen)).toBe("403 endpoint_bound");
    const body = { overlap_s: 60 };
    const after = await api.must(200, "POST", `${path}/rotate-secret`, { key, body });
    expect(after["secret"]).not.toBe(before["secret"]);
  });

  test("replays by filter what went to its endpoint only, and discards nothing", async () => {
    const { token: key } = await link({ can: ["replay"] });
    const replay = async (body: object) => await api.ask("POST", "/v1/replays", { key, body });
    const made = await replay({ filter: { status: "delivered" }, action: "replay", dry_run: true });
    expect(made.body).toMatchObject({ filter: { endpoint_id: linked.endpoint } });
    for (const body of [
      { filter: { endpoint_id: others.endpoint } },
      { filter: {}, action: "discard", note: "mine" },
      { filter: { status: "pending" }, action: "cancel" },
    ]) {
      expect(codeOf(await replay(body))).toBe("403 endpoint_bound");
    }
  });

  test("is told in the audit log: who made it, what it changed, who ended it", async () => {
    const { token: key, id } = await link({ can: ["secret"], theme: { title: "Acme" } });
    await api.must(200, "POST", `/v1/endpoints/${linked.endpoint}/rotate-secret`, { key });
    await api.must(204, "DELETE", `/v1/portal-sessions/${id}`);
    const { data } = await api.must(200, "GET", `/v1/audit-events?target=${id}`);
    expect(data).toMatchObject([
      { action: "portal_session.revoked", before: { can: ["read", "secret"] } },
      { action: "portal_session.created", target: { type: "portal_session", id, name: "Acme" } },
    ]);
    const mine = await api.must(200, "GET", `/v1/audit-events?actor=${id}`);
    expect(mine["data"]).toMatchObject([
      { action: "secret.rotated", actor: { type: "portal", id, name: "Acme" } },
    ]);
    const log = JSON.stringify([data, mine]);
    expect(log).not.toContain(key);
  });

  test("of a suspended account reads, and changes nothing", async () => {
    const { token: key } = await link({ can: [...PERMISSIONS] });
    const set = async (state: string) =>
      await api.database.pool.query("update accounts set state = $2 where id = $1", [
        api.accountId,
        state,
      ]);
    await set("suspended");
    const read = await api.ask("GET", "/v1/deliveries", { key });
    const tested = await api.ask("POST", `/v1/endpoints/${linked.endpoint}/test`, { key });
    await set("active");
    expect([read.status, codeOf(tested)]).toEqual([200, "403 account_suspended"]);
  });

  test("is forgotten once it has ended, and no other is", async () => {
    const { id } = await link();
    const kept = await link();
    const ended = parseId("portal_session", id);
    await api.database.pool.query(
      "update portal_sessions set expires_at = now() - interval '1 s' where id = $1",
      [ended],
    );
    await sweep(api.context);
    const { rows } = await api.database.pool.query("select from portal_sessions where id = $1", [
      ended,
    ]);
    expect(rows).toEqual([]);
    await api.must(200, "GET", "/v1/portal-session", { key: kept.token });
  });

  test("is listed until it ends, without its token, in its account only", async () => {
    const { id, token } = await link({ ttl_s: 60 });
    const listed = await api.ask("GET", "/v1/portal-sessions");
    expect(listed.text).toContain(id);
    expect(listed.text).not.toContain(token);
    const { apiKey: key } = await api.addAccount("elsewhere");
    expect((await api.ask("GET", "/v1/portal-sessions", { key })).body["data"]).toEqual([]);
    const foreign = await api.ask("DELETE", `/v1/portal-sessions/${id}`, { key });
    expect(codeOf(foreign)).toBe("404 not_found");
    const body = { endpoint_ids: [linked.endpoint] };
    const made = await api.ask("POST", "/v1/portal-sessions", { key, body });
    expect(codeOf(made)).toBe("422 endpoint_unknown");
  });

  test.each([
    ["no endpoint", { endpoint_ids: [] }, "/endpoint_ids"],
    ["an endpoint that isn't there", { endpoint_ids: [NOWHERE] }, "/endpoint_ids/0"],
    ["an unknown permission", { can: ["delete"] }, "/can/0"],
    ["too long a life", { ttl_s: 86_401 }, "/ttl_s"],
    ["too short a life", { ttl_s: 59 }, "/ttl_s"],
    ["events to choose and no types", { can: ["events"], event_types: [] }, "/event_types"],
    ["types and no permission", { event_types: ["invoice.paid"] }, "/event_types"],
    ["an unknown job event", { can: ["events"], event_types: ["job.no"] }, "/event_types/0"],
    ["a colour that is none", { theme: { accent: "red" } }, "/theme/accent"],
    ["a logo over http", { theme: { logo_url: "http://x.test/a.png" } }, "/theme/logo_url"],
    ["a logo by script", { theme: { logo_url: "javascript:alert(1)" } }, "/theme/logo_url"],
    ["a logo of text", { theme: { logo_url: "data:text/html;base64,AAAA" } }, "/theme/logo_url"],
  ])("isn't made with %s", async (_what, fields, pointer) => {
    const body = { endpoint_ids: [linked.endpoint], ...fields };
    const answer = await api.ask("POST", "/v1/portal-sessions", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });
});
