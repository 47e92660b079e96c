import type { Context } from "../../context.ts";
import { deriveSecret, importPrivateKey, importSecret } from "../../../core/signature.ts";
import type { Signer } from "../../../core/signature.ts";
import type { LaneConfig } from "../../../db/deliveries/leases.ts";

const MAX_KEYS = 20_000;

// Opening a sealed text costs more than a signature, and its content never changes. So keys are
// kept by sealed text and use; the oldest go first.
function unsealed<Key>(importKey: (text: string, use: string) => Key) {
  const keys = new Map<string, Key>();
  return function unseal({ vault }: Pick<Context, "vault">, sealed: string, use = ""): Key {
    const name = `${sealed} ${use}`;
    let key = keys.get(name);
    if (key === undefined) {
      key = importKey(vault.open(sealed), use);
      if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!);
      keys.set(name, key);
    }
    return key;
  };
}

/** The key of an endpoint's secret, or of an origin's, which is derived from the account's. */
const hmacKey = unsealed((text, origin) =>
  importSecret(origin === "" ? text : deriveSecret(text, origin)),
);
const signingKey = unsealed(importPrivateKey);

/** The keys that sign for a lane. */
export function signerOf(context: Pick<Context, "vault">, config: LaneConfig): Signer {
  return {
    hmacKeys: config.sealed_secrets.map((sealed) => hmacKey(context, sealed, config.origin ?? "")),
    signingKeys: config.sealed_private_keys.map((sealed) => signingKey(context, sealed)),
  };
}
