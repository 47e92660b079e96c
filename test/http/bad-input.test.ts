import { newSecret } from "../../src/core/signature.ts";
import { exampleId } from "../../src/http/schemas/common.ts";
import { startReceiver } from "../support/receiver.ts";
import { allRoutes, countRows, startApi, type Ask, type TestApi } from "./api.ts";

let api: TestApi;
let endpointId: string;
let jobsKey: string;
let webhooksKey: string;
beforeAll(async () => {
  api = await startApi({ worker: false });
  const endpoint = await api.ask("POST", "/v1/endpoints", { body: { url: "http://127.0.0.1:1/" } });
  endpointId = String(endpoint.body["id"]);
  jobsKey = await api.addKey(api.accountId, ["jobs"]);
  webhooksKey = await api.addKey(api.accountId, ["webhooks"]);
});
afterAll(async () => {
  await api.stop();
});

interface Expected {
  status: number;
  code: string;
  /** Of the first error. */
  pointer?: string;
  parameter?: string;
}

/** Refused with this problem, and nothing left behind. */
async function refused(method: string, path: string, what: Ask, expected: Expected) {
  const before = await countRows(api);
  const answer = await api.ask(method, path, {
    ...what,
    headers: { "x-request-id": "bad:1", ...what.headers },
  });
  const [error] = (answer.body["errors"] ?? []) as { pointer?: string; parameter?: string }[];
  expect({
    status: answer.status,
    code: answer.body["code"],
    ...(error?.pointer === undefined ? {} : { pointer: error.pointer }),
    ...(error?.parameter === undefined ? {} : { parameter: error.parameter }),
  }).toEqual(expected);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.headers["x-request-id"]).toBe("bad:1");
  expect(answer.body).toMatchObject({
    request_id: "bad:1",
    type: `/problems/${expected.code}`,
    status: expected.status,
    instance: path.split("?")[0],
  });
  expect(await countRows(api)).toEqual(before);
  return answer;
}

const job = { type: "demo.echo", input: 1 };
const JSON_TYPE = { "content-type": "application/json" };

function rawJson(raw: string, headers: Record<string, string> = {}): Ask {
  return { raw, headers: { ...JSON_TYPE, ...headers } };
}

function input(text: string): Ask {
  return rawJson(`{"type":"demo.echo","input":${text}}`);
}

describe("bodies that aren't what they should be", () => {
  const deep = "[".repeat(10_000) + "]".repeat(10_000);
  test.each<[string, Ask, Expected]>([
    ["not JSON", rawJson("{type:1}"), { status: 400, code: "body_not_json" }],
    ["empty", rawJson(""), { status: 400, code: "body_not_json" }],
    ["no body", { headers: JSON_TYPE }, { status: 400, code: "body_not_json" }],
    ["not an object", rawJson("[]"), { status: 422, code: "validation_failed", pointer: "" }],
    ["null", rawJson("null"), { status: 422, code: "validation_failed", pointer: "" }],
    [
      "text/plain",
      { raw: JSON.stringify(job), headers: { "content-type": "text/plain" } },
      { status: 415, code: "content_type_unsupported" },
    ],
    [
      "a kind of JSON",
      { raw: JSON.stringify(job), headers: { "content-type": "application/hal+json" } },
      { status: 415, code: "content_type_unsupported" },
    ],
    [
      "another charset",
      { raw: JSON.stringify(job), headers: { "content-type": "application/json; charset=latin1" } },
      { status: 415, code: "content_type_unsupported" },
    ],
    [
      "compressed",
      rawJson(JSON.stringify(job), { "content-encoding": "gzip" }),
      { status: 415, code: "content_encoding_unsupported" },
    ],
    ["10,000 deep", input(deep), { status: 400, code: "body_too_deep" }],
    [
      "NUL",
      input('["\\u0000"]'),
      { status: 400, code: "body_forbidden_text", pointer: "/input/0" },
    ],
    [
      "NUL in a key",
      input('{"a\\u0000":1}'),
      { status: 400, code: "body_forbidden_text", pointer: "/input" },
    ],
    [
      "a lone surrogate",
      input('{"x":"\\ud83d!"}'),
      { status: 400, code: "body_forbidden_text", pointer: "/input/x" },
    ],
    [
      "__proto__",
      input('{"__proto__":{"a":1}}'),
      { status: 400, code: "body_forbidden_key", pointer: "/input/__proto__" },
    ],
    [
      "constructor.prototype",
      input('{"constructor":{"prototype":{"a":1}}}'),
      { status: 400, code: "body_forbidden_key", pointer: "/input/constructor/prototype" },
    ],
    [
      "a number beyond all bounds",
      input("1e999"),
      { status: 400, code: "body_not_json", pointer: "/input" },
    ],
  ])("%s", async (_, ask, expected) => {
    await refused("POST", "/v1/jobs", ask, expected);
  });

  test("a route without a body takes none but an empty object", async () => {
    const path = `/v1/endpoints/${endpointId}/pause`;
    await refused("POST", path, rawJson('{"now":true}'), {
      status: 422,
      code: "validation_failed",
      pointer: "/now",
    });
    expect((await api.ask("POST", path, { body: {} })).status).toBe(200);
    expect((await api.ask("POST", path)).status).toBe(200);
    expect((await api.ask("POST", `/v1/endpoints/${endpointId}/resume`)).status).toBe(200);
  });
});

const invalid = (pointer: string): Expected => ({
  status: 422,
  code: "validation_failed",
  pointer,
});
const semantic = (code: string, pointer: string): Expected => ({ status: 422, code, pointer });
const callback = (fields: object) => ({
  ...job,
  callbacks: [{ url: "http://127.0.0.1:1/", ...fields }],
});

describe("jobs that don't make sense", () => {
  const absent = "ep_01k7va4z0yfd9st32c3wx5x2s7";
  test.each<[string, object, Expected]>([
    ["no type", { input: 1 }, invalid("/type")],
    ["no input", { type: "demo.echo" }, invalid("/input")],
    ["an unknown type", { ...job, type: "demo.nothing" }, semantic("job_type_unknown", "/type")],
    [
      "input that breaks its schema",
      { type: "demo.sleep", input: { ms: "soon" } },
      semantic("input_invalid", "/input/ms"),
    ],
    [
      "input with an unknown field",
      { type: "demo.sleep", input: { ms: 1, "a/b": 2 } },
      semantic("input_invalid", "/input/a~1b"),
    ],
    ["an unknown field", { ...job, callbackUrl: "x" }, invalid("/callbackUrl")],
    ["metadata that is a list", { ...job, metadata: [] }, invalid("/metadata")],
    ["much metadata", { ...job, metadata: { a: "x".repeat(16_384) } }, invalid("/metadata")],
    ["a fraction of a second", { ...job, timeout_s: 0.5 }, invalid("/timeout_s")],
    ["a day and more", { ...job, timeout_s: 86_401 }, invalid("/timeout_s")],
    ["21 callbacks", { ...job, callbacks: Array(21).fill({ url: "x" }) }, invalid("/callbacks")],
    ["a callback without receiver", { ...job, callbacks: [{}] }, invalid("/callbacks/0")],
    ["a callback with two receivers", callback({ endpoint_id: absent }), invalid("/callbacks/0")],
    [
      "an endpoint with settings of a URL",
      { ...job, callbacks: [{ endpoint_id: absent, timeout_s: 3 }] },
      invalid("/callbacks/0/timeout_s"),
    ],
    [
      "a malformed endpoint id",
      { ...job, callbacks: [{ endpoint_id: "job_x" }] },
      invalid("/callbacks/0/endpoint_id"),
    ],
    [
      "an endpoint that isn't there",
      { ...job, callbacks: [{ endpoint_id: absent }] },
      semantic("endpoint_unknown", "/callbacks/0/endpoint_id"),
    ],
    [
      "an endpoint with signatures of a URL",
      { ...job, callbacks: [{ endpoint_id: absent, signatures: ["v1"] }] },
      invalid("/callbacks/0/signatures"),
    ],
    ["no signature", callback({ signatures: [] }), invalid("/callbacks/0/signatures")],
    [
      "a signature nobody knows",
      callback({ signatures: ["v1", "v2"] }),
      invalid("/callbacks/0/signatures/1"),
    ],
    [
      "the same signature twice",
      callback({ signatures: ["v1", "v1"] }),
      invalid("/callbacks/0/signatures"),
    ],
    ["a typo in a callback", callback({ event: ["x"] }), invalid("/callbacks/0/event")],
    ["a null", callback({ headers: null }), invalid("/callbacks/0/headers")],
    [
      "no attempts",
      callback({ retry: { max_attempts: 0 } }),
      invalid("/callbacks/0/retry/max_attempts"),
    ],
    ["a long timeout", callback({ timeout_s: 31 }), invalid("/callbacks/0/timeout_s")],
    [
      "51 events",
      callback({ events: Array(51).fill("job.failed") }),
      invalid("/callbacks/0/events"),
    ],
    [
      "an unknown event",
      callback({ events: ["job.failed", "job.done"] }),
      semantic("event_unknown", "/callbacks/0/events/1"),
    ],
    [
      "an event of one's own",
      callback({ events: ["invoice.paid"] }),
      semantic("event_unknown", "/callbacks/0/events/0"),
    ],
    ...["webhook-signature", "Host", "content-length", "Transfer-Encoding", "connection"].map(
      (name): [string, object, Expected] => [
        `the header ${name}`,
        callback({ headers: { [name]: "x" } }),
        semantic("header_forbidden", "/callbacks/0/headers"),
      ],
    ),
    [
      "a header with a line break",
      callback({ headers: { "x-a": "b\r\nwebhook-id: c" } }),
      semantic("header_forbidden", "/callbacks/0/headers"),
    ],
    ["a short secret", callback({ secret: "whsec_c2hvcnQ=" }), invalid("/callbacks/0/secret")],
    [
      "a secret that is a public key",
      callback({ secret: "whpk_" }),
      invalid("/callbacks/0/secret"),
    ],
    [
      "a secret that would sign nothing",
      callback({ secret: newSecret(), signatures: ["v1a"] }),
      invalid("/callbacks/0/secret"),
    ],
    [
      "a secret for an endpoint, which has its own",
      { ...job, callbacks: [{ endpoint_id: exampleId("endpoint"), secret: newSecret() }] },
      invalid("/callbacks/0/secret"),
    ],
    [
      "a redacted header",
      callback({ headers: { authorization: "[redacted]" } }),
      semantic("header_forbidden", "/callbacks/0/headers"),
    ],
  ])("%s", async (_, body, expected) => {
    await refused("POST", "/v1/jobs", { body }, expected);
  });

  test.each([
    ["ftp://example.com/", "callback_url_invalid"],
    ["javascript:alert(1)", "callback_url_invalid"],
    ["//example.com/", "callback_url_invalid"],
    ["https://", "callback_url_invalid"],
    ["https://example.com/#part", "callback_url_invalid"],
    ["https://user:pass@example.com/", "callback_url_userinfo"],
    ["https://@example.com/", "callback_url_userinfo"],
    ["https://169.254.169.254/latest/", "target_blocked"],
    ["https://10.0.0.1/", "target_blocked"],
    ["https://167772161/", "target_blocked"],
    ["https://0xa000001/", "target_blocked"],
    ["https://012.0.0.1/", "target_blocked"],
    ["https://10.1/", "target_blocked"],
    ["https://[::ffff:10.0.0.1]/", "target_blocked"],
    ["https://[64:ff9b::a00:1]/", "target_blocked"],
    ["https://[fe80::1]/", "target_blocked"],
    ["http://8.8.8.8/", "target_blocked"],
  ])("the URL %s, wherever one is given", async (url, code) => {
    const places: [string, string, object, string][] = [
      ["POST", "/v1/jobs", { ...job, callback_url: url }, "/callback_url"],
      ["POST", "/v1/jobs", callback({ url }), "/callbacks/0/url"],
      ["POST", "/v1/endpoints", { url }, "/url"],
      ["PATCH", `/v1/endpoints/${endpointId}`, { url }, "/url"],
    ];
    for (const [method, path, body, pointer] of places) {
      await refused(method, path, { body }, { status: 422, code, pointer });
    }
  });
});

describe("webhook resources that don't make sense", () => {
  const url = "http://127.0.0.1:1/";
  test.each<[string, string, object, Expected]>([
    ["no URL", "/v1/endpoints", {}, invalid("/url")],
    [
      "a long description",
      "/v1/endpoints",
      { url, description: "x".repeat(501) },
      invalid("/description"),
    ],
    ["a stopped lane", "/v1/endpoints", { url, max_in_flight: 0 }, invalid("/max_in_flight")],
    ["a rate of zero", "/v1/endpoints", { url, rate_limit_per_s: 0 }, invalid("/rate_limit_per_s")],
    [
      "a shrinking pause",
      "/v1/endpoints",
      { url, retry: { factor: 0.5 } },
      invalid("/retry/factor"),
    ],
    [
      "signatures that are none",
      "/v1/endpoints",
      { url, signatures: "v1" },
      invalid("/signatures"),
    ],
    ["a state", "/v1/endpoints", { url, state: "active" }, invalid("/state")],
    ["a short secret", "/v1/endpoints", { url, secret: "whsec_c2hvcnQ=" }, invalid("/secret")],
    [
      "an unknown job event",
      "/v1/endpoints",
      { url, events: ["job.done"] },
      semantic("event_unknown", "/events/0"),
    ],
    [
      "an impossible event",
      "/v1/endpoints",
      { url, events: ["a b"] },
      semantic("event_unknown", "/events/0"),
    ],
    [
      "a reserved event",
      "/v1/endpoints",
      { url, events: ["a", "endpoint.test"] },
      semantic("event_reserved", "/events/1"),
    ],
    [
      "a forbidden header",
      "/v1/endpoints",
      { url, headers: { "Webhook-Id": "x" } },
      semantic("header_forbidden", "/headers"),
    ],
    [
      "a reserved message",
      "/v1/messages",
      { type: "job.completed", data: {} },
      semantic("event_reserved", "/type"),
    ],
    [
      "a reserved test",
      "/v1/messages",
      { type: "endpoint.test", data: {} },
      semantic("event_reserved", "/type"),
    ],
    ["an impossible type", "/v1/messages", { type: "a b", data: {} }, invalid("/type")],
    ["no data", "/v1/messages", { type: "a" }, invalid("/data")],
    ["no filter", "/v1/replays", {}, invalid("/filter")],
    ["an unknown filter", "/v1/replays", { filter: { statsu: "dead" } }, invalid("/filter/statsu")],
    ["an empty list", "/v1/replays", { filter: { ids: [] } }, invalid("/filter/ids")],
    [
      "ids of another kind",
      "/v1/replays",
      { filter: { ids: ["job_1"] } },
      invalid("/filter/ids/0"),
    ],
    [
      "a time without zone",
      "/v1/replays",
      { filter: { since: "2026-01-01T00:00:00" } },
      invalid("/filter/since"),
    ],
    [
      "a reason to have delivered",
      "/v1/replays",
      { filter: { status: "delivered", reason: "gone" } },
      invalid("/filter/reason"),
    ],
    [
      "a secret for the account, which is told to nobody",
      "/v1/signing-secret/rotate",
      { secret: newSecret() },
      invalid("/secret"),
    ],
    ["a long overlap", "/v1/signing-secret/rotate", { overlap_s: 604_801 }, invalid("/overlap_s")],
  ])("%s", async (_, path, body, expected) => {
    await refused("POST", path, { body }, expected);
  });
});

test.each<[string, unknown[], string, string]>([
  ["no signature", [], "/signatures", "must name at least one"],
  ["a signature nobody knows", ["v1a", "hmac"], "/signatures/1", "must be one of v1, v1a"],
  ["the same signature twice", ["v1a", "v1a"], "/signatures", "must not name one twice"],
])("an endpoint with %s", async (_, signatures, pointer, detail) => {
  const url = "http://127.0.0.1:1/";
  for (const [method, path, body] of [
    ["POST", "/v1/endpoints", { url, signatures }],
    ["PATCH", `/v1/endpoints/${endpointId}`, { signatures }],
  ] as const) {
    const answer = await refused(method, path, { body }, invalid(pointer));
    expect(answer.text).toContain(JSON.stringify(detail).slice(1, -1));
  }
});

describe("parameters", () => {
  test.each<[string, string, string]>([
    ["/v1/jobs?limit=0", "query_invalid", "limit"],
    ["/v1/jobs?limit=201", "query_invalid", "limit"],
    ["/v1/jobs?limit=ten", "query_invalid", "limit"],
    ["/v1/jobs?limit=1&limit=2", "query_invalid", "limit"],
    ["/v1/jobs?statsu=failed", "query_invalid", "statsu"],
    ["/v1/jobs?status=done", "query_invalid", "status"],
    ["/v1/jobs?type=%00", "query_invalid", "type"],
    ["/v1/jobs?since=yesterday", "query_invalid", "since"],
    ["/v1/deliveries?event_type=%00", "query_invalid", "event_type"],
    ["/v1/deliveries?job_id=1", "query_invalid", "job_id"],
    ["/v1/deliveries?endpoint_id=' or 1=1", "query_invalid", "endpoint_id"],
    ["/v1/dead-letters?reason=bad", "query_invalid", "reason"],
    ["/v1/signing-secret", "query_invalid", "origin"],
    ["/v1/signing-secret?origin=", "query_invalid", "origin"],
    ["/v1/signing-secret?origin=example.com", "query_invalid", "origin"],
    ["/v1/signing-secret?origin=ftp://example.com", "query_invalid", "origin"],
    ["/v1/signing-secret?origin=https://a:b@example.com", "query_invalid", "origin"],
    ["/v1/signing-secret?origin=https://a.test&origin=https://b.test", "query_invalid", "origin"],
    ["/v1/signing-secret?url=https://a.test&origin=https://b.test", "query_invalid", "url"],
    ["/v1/jobs?cursor=nonsense", "cursor_invalid", "cursor"],
    ["/v1/jobs?cursor=", "cursor_invalid", "cursor"],
    ["/v1/replays?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cursor_invalid", "cursor"],
  ])("%s", async (path, code, parameter) => {
    await refused(
      "GET",
      encodeURI(path).replaceAll("%25", "%"),
      {},
      { status: 400, code, parameter },
    );
  });

  test("whoever asks for the account's own secret is told why there is none to have", async () => {
    const bad = { status: 400, code: "query_invalid", parameter: "origin" };
    const answer = await refused("GET", "/v1/signing-secret", {}, bad);
    expect(answer.text).toContain("each origin of callback URLs has a secret of its own");
  });

  test("a cursor that was tampered with, or of another list", async () => {
    for (let n = 0; n < 2; n++) await api.ask("POST", "/v1/jobs", { body: job });
    const page = await api.ask("GET", "/v1/jobs?limit=1");
    const cursor = String(page.body["next_cursor"]);
    expect((await api.ask("GET", `/v1/jobs?limit=1&cursor=${cursor}`)).status).toBe(200);
    const other = (cursor.startsWith("A") ? "B" : "A") + cursor.slice(1);
    const bad = { status: 400, code: "cursor_invalid", parameter: "cursor" };
    await refused("GET", `/v1/jobs?cursor=${other}`, {}, bad);
    await refused("GET", `/v1/deliveries?cursor=${cursor}`, {}, bad);
  });
});

describe("every route about one thing", () => {
  const idRoutes = allRoutes.filter((one) => one.path.includes("{id}"));
  const absentIds: Record<string, string> = {
    jobs: "job_01k7va4z0yfd9st32c3wx5x2s7",
    endpoints: "ep_01k7va4z0yfd9st32c3wx5x2s7",
    messages: "msg_01k7va4z0yfd9st32c3wx5x2s7",
    deliveries: "dlv_01k7va4z0yfd9st32c3wx5x2s7",
    replays: "rpl_01k7va4z0yfd9st32c3wx5x2s7",
    "api-keys": "key_01k7va4z0yfd9st32c3wx5x2s7",
    "portal-sessions": "ptl_01k7va4z0yfd9st32c3wx5x2s7",
    accounts: "acc_01k7va4z0yfd9st32c3wx5x2s7",
  };
  const collection = (path: string) => path.split("/")[2] ?? "";

  test.each(idRoutes.map((one) => [one.method, one.path] as const))(
    "%s %s: malformed, absent, of another account",
    async (method, path) => {
      const at = (id: string) => path.replace("{id}", id);
      const newKey = { body: { name: "x", scopes: ["jobs"] } };
      const body = path.endsWith("/api-keys") ? newKey : method === "patch" ? { body: {} } : {};
      const kind = collection(path);
      const wrongKind = kind === "jobs" ? absentIds["endpoints"] : absentIds["jobs"];
      for (const id of ["1", "job_", "00000000-0000-0000-0000-000000000000", "%00", wrongKind]) {
        const bad = { status: 400, code: "id_invalid", parameter: "id" };
        await refused(method, at(id ?? ""), body, bad);
      }
      const missing = { status: 404, code: "not_found" };
      await refused(method, at(absentIds[kind] ?? ""), body, missing);
      // an operator has them all
      if (kind === "accounts") return;
      const theirs = await someoneElses();
      await refused(method, at(theirs[kind] ?? ""), body, missing);
      // It is there, for its owner.
      const one = ["api-keys", "portal-sessions"].includes(kind) ? "" : `/${theirs[kind]}`;
      const own = await api.ask("GET", `/v1/${kind}${one}`, { key: theirs["key"] ?? "" });
      expect(own.status).toBe(200);
      expect(own.text).toContain(theirs[kind]);
    },
  );

  let made: Promise<Record<string, string>> | undefined;
  function someoneElses(): Promise<Record<string, string>> {
    made ??= make();
    return made;
  }

  async function make(): Promise<Record<string, string>> {
    const { apiKey: key } = await api.addAccount("someone else");
    const id = async (path: string, body: object) =>
      String((await api.ask("POST", path, { key, body })).body["id"]);
    const endpoints = await id("/v1/endpoints", { url: "http://127.0.0.1:1/" });
    const message = await api.ask("POST", "/v1/messages", { key, body: { type: "a", data: {} } });
    const [delivery] = message.body["deliveries"] as { id: string }[];
    return {
      key,
      endpoints,
      jobs: await id("/v1/jobs", job),
      messages: String(message.body["id"]),
      deliveries: delivery?.id ?? "",
      replays: await id("/v1/replays", { filter: {}, dry_run: true }),
      "api-keys": await id("/v1/api-keys", { name: "theirs", scopes: ["jobs"] }),
      "portal-sessions": await id("/v1/portal-sessions", { endpoint_ids: [endpoints] }),
    };
  }

  test("another account's things are in no list and no filter", async () => {
    const theirs = await someoneElses();
    const { apiKey: key } = await api.addAccount("newcomer");
    for (const path of [
      "/v1/jobs",
      "/v1/portal-sessions",
      "/v1/endpoints",
      "/v1/deliveries",
      `/v1/deliveries?endpoint_id=${theirs["endpoints"]}`,
      `/v1/deliveries?message_id=${theirs["messages"]}`,
      `/v1/deliveries?job_id=${theirs["jobs"]}`,
      "/v1/dead-letters",
      "/v1/dead-letters/groups?by=endpoint",
      "/v1/lanes",
      "/v1/replays",
    ]) {
      expect((await api.ask("GET", path, { key })).body["data"]).toEqual([]);
    }
    const body = { ...job, callbacks: [{ endpoint_id: theirs["endpoints"] }] };
    const unknown = semantic("endpoint_unknown", "/callbacks/0/endpoint_id");
    await refused("POST", "/v1/jobs", { key, body }, unknown);
  });
});

describe("callers", () => {
  test.each(
    allRoutes
      .filter((one) => one.scopes !== null)
      .map((one) => [one.method, one.path, one] as const),
  )("%s %s: no key, an unknown key, a key without the scope", async (method, path, one) => {
    const at = path.replace("{id}", "job_01k7va4z0yfd9st32c3wx5x2s7");
    const unknown = { status: 401, code: "unauthenticated" };
    const none = await refused(method, at, { key: null }, unknown);
    expect(none.headers["www-authenticate"]).toMatch(/^Bearer/);
    await refused(method, at, { key: "rk_0000000000000000000000" }, unknown);
    await refused(method, at, { headers: { authorization: "Basic cms6eA==" } }, unknown);
    if (one.scopes?.length !== 1) return;
    const key = one.scopes[0]?.startsWith("jobs") ? webhooksKey : jobsKey;
    const lacking = await refused(method, at, { key }, { status: 403, code: "scope_missing" });
    expect(lacking.body["detail"]).toContain(one.scopes[0]);
  });

  test("the scheme is not case sensitive, and the scope that is needed is enough", async () => {
    const authorization = `bEARER ${jobsKey}`;
    const answer = await api.ask("GET", "/v1/jobs", { key: null, headers: { authorization } });
    expect(answer.status).toBe(200);
    expect((await api.ask("GET", "/v1/endpoints", { key: webhooksKey })).status).toBe(200);
  });

  test("a revoked key stops working once it is no longer remembered", async () => {
    let now = new Date();
    const clocked = await startApi({ worker: false, overrides: { now: () => now } });
    try {
      expect((await clocked.ask("GET", "/v1/jobs")).status).toBe(200);
      await clocked.database.pool.query("update api_keys set revoked_at = now()");
      now = new Date(now.getTime() + 4_900);
      expect((await clocked.ask("GET", "/v1/jobs")).status).toBe(200);
      now = new Date(now.getTime() + 200);
      expect((await clocked.ask("GET", "/v1/jobs")).status).toBe(401);
    } finally {
      await clocked.stop();
    }
  });
});

describe("paths and methods", () => {
  test("nothing there", async () => {
    for (const path of ["/v1/nothing", "/v1/jobs/a/b/c", "/V1/jobs", "/v1"]) {
      await refused("GET", path, {}, { status: 404, code: "not_found" });
    }
  });

  test.each(["/v1/jobs/%E0%A4%A", "/v1/jobs/%", "/problems/%zz"])("%s", async (path) => {
    await refused("GET", path, {}, { status: 400, code: "path_invalid" });
  });

  test("a method that isn't possible names those that are", async () => {
    const put = await refused("PUT", "/v1/jobs", {}, { status: 405, code: "method_not_allowed" });
    expect(put.headers["allow"]?.split(", ").sort()).toEqual(["GET", "HEAD", "POST"]);
    const path = `/v1/endpoints/${endpointId}/pause`;
    const get = await refused("GET", path, {}, { status: 405, code: "method_not_allowed" });
    expect(get.headers["allow"]).toBe("POST");
    const options = await api.ask("OPTIONS", "/v1/jobs");
    expect([options.status, options.headers["allow"]]).toEqual([405, put.headers["allow"]]);
  });
});

test("no refused request reached a receiver", async () => {
  const receiver = await startReceiver();
  try {
    const body = { ...job, callback_url: `${receiver.url}/`, typo: true };
    await refused("POST", "/v1/jobs", { body }, invalid("/typo"));
    expect(receiver.requests).toHaveLength(0);
  } finally {
    await receiver.close();
  }
});
