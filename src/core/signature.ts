import {
  createHmac,
  createPrivateKey,
  createSecretKey,
  hkdfSync,
  randomBytes,
  sign,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import nacl from "tweetnacl";
import { keyIdOf } from "./jwk.ts";
import type { SignatureVersion } from "./model.ts";

/**
 * Signatures of Standard Webhooks 1.0.0: the signed content is `id.timestamp.body`;
 * `v1` is HMAC-SHA256, `v1a` is Ed25519. Secrets are `whsec_`, private keys `whsk_`
 * (64 bytes, private ‖ public), public keys `whpk_`, all base64.
 */
export interface Signer {
  /** Keys of all active secrets; a receiver may hold any of them. */
  hmacKeys: KeyObject[];
  /** The current one first; a second one while it is rotated out. */
  signingKeys: SigningKey[];
}

export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
}

// RFC 8410: the DER frame around a 32-byte Ed25519 seed.
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Value of `webhook-signature` over the exact body, `v1` before `v1a`.
 * @param timestamp in seconds, as it is sent
 */
export function signatureHeader(
  signer: Signer,
  id: string,
  timestamp: string,
  body: string,
  versions: readonly SignatureVersion[],
): string {
  const content = `${id}.${timestamp}.${body}`;
  const signatures = versions.includes("v1")
    ? signer.hmacKeys.map((key) => signV1(key, content))
    : [];
  if (versions.includes("v1a")) {
    const bytes = Buffer.from(content, "utf8");
    for (const { privateKey } of signer.signingKeys) signatures.push(signV1a(privateKey, bytes));
  }
  return signatures.join(" ");
}

/** `webhook-key-id`: which keys made the `v1a` signatures, in their order; none without such. */
export function keyIdHeader(
  signer: Pick<Signer, "signingKeys">,
  versions: readonly SignatureVersion[],
): { "webhook-key-id"?: string } {
  if (!versions.includes("v1a")) return {};
  return { "webhook-key-id": signer.signingKeys.map(({ kid }) => kid).join(" ") };
}

export function signV1(key: KeyObject, content: string | Buffer): string {
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

export function signV1a(key: KeyObject, content: Buffer): string {
  return `v1a,${sign(null, content, key).toString("base64")}`;
}

/** A new `whsec_` secret of 32 random bytes. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

const DERIVATION = "ringback/callback-secret/v1";
const DERIVED_BYTES = 32;

/**
 * The secret that signs for callback URLs of one origin: HKDF-SHA256 of the account's secret. Its
 * holder can't find that of the account, nor that of another origin.
 * @param origin as `URL.origin` gives it, with a host name that DNS can hold
 */
export function deriveSecret(accountSecret: string, origin: string): string {
  const key = decode(accountSecret, "whsec_");
  const derived = hkdfSync("sha256", key, DERIVATION, origin, DERIVED_BYTES);
  return `whsec_${Buffer.from(derived).toString("base64")}`;
}

/** A new Ed25519 pair in the forms of Standard Webhooks. */
export function newKeyPair(): { kid: string; publicKey: string; privateKey: string } {
  const pair = nacl.sign.keyPair();
  return {
    kid: keyIdOf(pair.publicKey),
    publicKey: `whpk_${Buffer.from(pair.publicKey).toString("base64")}`,
    privateKey: `whsk_${Buffer.from(pair.secretKey).toString("base64")}`,
  };
}

export function importSecret(secret: string): KeyObject {
  return createSecretKey(decode(secret, "whsec_"));
}

export function importPrivateKey(text: string): SigningKey {
  const bytes = decode(text, "whsk_");
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, bytes.subarray(0, 32)]),
    format: "der",
    type: "pkcs8",
  });
  return { kid: keyIdOf(bytes.subarray(32)), privateKey };
}

function decode(text: string, prefix: string): Buffer {
  if (!text.startsWith(prefix)) throw new Error(`a key must begin with ${prefix}`);
  return Buffer.from(text.slice(prefix.length), "base64");
}
