import { generateKeyPairSync, sign } from "node:crypto";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { Webhook as Official } from "standardwebhooks";
import { createVerifier, verifyWebhook, WebhookError } from "../../src/client/webhooks.ts";

// The example of the Standard Webhooks specification.
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const V1A =
  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
const ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const BODY = '{"test": 2432232314}';
const OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

const EVENT = JSON.stringify({
  type: "job.completed",
  timestamp: "2026-11-21T10:15:30.009Z",
  data: { job_id: "job_1", note: "☃" },
});
const NOW = new Date("2026-11-21T10:15:31Z");
const now = () => NOW;

function signed(body: string, secret = SECRET, at = NOW): Record<string, string> {
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Official(secret).sign("msg_1", at, body),
  };
}

async function codeOf(verified: Promise<unknown>): Promise<string> {
  const error = await verified.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WebhookError)) throw new Error(`no WebhookError: ${String(error)}`);
  return error.code;
}

describe("the specification's vectors", () => {
  const at = () => new Date(1_614_265_330_000);
  const headers = { "webhook-id": ID, "webhook-timestamp": "1614265330" };

  test.each([
    ["v1", SECRET, V1],
    ["v1a", PUBLIC_KEY, V1A],
  ])("%s", async (_, key, signature) => {
    // its body has no type, which is found only behind a good signature
    const given = { ...headers, "webhook-signature": signature };
    expect(await codeOf(verifyWebhook(BODY, given, key, { now: at }))).toBe("malformed_body");
    const changed = BODY.replace("2432", "2433");
    expect(await codeOf(verifyWebhook(changed, given, key, { now: at }))).toBe(
      "no_matching_signature",
    );
  });
});

describe("a webhook signed by the official library", () => {
  let headers: Record<string, string>;
  beforeEach(() => {
    headers = signed(EVENT);
  });

  test("is taken, and told whole", async () => {
    const webhook = await verifyWebhook(EVENT, { ...headers, "ringback-attempt": "3" }, SECRET, {
      now,
    });
    expect(webhook).toEqual({
      ...JSON.parse(EVENT),
      id: "msg_1",
      signedAt: NOW,
      attempt: 3,
      duplicate: false,
    });
  });

  const bytes = new TextEncoder().encode(EVENT);
  test.each([
    ["bytes", bytes],
    ["a Buffer inside a larger one", Buffer.concat([Buffer.from("x"), bytes]).subarray(1)],
    ["an ArrayBuffer", bytes.buffer],
    ["a text", EVENT],
  ])("as %s", async (_, body) => {
    expect(await verifyWebhook(body, headers, SECRET, { now })).toMatchObject({ id: "msg_1" });
  });

  test.each([
    ["Headers", (given: Record<string, string>) => new Headers(given)],
    [
      "other cases",
      (given: Record<string, string>) =>
        Object.fromEntries(
          Object.entries(given).map(([name, value]) => [name.toUpperCase(), value]),
        ),
    ],
    [
      "lists",
      (given: Record<string, string>) =>
        Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value]])),
    ],
  ])("with headers as %s", async (_, shape) => {
    expect(await verifyWebhook(EVENT, shape(headers), SECRET, { now })).toBeTruthy();
  });

  test("while secrets rotate: several signatures, several keys, any order", async () => {
    const both = `${signed(EVENT, OTHER_SECRET)["webhook-signature"]} ${headers["webhook-signature"]}`;
    const rotating = { ...headers, "webhook-signature": both };
    for (const keys of [SECRET, OTHER_SECRET, [OTHER_SECRET, SECRET], [PUBLIC_KEY, SECRET]]) {
      expect(await verifyWebhook(EVENT, rotating, keys, { now })).toBeTruthy();
    }
    expect(await codeOf(verifyWebhook(EVENT, rotating, PUBLIC_KEY, { now }))).toBe(
      "no_matching_signature",
    );
  });

  test("by a key of Node's own crypto as well", async () => {
    const pair = generateKeyPairSync("ed25519");
    const raw = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const content = `msg_1.${headers["webhook-timestamp"]}.${EVENT}`;
    const signature = sign(null, Buffer.from(content), pair.privateKey).toString("base64");
    const given = { ...headers, "webhook-signature": `v1a,${signature}` };
    const key = `whpk_${raw.toString("base64")}`;
    expect(await verifyWebhook(EVENT, given, key, { now })).toBeTruthy();
    // the signature of one version is none of another
    const passedOff = { ...given, "webhook-signature": `v1,${signature}` };
    expect(await codeOf(verifyWebhook(EVENT, passedOff, key, { now }))).toBe(
      "no_matching_signature",
    );
  });
});

describe("what is refused", () => {
  const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

  test.each([
    [-300, null],
    [-301, "timestamp_too_old"],
    [300, null],
    [302, "timestamp_too_new"],
  ])("signed %i s from now: %s", async (seconds, code) => {
    const verified = verifyWebhook(EVENT, signed(EVENT, SECRET, at(seconds)), SECRET, { now });
    if (code === null) await expect(verified).resolves.toBeTruthy();
    else expect(await codeOf(verified)).toBe(code);
  });

  test("an own tolerance", async () => {
    const options = { now, toleranceSeconds: 10 };
    const verified = verifyWebhook(EVENT, signed(EVENT, SECRET, at(-11)), SECRET, options);
    expect(await codeOf(verified)).toBe("timestamp_too_old");
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])(
    "without %s",
    async (name) => {
      const { [name]: _, ...rest } = signed(EVENT);
      expect(await codeOf(verifyWebhook(EVENT, rest, SECRET, { now }))).toBe("missing_header");
    },
  );

  test.each(["", "v1", "v1,", "v1,%%%", "v1,AAAA", "v2,AAAA", "v1,AAAA ".repeat(40)])(
    "the signature %j",
    async (signature) => {
      const headers = { ...signed(EVENT), "webhook-signature": signature };
      const expected = signature === "" ? "missing_header" : "no_matching_signature";
      expect(await codeOf(verifyWebhook(EVENT, headers, SECRET, { now }))).toBe(expected);
    },
  );

  test.each(["soon", "1e9", "-1", "1795342530.5", "99999999999999999999"])(
    "the timestamp %j",
    async (timestamp) => {
      const headers = { ...signed(EVENT), "webhook-timestamp": timestamp };
      expect(await codeOf(verifyWebhook(EVENT, headers, SECRET, { now }))).toBe("malformed_header");
    },
  );

  test.each(["", "null", "[]", '{"data":{}}', "{", '{"type":1}'])("the body %j", async (body) => {
    expect(await codeOf(verifyWebhook(body, signed(body), SECRET, { now }))).toBe("malformed_body");
  });

  test.each([
    "whsec_AAAA",
    "whsec_%%%",
    "secret",
    "whpk_AAAA",
    "",
    `whsec_${Buffer.alloc(65).toString("base64")}`,
  ])("the key %j, without being shown", (key) => {
    expect(() => createVerifier(key)).toThrow(TypeError);
    if (key !== "") expect(() => createVerifier([SECRET, key])).not.toThrow(key);
  });

  test("no key at all, and a body that was parsed", async () => {
    expect(() => createVerifier([])).toThrow("at least one webhook key");
    const parsed = JSON.parse(EVENT) as string;
    await expect(verifyWebhook(parsed, signed(EVENT), SECRET, { now })).rejects.toThrow(
      "not what a parser made of them",
    );
  });
});

test("M7: the body is read by the parser that is given", async () => {
  const text =
    '{"type":"own.id","timestamp":"2026-11-21T10:15:30.009Z","data":{"id":9007199254740993}}';
  const plain = await verifyWebhook(text, signed(text), SECRET, { now });
  expect(plain.data).toEqual({ id: 9007199254740992 });
  const parse = (json: string): unknown => JSON.parse(json.replaceAll(/\d{16,}/g, '"$&"'));
  const exact = await verifyWebhook(text, signed(text), SECRET, { now, parse });
  expect(exact.data).toEqual({ id: "9007199254740993" });
});

test("seen is asked about genuine webhooks only, and makes them duplicates", async () => {
  const asked: string[] = [];
  const verify = createVerifier(SECRET, {
    now,
    seen: async (id) => asked.push(id) > 1,
  });
  await expect(verify(EVENT, { ...signed(EVENT), "webhook-id": "msg_2" })).rejects.toThrow(
    WebhookError,
  );
  expect(asked).toEqual([]);
  expect((await verify(EVENT, signed(EVENT))).duplicate).toBe(false);
  expect((await verify(EVENT, signed(EVENT))).duplicate).toBe(true);
  expect(asked).toEqual(["msg_1", "msg_1"]);
});
