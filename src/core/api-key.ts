import { createHash, randomBytes } from "node:crypto";

/** A new API key: `rk_` and 192 random bits. */
export function newApiKey(): string {
  return `rk_${randomBytes(24).toString("base64url")}`;
}

/** The token of a portal session: `rp_` and 192 random bits. */
export function newPortalToken(): string {
  return `rp_${randomBytes(24).toString("base64url")}`;
}

/** Whether a text has the form of an API key. */
export function isApiKey(text: string): boolean {
  return /^rk_[A-Za-z0-9_-]{20,200}$/.test(text);
}

/** SHA-256: how a key or token is stored and looked up. The text itself is kept nowhere. */
export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
