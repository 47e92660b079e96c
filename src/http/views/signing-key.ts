import { formatId } from "../../core/ids.ts";
import type { PublicKey } from "../../core/jwk.ts";
import type { SigningKeys } from "../../flow/accounts/signing-keys.ts";
import type { SigningKeysBody } from "../schemas/signing-key.ts";
import { isoTime } from "./common.ts";

export function signingKeysView(
  { current, previous, next }: SigningKeys,
  accountId: string,
  publicUrl: string,
): SigningKeysBody {
  return {
    ...keyView(current),
    previous: previous && keyView(previous),
    next: next && keyView(next),
    jwks_url: `${publicUrl}/v1/accounts/${formatId("account", accountId)}/jwks.json`,
  };
}

function keyView({
  kid,
  public_key,
  not_before,
  expires_at,
}: PublicKey): Omit<SigningKeysBody, "previous" | "next" | "jwks_url"> {
  return { kid, public_key, not_before: isoTime(not_before), expires_at: isoTime(expires_at) };
}
