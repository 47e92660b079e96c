import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import request from "supertest";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import { createApp } from "../../src/http/app.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
let time = 0;
beforeAll(async () => {
  api = await startApi({ worker: false, overrides: { now: () => new Date(Date.now() + time) } });
});
beforeEach(() => {
  // failed sign-ins are forgotten
  time += 61_000;
});
afterAll(async () => {
  await api.stop();
});

const SESSION = "/console/session";
const endpoint = { url: "http://127.0.0.1:1/" };

async function signIn(key = api.apiKey): Promise<{ cookie: string; csrf: string; set: string }> {
  const answer = await request(api.server).post(SESSION).send({ api_key: key });
  expect(answer.status).toBe(200);
  const set = String(answer.headers["set-cookie"]);
  const { csrf_token } = answer.body as { csrf_token: string };
  return { cookie: set.split(";")[0]!, csrf: csrf_token, set };
}

function ask(method: "get" | "post" | "delete", path: string, headers: Record<string, string>) {
  return request(api.server)[method](path).set(headers);
}

describe("signing in", () => {
  test("gives a cookie that scripts can't read, and tells who it is", async () => {
    const { cookie, set } = await signIn();
    expect(set).toMatch(/; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(set).not.toContain(api.apiKey);
    const answer = await ask("get", SESSION, { cookie });
    expect(answer.body).toMatchObject({
      account: { id: expect.stringMatching(/^acc_/), name: "default" },
      key: { id: expect.stringMatching(/^key_/), name: "test", scopes: ["admin", "operator"] },
    });
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(await ask("get", "/v1/jobs", { cookie })).toMatchObject({ status: 200 });
  });

  test("over https the cookie stays there", async () => {
    const config = { ...api.context.config, publicUrl: "https://ringback.test" };
    const app = createApp({ ...api.context, config });
    const answer = await request(app).post(SESSION).send({ api_key: api.apiKey });
    expect(String(answer.headers["set-cookie"])).toMatch(/; Secure$/);
  });

  test("M8: ten wrong keys are enough for a minute, and keep no right one out", async () => {
    const tryWrong = async () => await request(api.server).post(SESSION).send({ api_key: "rk_no" });
    for (let n = 0; n < 10; n += 1) {
      expect(await tryWrong()).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    }
    const limited = await tryWrong();
    expect(limited).toMatchObject({ status: 429, body: { code: "sign_in_limited" } });
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(0);
    await signIn();
    expect((await tryWrong()).status).toBe(429);
    time += 61_000;
    expect((await tryWrong()).status).toBe(401);
  });

  test("a page of another site can't sign anyone in", async () => {
    const answer = await request(api.server)
      .post(SESSION)
      .set("origin", "https://evil.test")
      .send({ api_key: api.apiKey });
    expect(answer).toMatchObject({ status: 403, body: { code: "csrf_failed" } });
  });

  test("signing out clears the cookie", async () => {
    const { cookie } = await signIn();
    const answer = await ask("delete", SESSION, { cookie });
    expect(answer.status).toBe(204);
    expect(String(answer.headers["set-cookie"])).toContain("ringback_session=; Path=/; Max-Age=0");
    expect((await ask("get", SESSION, {})).status).toBe(401);
  });
});

describe("signing out", () => {
  test("ends the session for a copy of the cookie, in all processes, and no other session", async () => {
    const other = await startApi({
      worker: false,
      database: api.database,
      overrides: { now: () => new Date(Date.now() + time) },
    });
    try {
      const [one, two] = [await signIn(), await signIn()];
      const copy = { cookie: one.cookie, "x-ringback-csrf": one.csrf };
      for (const { server } of [api, other]) {
        expect((await request(server).get("/v1/jobs").set(copy)).status).toBe(200);
      }
      await ask("delete", SESSION, { cookie: one.cookie });
      for (const { server } of [api, other]) {
        const tries = [
          request(server).get("/v1/jobs").set(copy),
          request(server).get(SESSION).set(copy),
          request(server).post("/v1/endpoints").set(copy).send(endpoint),
          request(server).get("/v1/activity").set(copy),
        ];
        for (const { status } of await Promise.all(tries)) expect(status).toBe(401);
        const kept = request(server).get("/v1/jobs").set({ cookie: two.cookie });
        expect((await kept).status).toBe(200);
      }
      expect((await ask("delete", SESSION, copy)).status).toBe(204);
    } finally {
      await other.stop();
    }
  });

  test("a page of another site can't sign anyone out", async () => {
    const { cookie } = await signIn();
    const evil = { cookie, origin: "https://evil.test" };
    expect((await ask("delete", SESSION, evil)).status).toBe(403);
    expect((await ask("get", "/v1/jobs", { cookie })).status).toBe(200);
  });

  test("is forgotten once it would have ended anyway", async () => {
    await signIn();
    await api.database.pool.query(
      "update console_sessions set expires_at = now() - '1s'::interval",
    );
    const { cookie } = await signIn();
    await sweep(api.context);
    const { rows } = await api.database.pool.query("select from console_sessions");
    expect(rows).toHaveLength(1);
    expect((await ask("get", "/v1/jobs", { cookie })).status).toBe(200);
  });
});

describe("a session", () => {
  test.each([
    ["no token", {}, 403],
    ["a wrong token", { "x-ringback-csrf": "x".repeat(32) }, 403],
    ["the token on another site's page", { origin: "https://evil.test", right: "1" }, 403],
    ["the token on a page of no origin", { origin: "null", right: "1" }, 403],
    ["the token", { right: "1" }, 201],
    ["the token on our own page", { origin: "http://ringback.test", right: "1" }, 201],
  ])("with %s", async (_what, given: Record<string, string>, status) => {
    const { cookie, csrf } = await signIn();
    const { right, ...headers } = given;
    if (right !== undefined) headers["x-ringback-csrf"] = csrf;
    const answer = await ask("post", "/v1/endpoints", { cookie, ...headers }).send(endpoint);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body).toMatchObject({ code: "csrf_failed" });
  });

  test("the token of another session is none", async () => {
    const [one, two] = [await signIn(), await signIn()];
    const headers = { cookie: one.cookie, "x-ringback-csrf": two.csrf };
    const answer = await ask("post", "/v1/endpoints", headers).send(endpoint);
    expect(answer).toMatchObject({ status: 403, body: { code: "csrf_failed" } });
  });

  test("ends after 12 hours, and when it was tampered with", async () => {
    const { cookie } = await signIn();
    const changed = cookie.replace(/.{4}$/, "AAAA");
    expect((await ask("get", "/v1/jobs", { cookie: changed })).status).toBe(401);
    const sealed = api.context.vault.seal("whsec_x");
    const other = { cookie: `ringback_session=${sealed}` };
    expect((await ask("get", "/v1/jobs", other)).status).toBe(401);
    time += 43_200_000;
    expect((await ask("get", "/v1/jobs", { cookie })).status).toBe(401);
  });

  test("has the scopes of its key, and ends with it", async () => {
    const made = await api.ask("POST", "/v1/api-keys", {
      body: { name: "console", scopes: ["jobs"] },
    });
    const { cookie } = await signIn(String(made.body["key"]));
    expect((await ask("get", "/v1/jobs", { cookie })).status).toBe(200);
    expect((await ask("get", "/v1/endpoints", { cookie })).body).toMatchObject({
      code: "scope_missing",
    });
    expect((await api.ask("DELETE", `/v1/api-keys/${String(made.body["id"])}`)).status).toBe(204);
    expect((await ask("get", "/v1/jobs", { cookie })).status).toBe(401);
    expect((await ask("get", SESSION, { cookie })).status).toBe(401);
  });
});

describe("API keys", () => {
  const keys = async () =>
    (await api.ask("GET", "/v1/api-keys")).body["data"] as Record<string, unknown>[];

  test("are shown once, listed with their use, and stay listed when revoked", async () => {
    const body = { name: "orders", scopes: ["jobs"] };
    const made = (await api.ask("POST", "/v1/api-keys", { body })).body;
    const key = String(made["key"]);
    expect((await api.ask("GET", "/v1/jobs", { key })).status).toBe(200);
    expect((await api.ask("GET", "/v1/api-keys", { key })).body).toMatchObject({
      code: "scope_missing",
    });
    const find = async () => (await keys()).find(({ id }) => id === made["id"]);
    expect(await find()).toMatchObject({ ...body, current: false, revoked_at: null });
    expect(await find()).not.toHaveProperty("key");
    expect((await find())?.["last_used_at"]).toEqual(expect.any(String));
    await api.database.pool.query("update api_keys set last_used_at = null");
    // looked up anew, but noted a moment ago
    time += 6_000;
    expect((await api.ask("GET", "/v1/jobs", { key })).status).toBe(200);
    expect((await find())?.["last_used_at"]).toBe(null);
    expect((await keys()).filter(({ current }) => current)).toHaveLength(1);
    const revoke = () => api.ask("DELETE", `/v1/api-keys/${String(made["id"])}`);
    expect([(await revoke()).status, (await revoke()).status]).toEqual([204, 204]);
    expect((await find())?.["revoked_at"]).toEqual(expect.any(String));
  });

  test("the last admin key can't be revoked, not even by two at once", async () => {
    const { accountId, apiKey } = await api.addAccount("two admins");
    const second = await api.addKey(accountId, ["admin"]);
    const list = (await api.ask("GET", "/v1/api-keys", { key: apiKey })).body["data"];
    const ids = (list as { id: string }[]).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    const both = await Promise.all(
      ids.map((id) => api.ask("DELETE", `/v1/api-keys/${id}`, { key: apiKey })),
    );
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 409]);
    const refused = both.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ code: "last_admin_key" });
    expect(second).toMatch(/^rk_/);
  });
});
