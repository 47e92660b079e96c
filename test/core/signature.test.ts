import { createPublicKey, sign, verify as verifySignature } from "node:crypto";
import nacl from "tweetnacl";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "@jest/globals";
import { checkTargetUrl, NO_TARGETS } from "../../src/core/targets.ts";
import {
  deriveSecret,
  importPrivateKey,
  importSecret,
  keyIdHeader,
  newKeyPair,
  newSecret,
  signatureHeader,
  signV1,
  signV1a,
} from "../../src/core/signature.ts";
import { keyIdOf } from "../../src/core/jwk.ts";
import { SIGNATURE_VERSIONS } from "../../src/core/model.ts";
import type { SignatureVersion } from "../../src/core/model.ts";
import { verifyV1a } from "../support/verify-v1a.ts";

// The vectors of the Standard Webhooks specification, 1.0.0.
const VECTOR = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  v1: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  privateKey:
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
  publicKey: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
  v1a: "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
};
const NO_MATCH = "No matching signature found";
const CONTENT = Buffer.from(`${VECTOR.id}.${VECTOR.timestamp}.${VECTOR.body}`);

function headers(signature: string, timestamp: number): Record<string, string> {
  return {
    "webhook-id": VECTOR.id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature,
  };
}

describe("the published vectors", () => {
  test("v1", () => {
    expect(signV1(importSecret(VECTOR.secret), CONTENT)).toBe(VECTOR.v1);
  });

  test("v1a", () => {
    expect(signV1a(importPrivateKey(VECTOR.privateKey).privateKey, CONTENT)).toBe(VECTOR.v1a);
    expect(verifyV1a(VECTOR.v1a, VECTOR.publicKey, CONTENT)).toBe(true);
  });

  const second = newSecret();
  const secondV1 = signV1(importSecret(second), CONTENT);
  test.each<[SignatureVersion[], string[]]>([
    [
      ["v1", "v1a"],
      [VECTOR.v1, secondV1, VECTOR.v1a],
    ],
    [
      ["v1a", "v1"],
      [VECTOR.v1, secondV1, VECTOR.v1a],
    ],
    [["v1"], [VECTOR.v1, secondV1]],
    [["v1a"], [VECTOR.v1a]],
  ])("the header for %j: one v1 per secret, then the v1a, by spaces", (versions, expected) => {
    const signer = {
      hmacKeys: [importSecret(VECTOR.secret), importSecret(second)],
      signingKeys: [importPrivateKey(VECTOR.privateKey)],
    };
    const { id, timestamp, body } = VECTOR;
    const header = signatureHeader(signer, id, String(timestamp), body, versions);
    expect(header.split(" ")).toEqual(expected);
  });

  test("while keys overlap: a v1a of each, whose ids are told in their order", () => {
    const other = newKeyPair();
    const signer = {
      hmacKeys: [],
      signingKeys: [importPrivateKey(other.privateKey), importPrivateKey(VECTOR.privateKey)],
    };
    const { id, timestamp, body } = VECTOR;
    const header = signatureHeader(signer, id, String(timestamp), body, ["v1", "v1a"]);
    const [one, two, ...more] = header.split(" ");
    expect([two, more]).toEqual([VECTOR.v1a, []]);
    expect(verifyV1a(one!, other.publicKey, CONTENT)).toBe(true);
    const kids = keyIdHeader(signer, ["v1a"])["webhook-key-id"]!.split(" ");
    expect(kids).toEqual([other.kid, signer.signingKeys[1]!.kid]);
    expect(keyIdHeader(signer, ["v1"])).toEqual({});
  });

  test("a key's id is its thumbprint by RFC 7638 (RFC 8037, A.3)", () => {
    const x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    expect(keyIdOf(Buffer.from(x, "base64url"))).toBe(
      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    );
  });
});

describe("Ed25519", () => {
  test("tweetnacl and node:crypto sign the same bytes, and verify each other's", () => {
    for (let n = 0; n < 20; n++) {
      const { publicKey, privateKey } = newKeyPair();
      const content = Buffer.from(nacl.randomBytes(n * 50));
      const secretKey = Buffer.from(privateKey.slice(5), "base64");
      expect(secretKey).toHaveLength(64);
      expect(publicKey.slice(5)).toBe(secretKey.subarray(32).toString("base64"));

      const key = importPrivateKey(privateKey);
      const ours = signV1a(key.privateKey, content);
      const theirs = Buffer.from(nacl.sign.detached(content, secretKey));
      expect(ours).toBe(`v1a,${theirs.toString("base64")}`);
      expect(theirs.equals(sign(null, content, key.privateKey))).toBe(true);

      const spki = Buffer.concat([
        Buffer.from("302a300506032b6570032100", "hex"),
        Buffer.from(publicKey.slice(5), "base64"),
      ]);
      const publicPart = createPublicKey({ key: spki, format: "der", type: "spki" });
      expect(verifySignature(null, content, publicPart, theirs)).toBe(true);
      expect(verifyV1a(ours, publicKey, content)).toBe(true);
      expect(verifyV1a(ours, newKeyPair().publicKey, content)).toBe(false);
      expect(verifyV1a(ours, publicKey, Buffer.concat([content, content, CONTENT]))).toBe(false);
    }
  });
});

describe("the reference library", () => {
  const { privateKey } = newKeyPair();
  const now = Math.floor(Date.now() / 1000);

  test.each([
    '{"a":1}',
    '{"text":"Grüße, 世界 🎉"}',
    '{ "spaces" :  1 }',
    '"\\u0000\\ud800"',
    `{"long":"${"x".repeat(100_000)}"}`,
  ])("verifies what we sign", (body) => {
    const secrets = [newSecret(), newSecret(), newSecret()];
    const signer = {
      hmacKeys: secrets.map(importSecret),
      signingKeys: [importPrivateKey(privateKey)],
    };
    const headerOf = (text: string): string =>
      signatureHeader(signer, VECTOR.id, String(now), text, SIGNATURE_VERSIONS);
    const signature = headerOf(body);
    for (const secret of secrets) {
      const parsed = new Webhook(secret).verify(body, headers(signature, now));
      expect(parsed).toEqual(JSON.parse(body));
    }
    expect(() => new Webhook(newSecret()).verify(body, headers(signature, now))).toThrow(NO_MATCH);
    const other = headerOf(`${body} `);
    expect(() => new Webhook(secrets[0]!).verify(body, headers(other, now))).toThrow(NO_MATCH);
    expect(() => new Webhook(secrets[0]!).verify(body, headers(signature, now + 1))).toThrow(
      NO_MATCH,
    );
  });

  test("agrees byte for byte for secrets of 24 to 64 bytes", () => {
    for (const length of [24, 32, 48, 64]) {
      const secret = `whsec_${Buffer.from(nacl.randomBytes(length)).toString("base64")}`;
      const timestamp = new Date(VECTOR.timestamp * 1000);
      const theirs = new Webhook(secret).sign(VECTOR.id, timestamp, VECTOR.body);
      expect(signV1(importSecret(secret), CONTENT)).toBe(theirs);
    }
  });
});

describe("the secret of an origin", () => {
  // computed with Python's hmac and hashlib, by RFC 5869
  test.each([
    ["https://example.com", "whsec_Oc94jtHoOHDODl3d1uMX6j83mI3XxWrrZamV0KW7px4="],
    ["http://127.0.0.1:4000", "whsec_IY0JBps0xGBtnQsQ5hBikw+yNRr8jBNzo4glkMtO6gA="],
    ["https://xn--nxasmq6b.example:8443", "whsec_bvSeJBVlJR37M7hn9UXA8XD+WI/t/JzokHMVn5Y+I1E="],
  ])("of %s is HKDF-SHA256 of the account's", (origin, secret) => {
    expect(deriveSecret(VECTOR.secret, origin)).toBe(secret);
    expect(deriveSecret(newSecret(), origin)).not.toBe(secret);
  });

  test("there is one for the longest origin that may be called", () => {
    const host = `${"a".repeat(63)}.`.repeat(4).slice(0, 253);
    const check = checkTargetUrl(NO_TARGETS, `https://${host}:65535/`);
    if (!check.ok) throw new Error(check.detail);
    expect(deriveSecret(VECTOR.secret, check.url.origin)).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(checkTargetUrl(NO_TARGETS, `https://a${host}/`)).toMatchObject({
      code: "callback_url_invalid",
      detail: "has a host name longer than 253 characters",
    });
  });
});

describe("keys", () => {
  test("a secret is whsec_ and 32 random bytes", () => {
    const secrets = Array.from({ length: 100 }, newSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      expect(importSecret(secret).symmetricKeySize).toBe(32);
    }
  });

  test("of another kind are refused", () => {
    const { publicKey, privateKey } = newKeyPair();
    expect(() => importSecret(privateKey)).toThrow("whsec_");
    expect(() => importPrivateKey(publicKey)).toThrow("whsk_");
    expect(() => importPrivateKey("whsk_c2hvcnQ=")).toThrow(/asn1|DER|parse|decode/i);
  });
});
