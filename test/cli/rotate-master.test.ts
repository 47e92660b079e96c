import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Ringback } from "../../src/client/ringback.ts";
import { createVerifier, remoteJwks } from "../../src/client/webhooks.ts";
import { createVault, sealedBy } from "../../src/core/vault.ts";
import { newId } from "../../src/core/ids.ts";
import { newSecret } from "../../src/core/signature.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import type { Environment, RingbackProcess } from "../support/ringback-process.ts";
import { urlOf } from "./cli.ts";

const OLD = TEST_MASTER_KEY;
const NEW = randomBytes(32).toString("base64");
const idOf = (key: string): string => createVault([key]).keyIds[0]!;
const API_KEY = "rk_rotate_rotate_rotate_rotate";
/** Sealed rows beside those in use, so that a rotation takes its time. */
const MANY = 3_000;

let database: TestDatabase;
let receiver: Receiver;
const running = new Set<RingbackProcess>();
beforeAll(async () => {
  database = await createTestDatabase();
  receiver = await startReceiver();
});
afterAll(async () => {
  await Promise.all([...running].map(endProcess));
  await receiver?.close();
  await database?.drop();
});

function environment(newest: string, previous: string[] = []): Environment {
  return {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: newest,
    RINGBACK_MASTER_KEYS_PREVIOUS: previous.join(","),
    RINGBACK_API_KEY: API_KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: "0",
    RINGBACK_DRAIN_SECONDS: "0",
  };
}

async function serve(newest: string, previous: string[] = []): Promise<[RingbackProcess, string]> {
  const one = startRingback(["serve"], environment(newest, previous));
  running.add(one);
  return [one, await urlOf(one)];
}

async function end(one: RingbackProcess): Promise<void> {
  running.delete(one);
  one.kill("SIGTERM");
  const { code, stderr } = await one.ended;
  expect({ code, errors: stderr.match(/^.*"level":"error".*$/gm) }).toEqual({
    code: 0,
    errors: null,
  });
}

/** Rows by the id of the master key that sealed them. */
async function rowsByKey(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ sealed: string }>(
    `select sealed from signing_secrets union all select sealed from signing_keys`,
  );
  const groups = Object.groupBy(rows, ({ sealed }) => sealedBy(sealed));
  return Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, group!.length]));
}

async function rotate(env: Environment, ...args: string[]) {
  const { code, stdout, stderr } = await runRingback(
    ["keys", "rotate", "master", "--json", ...args],
    env,
  );
  return { code, stderr, ...(JSON.parse(stdout || "{}") as { resealed?: number }) };
}

/** Webhooks without end, each verified as it comes. */
function traffic(client: Ringback, verify: (request: Receiver["requests"][0]) => Promise<unknown>) {
  let going = true;
  const sent: string[] = [];
  const wrong: string[] = [];
  async function publish(): Promise<void> {
    while (going) {
      const { id } = await client.messages.publish("m.a", { n: sent.length });
      sent.push(id);
      await sleep(20);
    }
  }
  const publishing = publish();
  return {
    sent,
    async stop() {
      going = false;
      await publishing;
      for (const id of sent) {
        const request = await receiver.waitFor((r) => r.headers["webhook-id"] === id, 20_000);
        await verify(request).catch((error: Error) => wrong.push(`${id}: ${error.message}`));
      }
      return wrong;
    },
  };
}

describe("the master key is rotated while webhooks go on", () => {
  let secret: string;
  let accountSecret: string;

  test("killed halfway and run again, beside two processes, all that comes is signed right", async () => {
    const [before, url] = await serve(OLD);
    const client = new Ringback({ apiKey: API_KEY, baseUrl: url });
    const endpoint = await client.endpoints.create({ url: receiver.url, events: ["m.a"] });
    secret = endpoint.secret;
    accountSecret = await client.signing.secretFor(receiver.url);
    const { jwks_url } = await client.signing.keys();
    const vault = createVault([OLD]);
    await database.pool.query(
      `insert into signing_secrets (id, account_id, endpoint_id, sealed, expires_at)
       select k, (select id from accounts), null, sealed, now()
       from unnest($1::uuid[], $2::text[]) t(k, sealed)`,
      [
        Array.from({ length: MANY }, newId),
        Array.from({ length: MANY }, () => vault.seal(newSecret())),
      ],
    );
    // refused while a process would be left behind
    const early = await runRingback(["keys", "rotate", "master"], environment(NEW, [OLD]));
    expect(early.code).toBe(1);
    expect(early.stderr).toMatch(new RegExp(`process ${before.pid}.* anew with it in RINGBACK_`));
    expect(early.stderr).not.toContain(NEW);

    // one after the other learns the new key; none seals with it yet, so the old one opens all
    const [after] = await serve(NEW, [OLD]);
    const made = await client.endpoints.create({ url: `${receiver.url}/b`, events: ["m.b"] });
    expect((await rowsByKey())[idOf(NEW)]).toBeUndefined();
    await end(before);
    const [one, oneUrl] = await serve(OLD, [NEW]);
    const [two, twoUrl] = await serve(NEW, [OLD]);
    await end(after);

    const clients = [oneUrl, twoUrl].map(
      (base) => new Ringback({ apiKey: API_KEY, baseUrl: base }),
    );
    const byPublicKey = createVerifier(remoteJwks(`${twoUrl}${new URL(jwks_url).pathname}`));
    const bySecret = createVerifier(secret);
    const flow = traffic(clients[0]!, async ({ body, headers }) => {
      await bySecret(body, headers);
      await byPublicKey(body, headers);
    });

    const halfway = startRingback(["keys", "rotate", "master"], environment(NEW, [OLD]));
    await halfway.wrote("signing_secrets.sealed: 500 rows");
    halfway.kill("SIGKILL");
    await halfway.ended;
    const left = await rowsByKey();
    expect(left[idOf(OLD)]).toBeGreaterThan(0);
    expect(left[idOf(NEW)]).toBeGreaterThan(0);
    const check = await rotate(environment(NEW, [OLD]), "--check");
    expect(check).toMatchObject({ code: 1, resealed: 0, remaining: left[idOf(OLD)] });
    // what was made before, and what is made now, can be read through both
    for (const each of clients) expect(await each.endpoints.secret(made.id)).toBe(made.secret);
    const fresh = await clients[0]!.endpoints.create({ url: receiver.url, events: ["m.c"] });
    expect(await clients[1]!.endpoints.secret(fresh.id)).toBe(fresh.secret);

    // halfway, neither key is enough to start with
    for (const [newest, missing] of [
      [OLD, NEW],
      [NEW, OLD],
    ] as const) {
      const refused = await runRingback(["serve"], environment(newest));
      expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
      expect(refused.stderr).toMatch(/^ringback: .*RINGBACK_MASTER_KEYS_PREVIOUS.*\n$/);
      expect(refused.stderr).toContain(idOf(missing));
      for (const key of [OLD, NEW]) expect(refused.stderr).not.toContain(key);
    }

    const again = await rotate(environment(NEW, [OLD]));
    expect(again).toMatchObject({ code: 0, master_key: idOf(NEW), remaining: 0, unknown: 0 });
    expect(again.resealed).toBeLessThan(MANY);
    expect(Object.keys(await rowsByKey())).toEqual([idOf(NEW)]);
    // both processes seal with the new key by now, also the one that was given it as a previous one
    await clients[0]!.endpoints.create({ url: receiver.url, events: ["m.c"] });
    expect(Object.keys(await rowsByKey())).toEqual([idOf(NEW)]);

    const { sent } = flow;
    expect(await flow.stop()).toEqual([]);
    expect(sent.length).toBeGreaterThan(20);
    await end(one);
    await end(two);
  }, 120_000);

  test("then the new key alone is enough, the secrets are the same, and the old one opens nothing", async () => {
    const refused = await runRingback(["serve"], environment(OLD));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^ringback: RINGBACK_MASTER_KEY is not the one .*\n$/);
    const [one, url] = await serve(NEW);
    const client = new Ringback({ apiKey: API_KEY, baseUrl: url });
    expect(await client.signing.secretFor(receiver.url)).toBe(accountSecret);
    const { id } = await client.messages.publish("m.a", {});
    const request = await receiver.waitFor((r) => r.headers["webhook-id"] === id, 20_000);
    await createVerifier(secret)(request.body, request.headers);
    await createVerifier(await client.signing.publicKey())(request.body, request.headers);
    await end(one);
    expect(await rotate(environment(NEW))).toMatchObject({ code: 0, resealed: 0, remaining: 0 });
  }, 60_000);

  test("what only looks sealed, or was sealed with a key that is lost, is counted and left", async () => {
    const lost = createVault([randomBytes(32).toString("base64")]).seal("x");
    const id = newId();
    await database.pool.query(
      `insert into signing_secrets (id, account_id, sealed, expires_at)
       select $1, id, $2, now() from accounts`,
      [id, lost],
    );
    const rotated = await rotate(environment(NEW, [OLD]));
    expect(rotated).toMatchObject({ code: 0, remaining: 0, unknown: 1 });
    expect(rotated.stderr).toContain("No given key opens what 1 rows hold");
    await database.pool.query(`delete from signing_secrets where id = $1 and sealed = $2`, [
      id,
      lost,
    ]);
    const checked = await rotate(environment(NEW), "--check");
    expect(checked).toMatchObject({ code: 0, remaining: 0, unknown: 0 });
  });
});
