import type { Callback, SealedCallback } from "./model.ts";
import type { Vault } from "./vault.ts";

type Headers = Record<string, string>;

/** Custom headers as they rest; null: there are none. */
export function sealHeaders(vault: Vault, headers: Headers): string | null {
  return Object.keys(headers).length === 0 ? null : vault.seal(JSON.stringify(headers));
}

/** The inverse; throws as `Vault.open` does. */
export function openHeaders(vault: Vault, sealed: string | null | undefined): Headers {
  return typeof sealed === "string" ? (JSON.parse(vault.open(sealed)) as Headers) : {};
}

export function sealCallback(vault: Vault, callback: Callback): SealedCallback {
  const { headers = {}, secret, ...rest } = callback;
  const sealedHeaders = sealHeaders(vault, headers);
  return {
    ...rest,
    ...(sealedHeaders === null ? {} : { sealed_headers: sealedHeaders }),
    ...(secret === undefined ? {} : { sealed_secret: vault.seal(secret) }),
  };
}
