import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { formatId, newId } from "../../src/core/ids.ts";
import { startApi } from "./api.ts";
import type { TestApi } from "./api.ts";

interface Jwk {
  kid: string;
  x: string;
  nbf: number;
  exp?: number;
}

let api: TestApi;
let other: { accountId: string; apiKey: string };
beforeAll(async () => {
  api = await startApi({ worker: false });
  other = await api.addAccount("other");
});
afterAll(async () => await api?.stop());

function pathOf(accountId: string): string {
  return `/v1/accounts/${formatId("account", accountId)}/jwks.json`;
}

async function keysAt(path: string): Promise<Jwk[]> {
  const { status, body } = await api.ask("GET", path, { key: null });
  expect(status).toBe(200);
  return body["keys"] as Jwk[];
}

test("anyone finds the keys of an account, and may keep them for less than a key is announced", async () => {
  const { body: key } = await api.ask("GET", "/v1/signing-key");
  expect(key["jwks_url"]).toBe(`http://ringback.test${pathOf(api.accountId)}`);
  const { headers, body } = await api.ask("GET", pathOf(api.accountId), { key: null });
  expect(headers["cache-control"]).toBe("public, max-age=300");
  const x = Buffer.from(String(key["public_key"]).slice(5), "base64").toString("base64url");
  const nbf = Math.floor(Date.parse(String(key["not_before"])) / 1000);
  const fixed = { kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA" };
  expect(body).toEqual({ keys: [{ ...fixed, x, kid: key["kid"], nbf }] });

  const rotated = await api.ask("POST", "/v1/signing-key/rotate", { key: other.apiKey });
  const { next, kid, expires_at } = rotated.body as Record<string, unknown> & {
    next: { kid: string; not_before: string };
  };
  expect(Date.parse(next.not_before) - Date.now()).toBeGreaterThan(400_000);
  const keys = await keysAt(pathOf(other.accountId));
  expect(keys.map((one) => one.kid)).toEqual([next.kid, kid]);
  expect(keys[0]).toMatchObject({ nbf: Math.floor(Date.parse(next.not_before) / 1000) });
  expect(keys[0]).not.toHaveProperty("exp");
  expect(keys[1]!.exp).toBe(Math.ceil(Date.parse(String(expires_at)) / 1000));
});

test("the set of all accounts has them all, or the one with an id", async () => {
  const mine = await keysAt(pathOf(api.accountId));
  const theirs = await keysAt(pathOf(other.accountId));
  const all = await keysAt("/.well-known/jwks.json");
  expect(all.map(({ kid }) => kid).sort()).toEqual(
    [...mine, ...theirs].map(({ kid }) => kid).sort(),
  );
  expect(await keysAt(`/.well-known/jwks.json?kid=${mine[0]!.kid}`)).toEqual(mine);
  const unknown = randomBytes(32).toString("base64url");
  expect(await keysAt(`/.well-known/jwks.json?kid=${unknown}`)).toEqual([]);
});

test.each([
  [400, "query_invalid", "/.well-known/jwks.json?kid=abc"],
  [400, "query_invalid", "/.well-known/jwks.json?account=x"],
  [400, "id_invalid", "/v1/accounts/job_0123/jwks.json"],
  [404, "not_found", pathOf(newId())],
])("%i %s: %s", async (status, code, path) => {
  const answer = await api.ask("GET", path, { key: null });
  expect([answer.status, answer.body["code"]]).toEqual([status, code]);
});

test("a key is not read with another scope, and rotation takes what it says only", async () => {
  const key = await api.addKey(api.accountId, ["jobs"]);
  expect((await api.ask("POST", "/v1/signing-key/rotate", { key })).status).toBe(403);
  for (const body of [{ overlap_s: -1 }, { activate_in_s: 1e9 }, { secret: "x" }]) {
    expect((await api.ask("POST", "/v1/signing-key/rotate", { body })).status).toBe(422);
  }
});

describe("a flood of questions", () => {
  test("takes few statements, also when each names another key", async () => {
    const { pool } = api.context;
    let statements = 0;
    const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
    pool.query = ((...given: unknown[]) => {
      statements += 1;
      return query(...given);
    }) as typeof pool.query;
    try {
      const paths = Array.from({ length: 200 }, (_, n) =>
        n % 2 === 0
          ? `/.well-known/jwks.json?kid=${randomBytes(32).toString("base64url")}`
          : pathOf(api.accountId),
      );
      const base = `http://127.0.0.1:${api.port}`;
      const answers = await Promise.all(paths.map(async (path) => await fetch(base + path)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      await Promise.all(answers.map((answer) => answer.text()));
    } finally {
      delete (pool as { query?: unknown }).query;
    }
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThan(100);
  });
});
