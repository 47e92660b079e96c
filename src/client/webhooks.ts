import type { Webhook, WebhookEvent } from "./webhook-events.ts";
import { jwks } from "./jwks.ts";
import type { JwksDocument, KeySet } from "./jwks.ts";
import { fromBase64, readWebhookKey } from "./webhook-keys.ts";
import type { WebhookKey } from "./webhook-keys.ts";

export { KeysUnavailableError, remoteJwks } from "./jwks.ts";
export type { JwksDocument, KeySet, RemoteJwksOptions } from "./jwks.ts";
export type { UndeclaredEvent, Webhook, WebhookEvent } from "./webhook-events.ts";

export type WebhookErrorCode =
  | "missing_header"
  | "malformed_header"
  | "timestamp_too_old"
  | "timestamp_too_new"
  | "no_matching_signature"
  | "malformed_body";

/** A call that is no genuine webhook, or none from now. ApiAnswer it with a 4xx. */
export class WebhookError extends Error {
  readonly code: WebhookErrorCode;

  constructor(code: WebhookErrorCode, message: string) {
    super(message);
    this.name = "WebhookError";
    this.code = code;
  }
}

export type WebhookHeaders = Headers | Record<string, string | readonly string[] | undefined>;

/** The bytes as they came. A text is taken as UTF-8. */
export type WebhookBody = string | Uint8Array | ArrayBuffer;

export interface VerifyOptions {
  /** How far the clocks may be apart, or the call old. Default: 300. */
  toleranceSeconds?: number;
  /** Takes the place of the clock. */
  now?: () => Date;
  /**
   * Whether a webhook with this id was handled before. Asked only about genuine ones; it should
   * look, not take note: an id is to be kept when its work is done, with that work.
   */
  seen?: ((id: string) => boolean | Promise<boolean>) | undefined;
  /** Reads the body. Default: `JSON.parse`, which rounds numbers to doubles. */
  parse?: ((text: string) => unknown) | undefined;
}

/**
 * What verifies webhooks: `whsec_…` secrets and `whpk_…` public keys, JSON Web Key Sets, and those
 * that `remoteJwks` fetches.
 */
export type WebhookKeySource = string | JwksDocument | KeySet;

/** More would be an attack on the time it takes to check them. */
const MOST_SIGNATURES = 32;
const MOST_KEYS = 8;

/**
 * Checks a webhook by Standard Webhooks 1.0.0, with nothing but Web Crypto. One signature that fits
 * one of the keys is enough, so a rotation needs no pause. Of a key set, those that
 * `webhook-key-id` names are tried.
 * @param rawBody the bytes as they came; JSON that was parsed and written again has others
 * @throws WebhookError the call is not genuine; TypeError the keys or the body are misused;
 *   KeysUnavailableError keys can't be fetched: answer with a 5xx, and it comes again
 */
export async function verifyWebhook<Own = Record<never, never>>(
  rawBody: WebhookBody,
  headers: WebhookHeaders,
  keys: WebhookKeySource | readonly WebhookKeySource[],
  options: VerifyOptions = {},
): Promise<Webhook<Own>> {
  return await createVerifier<Own>(keys, options)(rawBody, headers);
}

/** A verifier whose keys and options are read once, for many webhooks. @throws TypeError a key is no key */
export function createVerifier<Own = Record<never, never>>(
  keys: WebhookKeySource | readonly WebhookKeySource[],
  options: VerifyOptions = {},
): (rawBody: WebhookBody, headers: WebhookHeaders) => Promise<Webhook<Own>> {
  const sources = isList(keys) ? keys : [keys];
  const read = sources.filter((one) => typeof one === "string").map(readWebhookKey);
  const sets = sources.filter((one) => typeof one !== "string").map(asKeySet);
  if (sources.length === 0) throw new TypeError("at least one webhook key must be given");
  const { toleranceSeconds = 300, now = () => new Date(), seen, parse = JSON.parse } = options;

  return async function verify(rawBody, headers) {
    const body = bytesOf(rawBody);
    const id = headerOf(headers, "webhook-id");
    const timestamp = headerOf(headers, "webhook-timestamp");
    const signatures = headerOf(headers, "webhook-signature");
    const signedAt = checkTime(timestamp, now(), toleranceSeconds);
    const content = concat(new TextEncoder().encode(`${id}.${timestamp}.`), body);
    // a secret that fits needs no key set
    let genuine = await anyFits(signatures, read, content);
    const kids = optionalHeader(headers, "webhook-key-id")?.split(" ").slice(0, MOST_KEYS) ?? null;
    for (const set of signatures.includes("v1a,") ? sets : []) {
      if (genuine) break;
      const found = (await set.find(kids)).filter((key) =>
        signsAt(key, signedAt, toleranceSeconds),
      );
      genuine = await anyFits(signatures, found.slice(0, MOST_KEYS), content);
    }
    if (!genuine) {
      throw new WebhookError("no_matching_signature", "no signature fits any of the keys");
    }
    const attempt = Number(optionalHeader(headers, "ringback-attempt") ?? Number.NaN);
    return {
      ...parseEvent<Own>(body, parse),
      id,
      signedAt,
      attempt: Number.isInteger(attempt) ? attempt : null,
      duplicate: (await seen?.(id)) ?? false,
    };
  };
}

function isList(
  keys: WebhookKeySource | readonly WebhookKeySource[],
): keys is readonly WebhookKeySource[] {
  return Array.isArray(keys);
}

function asKeySet(source: JwksDocument | KeySet): KeySet {
  if (typeof source !== "object" || source === null) {
    throw new TypeError("a webhook key must be a string or a key set");
  }
  return "find" in source ? source : jwks(source);
}

function signsAt(
  { notBefore, expiresAt }: WebhookKey,
  at: Date,
  toleranceSeconds: number,
): boolean {
  const seconds = at.getTime() / 1000;
  return (
    (notBefore === undefined || notBefore <= seconds + toleranceSeconds) &&
    (expiresAt === undefined || seconds < expiresAt + toleranceSeconds)
  );
}

async function anyFits(
  header: string,
  keys: readonly WebhookKey[],
  content: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (const signature of header.split(" ").slice(0, MOST_SIGNATURES)) {
    const comma = signature.indexOf(",");
    const version = signature.slice(0, comma);
    const bytes = fromBase64(signature.slice(comma + 1));
    if (bytes === null) continue;
    for (const key of keys) {
      if (key.version === version && (await key.verify(bytes, content))) return true;
    }
  }
  return false;
}

function checkTime(text: string, now: Date, toleranceSeconds: number): Date {
  if (!/^\d{1,12}$/.test(text)) {
    throw new WebhookError("malformed_header", "webhook-timestamp must be seconds since 1970");
  }
  const age = Math.floor(now.getTime() / 1000) - Number(text);
  if (age > toleranceSeconds) {
    throw new WebhookError("timestamp_too_old", `the webhook was signed ${age} s ago`);
  }
  if (age < -toleranceSeconds) {
    throw new WebhookError("timestamp_too_new", `the webhook was signed ${-age} s in the future`);
  }
  return new Date(Number(text) * 1000);
}

function headerOf(headers: WebhookHeaders, name: string): string {
  const value = optionalHeader(headers, name);
  if (value === undefined || value === "") {
    throw new WebhookError("missing_header", `the header ${name} is missing`);
  }
  return value;
}

function optionalHeader(headers: WebhookHeaders, name: string): string | undefined {
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : found?.join(" ");
}

// not `instanceof`: they may come from another implementation of fetch
function isHeaders(headers: WebhookHeaders): headers is Headers {
  return typeof headers["get"] === "function";
}

function parseEvent<Own>(body: Uint8Array, parse: (text: string) => unknown): WebhookEvent<Own> {
  let event: unknown;
  try {
    event = parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new WebhookError("malformed_body", "the body is not JSON");
  }
  const { type } = (event ?? {}) as { type?: unknown };
  if (typeof type !== "string") throw new WebhookError("malformed_body", "the body has no type");
  return event as WebhookEvent<Own>;
}

function bytesOf(body: WebhookBody): Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body);
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") return new Uint8Array(body);
  throw new TypeError(
    "the body must be the bytes or the text as they came, not what a parser made of them",
  );
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}
