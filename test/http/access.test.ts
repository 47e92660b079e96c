import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newApiKey } from "../../src/core/api-key.ts";
import { SCOPES, type Scope } from "../../src/core/model.ts";
import { ENDPOINT_SCOPES, grants } from "../../src/core/scopes.ts";
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
/** Open to keys that are bound to endpoints. */
const BOUND = [
  "listDeliveries",
  "getDelivery",
  "listAttempts",
  "replayDelivery",
  "resumeReplay",
  "listDeadLetters",
  "listDeadLetterGroups",
  "createReplay",
  "listReplays",
  "pauseReplay",
  "getReplay",
  "getReplayReport",
  "cancelReplay",
  "listEndpoints",
  "getEndpoint",
  "testEndpoint",
  "getMessage",
  "getStats",
];
const guarded = allRoutes.filter(({ scopes }) => scopes !== null);

let api: DeliveryApi;
let receiver: Receiver;
/** Objects of two endpoints of one account; a bound key has the first. */
let own: Objects;
let others: Objects;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
  own = await makeObjects("own");
  others = await makeObjects("others");
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

  test("only known routes are open to keys bound to endpoints", () => {
    const open = guarded.filter(({ endpoints }) => endpoints !== undefined);
    expect(open.map(({ operationId }) => operationId).sort()).toEqual([...BOUND].sort());
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
  ])("refuses %s", async (_what, key: () => Promise<string> | string | null) => {
    const text = await key();
    for (const one of guarded) {
      const answer = await tryRoute(one, text, own);
      expect([one.operationId, codeOf(answer)]).toEqual([one.operationId, "401 unauthenticated"]);
    }
  });

  async function revoked(): Promise<string> {
    const body = { name: "revoked", scopes: ["admin"] };
    const { id, key } = await api.must(201, "POST", "/v1/api-keys", { body });
    await api.must(204, "DELETE", `/v1/api-keys/${String(id)}`);
    return String(key);
  }

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
      const code = one.path.includes("api-keys") ? /^40[04]/ : /^404 not_found/;
      if (one.scopes!.includes("operator")) continue;
      expect(`${one.operationId} ${codeOf(answer)}`.split(" ").slice(1).join(" ")).toMatch(code);
    }
  });

  test.each([...ENDPOINT_SCOPES])("keeps a key with %s to its endpoint", async (scope) => {
    const key = await boundKey([scope], [own.endpoint]);
    for (const one of guarded) {
      const { operationId, endpoints } = one;
      const code = codeOf(await tryRoute(one, key, others));
      if (!grants([scope], one.scopes!)) {
        expect([operationId, code]).toEqual([operationId, "403 scope_missing"]);
      } else if (endpoints === undefined) {
        expect([operationId, code]).toEqual([operationId, "403 endpoint_bound"]);
      } else if (one.path.includes("{id}")) {
        expect([operationId, code]).toEqual([operationId, "404 not_found"]);
      } else if (endpoints === "query") {
        const path = `${one.path}?endpoint_id=${others.endpoint}`;
        expect(codeOf(await api.ask("GET", path, { key }))).toBe("403 endpoint_bound");
      }
    }
  });
});

describe("a key bound to an endpoint", () => {
  test("sees its own objects, and nothing of others in lists", async () => {
    const key = await boundKey(["webhooks"], [own.endpoint]);
    for (const one of guarded) {
      if (one.endpoints === undefined || one.method !== "get") continue;
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
      { scopes: ["webhooks"], endpoint_ids: ["ep_01k7va4z0yfd9st32c3wx5x2s7"] },
      "/endpoint_ids/0",
    ],
  ])("isn't made with %s", async (_what, fields, pointer) => {
    const body = { name: "bad", endpoint_ids: [own.endpoint], ...fields };
    const answer = await api.ask("POST", "/v1/api-keys", { body });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });
});
