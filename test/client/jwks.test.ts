import { generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createVerifier, remoteJwks, WebhookError } from "../../src/client/webhooks.ts";
import type { RemoteJwksOptions } from "../../src/client/webhooks.ts";
import { receiveWebhooks } from "../../src/client/express.ts";
import { Webhook as Official } from "standardwebhooks";

const EVENT = JSON.stringify({ type: "a.b", data: {} });
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

interface Pair {
  privateKey: KeyObject;
  jwk: Record<string, unknown>;
}

function newPair(kid: string, more: object = {}): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, ...more } };
}

function signed(pairs: Pair[], kids: string | null = pairs.map((p) => p.jwk["kid"]).join(" ")) {
  const time = String(Math.floor(Date.now() / 1000));
  const content = Buffer.from(`msg_1.${time}.${EVENT}`);
  const signatures = pairs.map(
    (p) => `v1a,${sign(null, content, p.privateKey).toString("base64")}`,
  );
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": time,
    "webhook-signature": signatures.join(" "),
    ...(kids === null ? {} : { "webhook-key-id": kids }),
  };
}

const seconds = (fromNow: number): number => Math.floor(Date.now() / 1000) + fromNow;

describe("a key set as a document", () => {
  const [one, two] = [newPair("one"), newPair("two")];
  const rsa = { kty: "RSA", kid: "rsa", n: "x", e: "AQAB" };

  test("verifies by the key that is named, or by any when none is", async () => {
    const verify = createVerifier({ keys: [rsa, one.jwk, two.jwk] });
    for (const headers of [signed([one]), signed([two, one]), signed([two], null)]) {
      expect(await verify(EVENT, headers)).toMatchObject({ id: "msg_1" });
    }
    for (const headers of [signed([one], "two"), signed([newPair("one")]), signed([one], "rsa")]) {
      await expect(verify(EVENT, headers)).rejects.toMatchObject({ code: "no_matching_signature" });
    }
  });

  test("beside secrets and whpk_ keys, which go on working", async () => {
    const x = Buffer.from(String(one.jwk["x"]), "base64url").toString("base64");
    const verify = createVerifier([SECRET, `whpk_${x}`, { keys: [two.jwk] }]);
    expect(await verify(EVENT, signed([one]))).toBeTruthy();
    expect(await verify(EVENT, signed([two]))).toBeTruthy();
    const hmac = new Official(SECRET).sign("msg_1", new Date(), EVENT);
    expect(await verify(EVENT, { ...signed([]), "webhook-signature": hmac })).toBeTruthy();
  });

  test.each([
    ["it ended long ago", { exp: seconds(-600) }, false],
    ["it ended a moment ago", { exp: seconds(-60) }, true],
    ["it begins in an hour", { nbf: seconds(3_600) }, false],
    ["the clocks differ by a minute", { nbf: seconds(60) }, true],
    ["it is its time", { nbf: seconds(-600), exp: seconds(600) }, true],
  ])("%s", async (_, times, taken) => {
    const pair = newPair("timed", times);
    const verified = createVerifier({ keys: [pair.jwk] })(EVENT, signed([pair]));
    if (taken) expect(await verified).toBeTruthy();
    else await expect(verified).rejects.toThrow(WebhookError);
  });

  test.each([[{}], [{ keys: [] }], [{ keys: [rsa, null, { ...one.jwk, x: "AA" }] }], [7]])(
    "%j is told to be none",
    (document) => {
      expect(() => createVerifier(document as never)).toThrow(/key set|Key Set/i);
    },
  );
});

describe("a key set that is fetched", () => {
  const [first, second] = [newPair("first"), newPair("second")];
  let answer: RequestListener;
  let fetches: number;
  let server: Server;
  let url: string;
  let maxAge = "public, max-age=300";
  const giving =
    (...pairs: Pair[]): RequestListener =>
    (_request, response) =>
      response
        .writeHead(200, { "content-type": "application/json", "cache-control": maxAge })
        .end(JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) }));

  beforeEach(async () => {
    fetches = 0;
    maxAge = "public, max-age=300";
    answer = giving(first);
    server = createServer((request, response) => {
      fetches += 1;
      answer(request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const verifier = (options: RemoteJwksOptions = {}) => createVerifier(remoteJwks(url, options));

  test("is fetched once for many calls, and not at all for one without v1a", async () => {
    const verify = verifier();
    const hmac = { ...signed([]), "webhook-signature": "v1,AAAA" };
    await expect(verify(EVENT, hmac)).rejects.toThrow(WebhookError);
    expect(fetches).toBe(0);
    await Promise.all(Array.from({ length: 20 }, () => verify(EVENT, signed([first]))));
    await verify(EVENT, signed([first]));
    expect(fetches).toBe(1);
  });

  test("is fetched anew for a key it lacks, and no more often than the cooldown lets", async () => {
    const verify = verifier({ cooldownSeconds: 0.3 });
    await verify(EVENT, signed([first]));
    answer = giving(second, first);
    await sleep(350);
    expect(await verify(EVENT, signed([second]))).toBeTruthy();
    expect(fetches).toBe(2);
    const forged = Array.from({ length: 50 }, (_, n) => signed([newPair(`forged${n}`)]));
    const results = await Promise.allSettled(forged.map((headers) => verify(EVENT, headers)));
    expect(results.map(({ status }) => status)).toEqual(forged.map(() => "rejected"));
    expect(fetches).toBe(2);
    // keys that are known are verified meanwhile
    expect(await verify(EVENT, signed([second, first]))).toBeTruthy();
  });

  test("is fetched anew when it is old; a key that has gone is taken no more", async () => {
    maxAge = "max-age=0";
    const verify = verifier({ cooldownSeconds: 0.2 });
    await verify(EVENT, signed([first]));
    await verify(EVENT, signed([first]));
    expect(fetches).toBe(1);
    answer = giving(second);
    await sleep(250);
    await expect(verify(EVENT, signed([first]))).rejects.toThrow(WebhookError);
    expect(fetches).toBe(2);
  });

  test("goes on with what it has while the server fails", async () => {
    const verify = verifier({ cooldownSeconds: 0, maxAgeSeconds: 0, timeoutMs: 200 });
    await verify(EVENT, signed([first]));
    for (const fault of [
      (_request, response) => response.writeHead(500).end(),
      (_request, response) => response.writeHead(302, { location: url }).end(),
      (_request, response) => response.end("<html>"),
      (_request, response) => response.end('{"keys":[]}'),
      (_request, response) => response.end(`{"keys":["${"x".repeat(2_000_000)}"]}`),
      (request) => request.socket.destroy(),
      () => undefined,
    ] satisfies RequestListener[]) {
      answer = fault;
      const before = fetches;
      expect(await verify(EVENT, signed([first]))).toBeTruthy();
      expect(fetches).toBe(before + 1);
    }
  });

  test("that never came is no fault of the call: it is answered with a 500, to come again", async () => {
    answer = (_request, response) => response.writeHead(503).end();
    const verify = verifier({ cooldownSeconds: 60 });
    const failed = { name: "KeysUnavailableError", message: expect.stringContaining(url) };
    await expect(verify(EVENT, signed([first]))).rejects.toMatchObject(failed);
    await expect(verify(EVENT, signed([first]))).rejects.toMatchObject(failed);
    expect(fetches).toBe(1);

    const receive = receiveWebhooks(remoteJwks(url));
    const receiver = createServer((request, response) => {
      receive(request, response, (error) => response.writeHead(error ? 500 : 204).end());
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address() as AddressInfo;
    const post = async () => {
      const options = { method: "POST", body: EVENT, headers: signed([first]) };
      return (await fetch(`http://127.0.0.1:${port}`, options)).status;
    };
    expect(await post()).toBe(500);
    receiver.closeAllConnections();
    receiver.close();
  });
});
