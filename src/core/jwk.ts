import { createHash } from "node:crypto";

/** A public Ed25519 key and when signatures by it are to be taken. */
export interface PublicKey {
  kid: string;
  /** `whpk_…` */
  public_key: string;
  not_before: Date;
  /** Null: not rotated out. */
  expires_at: Date | null;
}

/** RFC 7517 with RFC 8037; `nbf` and `exp` in seconds, as in JWTs. */
export interface Jwk {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
  use: "sig";
  alg: "EdDSA";
  kid: string;
  nbf: number;
  exp?: number;
}

export function toJwk(key: PublicKey): Jwk {
  const x = Buffer.from(key.public_key.slice("whpk_".length), "base64").toString("base64url");
  const jwk: Jwk = {
    kty: "OKP",
    crv: "Ed25519",
    x,
    use: "sig",
    alg: "EdDSA",
    kid: key.kid,
    nbf: Math.floor(key.not_before.getTime() / 1000),
  };
  if (key.expires_at !== null) jwk.exp = Math.ceil(key.expires_at.getTime() / 1000);
  return jwk;
}

/** The id of a key: its thumbprint by RFC 7638, so that it follows from the key itself. */
export function keyIdOf(publicKey: Uint8Array): string {
  const x = Buffer.from(publicKey).toString("base64url");
  return createHash("sha256")
    .update(JSON.stringify({ crv: "Ed25519", kty: "OKP", x }))
    .digest("base64url");
}
