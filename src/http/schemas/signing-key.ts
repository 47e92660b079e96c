import { z } from "zod";
import { timeText } from "./common.ts";

export const kidText = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, "must be 43 characters of A-Z a-z 0-9 - _")
  .meta({
    description: "Thumbprint of the key (RFC 7638, SHA-256), as in `webhook-key-id`",
    example: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
  });

const keyFields = {
  kid: kidText,
  public_key: z
    .string()
    .regex(/^whpk_[A-Za-z0-9+/]+={0,2}$/)
    .meta({
      description: "Ed25519, `whpk_` and base64",
      example: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    }),
  not_before: timeText.meta({ description: "Since when it signs, or from when on it will" }),
  expires_at: timeText
    .nullable()
    .meta({ description: "When it ends to sign; null: it was not rotated out" }),
};

const publicKey = z.strictObject(keyFields).meta({ id: "PublicKey" });

export const signingKeys = z
  .strictObject({
    ...keyFields,
    previous: publicKey
      .nullable()
      .meta({ description: "The key before, while it signs beside the current one" }),
    next: publicKey
      .nullable()
      .meta({ description: "The key to come: published, but not signing yet" }),
    jwks_url: z.url().meta({
      description: "Where receivers find the keys of this account; no API key is needed",
    }),
  })
  .meta({ id: "SigningKeys" });

export const keyRotation = z
  .strictObject({
    overlap_s: z.int().min(0).max(2_592_000).default(86_400).meta({
      description: "Seconds for which the current key signs beside the new one",
    }),
    activate_in_s: z.int().min(0).max(604_800).default(600).meta({
      description:
        "Seconds until the new key signs. Until then it is published only, so that receivers know it in time: they may keep what they fetched for 300 s.",
    }),
  })
  .meta({ id: "KeyRotation", example: { overlap_s: 86_400 } });

const jwk = z
  .strictObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string(),
    use: z.literal("sig"),
    alg: z.literal("EdDSA"),
    kid: kidText,
    nbf: z.int().meta({ description: "Since when it signs, in seconds" }),
    exp: z
      .int()
      .exactOptional()
      .meta({ description: "When it ends to sign, in seconds; absent: it was not rotated out" }),
  })
  .meta({ id: "Jwk" });

export const jwks = z.strictObject({ keys: z.array(jwk) }).meta({ id: "Jwks" });

/** The body of an answer. */
export type SigningKeysBody = z.input<typeof signingKeys>;
