import type { ApiCaller, BodyOf, CallOptions } from "./caller.ts";
import type { AccountRotated, SigningKeys } from "./openapi-types.ts";

/** Secrets and public keys that verify the account's webhooks. */
export class Signing {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** The Ed25519 key that verifies each `v1a` signature of the account, `whpk_…`. */
  async publicKey(options: CallOptions = {}): Promise<string> {
    return (await this.keys(options)).public_key;
  }

  /** The present key with its id and validity, the key before it, the next, and where receivers find them. */
  async keys(options: CallOptions = {}): Promise<SigningKeys> {
    return (await this.#caller.call("GET /v1/signing-key", options)).body;
  }

  /** Makes a new key: published at once, signing in a while; the old one signs beside it then. */
  async rotateKey(
    rotation: BodyOf<"POST /v1/signing-key/rotate"> = {},
    options: CallOptions = {},
  ): Promise<SigningKeys> {
    return (await this.#caller.call("POST /v1/signing-key/rotate", { body: rotation, ...options }))
      .body;
  }

  /**
   * The secret that signs for the callback URLs of an origin, `whsec_…`.
   * @param origin `https://host[:port]`, or a whole callback URL
   */
  async secretFor(origin: string | URL, options: CallOptions = {}): Promise<string> {
    const call = { query: { origin: String(origin) }, ...options };
    return (await this.#caller.call("GET /v1/signing-secret", call)).body.secret;
  }

  /** Makes new secrets for the callback URLs of all origins; the old ones sign beside them for a while. */
  async rotateSecret(
    rotation: BodyOf<"POST /v1/signing-secret/rotate"> = {},
    options: CallOptions = {},
  ): Promise<AccountRotated> {
    const call = { body: rotation, ...options };
    return (await this.#caller.call("POST /v1/signing-secret/rotate", call)).body;
  }
}

/** The public keys that sign or will, `whpk_…`. */
export function publicKeysOf({ public_key, previous, next }: SigningKeys): string[] {
  return [public_key, ...[previous, next].flatMap((key) => key?.public_key ?? [])];
}
