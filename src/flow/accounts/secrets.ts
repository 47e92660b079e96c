import type { Context } from "../context.ts";
import { SYSTEM, type Author } from "../../core/audit.ts";
import { newId } from "../../core/ids.ts";
import { Problem } from "../../core/problem.ts";
import { deriveSecret, newSecret } from "../../core/signature.ts";
import { lockAccount } from "../../db/accounts/accounts.ts";
import { lockEndpoint } from "../../db/accounts/endpoints.ts";
import { expireSecrets, findCurrentSecret, insertSecret } from "../../db/accounts/secrets.ts";
import type { SecretOwner } from "../../db/accounts/secrets.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";

import { recordAudit } from "./audit.ts";

type EndpointOwner = SecretOwner & { endpointId: string };

/** Gives the owner a chosen secret or a new one. Returns it in clear. */
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
 * Makes a new secret of an endpoint; the old one signs on beside it for `overlapS` seconds.
 * @throws Problem not_found
 */
export async function rotateEndpointSecret(
  context: Pick<Context, "pool" | "vault">,
  rotation: EndpointOwner & { overlapS: number; secret: string | null; by?: Author },
): Promise<{ secret: string; previousExpiresAt: Date }> {
  const { overlapS, secret, by = SYSTEM, ...owner } = rotation;
  return await inTransaction(context.pool, async (tx) => {
    const endpoint = await lockEndpoint(tx, owner.accountId, owner.endpointId);
    if (endpoint === null) throw new Problem("not_found", "no such endpoint");
    await recordAudit(tx, by, {
      accountId: owner.accountId,
      action: "secret.rotated",
      target: { type: "endpoint", id: endpoint.id, name: endpoint.description || endpoint.url },
      after: { overlap_s: overlapS },
    });
    const previousExpiresAt = await expireSecrets(tx, owner, overlapS);
    return { secret: await addSecret(tx, context, owner, secret), previousExpiresAt };
  });
}

/**
 * Makes a new secret of the account, so that the secrets of all origins of callback URLs are new;
 * the old ones sign on beside them for `overlapS` seconds. The account's secret is never shown.
 */
export async function rotateAccountSecret(
  context: Pick<Context, "pool" | "vault">,
  { accountId, overlapS, by = SYSTEM }: { accountId: string; overlapS: number; by?: Author },
): Promise<{ previousExpiresAt: Date }> {
  const owner = { accountId, endpointId: null };
  return await inTransaction(context.pool, async (tx) => {
    await lockAccount(tx, accountId);
    const previousExpiresAt = await expireSecrets(tx, owner, overlapS);
    await addSecret(tx, context, owner, null);
    await recordAudit(tx, by, {
      accountId,
      action: "secret.rotated",
      target: { type: "account", id: accountId, name: "all origins" },
      after: { overlap_s: overlapS },
    });
    return { previousExpiresAt };
  });
}

/** A secret in clear, and the time until which an old one signs beside it. */
export interface FoundSecret {
  secret: string;
  previousExpiresAt: Date | null;
}

/** Reads the secret of an endpoint. @throws Problem not_found */
export async function readEndpointSecret(
  context: Pick<Context, "pool" | "vault">,
  owner: EndpointOwner,
): Promise<FoundSecret> {
  const found = await readCurrent(context, owner);
  if (found === null) throw new Problem("not_found", "no such endpoint");
  return found;
}

/** The secret of an origin of callback URLs, which is stored nowhere. */
export async function readOriginSecret(
  context: Pick<Context, "pool" | "vault">,
  { accountId, origin }: { accountId: string; origin: string },
): Promise<FoundSecret> {
  const found = await readCurrent(context, { accountId, endpointId: null });
  if (found === null) throw new Error("the account has no secret");
  return { ...found, secret: deriveSecret(found.secret, origin) };
}

async function readCurrent(
  { pool, vault }: Pick<Context, "pool" | "vault">,
  owner: SecretOwner,
): Promise<FoundSecret | null> {
  const found = await findCurrentSecret(pool, owner);
  return (
    found && { secret: vault.open(found.sealed), previousExpiresAt: found.previous_expires_at }
  );
}
