import type { Context } from "../context.ts";
import { newId } from "../core/ids.ts";
import { Problem } from "../core/problem.ts";
import { newSecret } from "../core/signature.ts";
import { lockEndpoint } from "../db/endpoints.ts";
import { expireSecrets, findCurrentSecret, insertSecret } from "../db/secrets.ts";
import type { SecretOwner } from "../db/secrets.ts";
import { inTransaction } from "../db/transaction.ts";
import type { Tx } from "../db/transaction.ts";

/** Gives the owner a secret of its own choice or a new one. Returns it in clear. */
export async function addSecret(
  tx: Tx,
  { vault }: Pick<Context, "vault">,
  owner: SecretOwner,
  chosen: string | null,
): Promise<string> {
  const secret = chosen ?? newSecret();
  await insertSecret(tx, owner, { id: newId(), sealed: vault.seal(secret) });
  return secret;
}

/**
 * A new secret; the one before signs on beside it for `overlapS` seconds.
 * @throws Problem not_found
 */
export async function rotateSecret(
  context: Pick<Context, "pool" | "vault">,
  rotation: SecretOwner & { overlapS: number; secret: string | null },
): Promise<{ secret: string; previousExpiresAt: Date }> {
  const { accountId, endpointId, overlapS, secret } = rotation;
  return await inTransaction(context.pool, async (tx) => {
    if (endpointId !== null && (await lockEndpoint(tx, accountId, endpointId)) === null) {
      throw new Problem("not_found", "no such endpoint");
    }
    const owner = { accountId, endpointId };
    const previousExpiresAt = await expireSecrets(tx, owner, overlapS);
    return { secret: await addSecret(tx, context, owner, secret), previousExpiresAt };
  });
}

/** The current secret in clear, and until when an old one signs as well. @throws Problem not_found */
export async function readSecret(
  { pool, vault }: Pick<Context, "pool" | "vault">,
  owner: SecretOwner,
): Promise<{ secret: string; previousExpiresAt: Date | null }> {
  const found = await findCurrentSecret(pool, owner);
  if (found === null) throw new Problem("not_found", "no such endpoint");
  return { secret: vault.open(found.sealed), previousExpiresAt: found.previous_expires_at };
}
