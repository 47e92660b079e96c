type Bytes = Uint8Array<ArrayBuffer>;

/** Something that checks signatures of one version. */
export interface WebhookKey {
  version: "v1" | "v1a";
  /** The id of a key of a JSON Web Key Set. */
  kid?: string;
  /** Seconds since 1970 between which it signs. */
  notBefore?: number;
  expiresAt?: number;
  /** In constant time: the comparison is the platform's own. */
  verify(signature: Bytes, content: Bytes): Promise<boolean>;
}

const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;

/**
 * @param text `whsec_…` (HMAC-SHA256) or `whpk_…` (Ed25519)
 * @throws TypeError it is neither; the message does not show it
 */
export function readWebhookKey(text: string): WebhookKey {
  if (typeof text !== "string") throw new TypeError("a webhook key must be a string");
  const [, prefix, base64] = /^(whsec_|whpk_)([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const bytes = base64 === undefined ? null : fromBase64(base64);
  if (prefix === "whsec_" && bytes !== null) {
    if (bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) return secret(bytes);
    throw new TypeError(`a whsec_ secret has ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`);
  }
  if (prefix === "whpk_" && bytes?.length === PUBLIC_KEY_BYTES) return publicKey(bytes);
  throw new TypeError("a webhook key must be whsec_ or whpk_ and base64");
}

function secret(bytes: Bytes): WebhookKey {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = once(() => crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]));
  return {
    version: "v1",
    verify: async (signature, content) =>
      await crypto.subtle.verify("HMAC", await imported(), signature, content),
  };
}

/** A key of a JSON Web Key Set (RFC 8037); null: it is of another kind, or none. */
export function readJwk(jwk: unknown): WebhookKey | null {
  if (typeof jwk !== "object" || jwk === null) return null;
  const { kty, crv, x, kid, nbf, exp } = jwk as Record<string, unknown>;
  if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string") return null;
  const bytes = fromBase64(x.replaceAll("-", "+").replaceAll("_", "/"));
  if (bytes?.length !== PUBLIC_KEY_BYTES) return null;
  return {
    ...publicKey(bytes),
    ...(typeof kid === "string" ? { kid } : {}),
    ...(typeof nbf === "number" ? { notBefore: nbf } : {}),
    ...(typeof exp === "number" ? { expiresAt: exp } : {}),
  };
}

function publicKey(bytes: Bytes): WebhookKey {
  const imported = once(() => crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]));
  return {
    version: "v1a",
    verify: async (signature, content) =>
      await crypto.subtle.verify("Ed25519", await imported(), signature, content),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Null: it is no base64. */
export function fromBase64(text: string): Bytes | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
