import type { Context } from "../context.ts";
import { SYSTEM, type Author } from "../../core/audit.ts";
import { newId } from "../../core/ids.ts";
import type { PublicKey } from "../../core/jwk.ts";
import { newKeyPair } from "../../core/signature.ts";
import { lockAccount } from "../../db/accounts/accounts.ts";
import {
  deleteUnusedSigningKeys,
  insertSigningKey,
  limitSigningKeys,
  findKeysOfAccounts,
  readMoment,
} from "../../db/accounts/signing-keys.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Reader, Tx } from "../../db/transaction.ts";

import { recordAudit } from "./audit.ts";

/** The Ed25519 keys of an account. */
export interface SigningKeys {
  current: PublicKey;
  /** The key before, which signs as well until it expires. */
  previous: PublicKey | null;
  /** A key that is published already and signs later. */
  next: PublicKey | null;
}

export async function addSigningKey(
  tx: Tx,
  { vault }: Pick<Context, "vault">,
  accountId: string,
  notBefore: Date,
): Promise<void> {
  const { privateKey, ...pair } = newKeyPair();
  await insertSigningKey(tx, {
    ...pair,
    id: newId(),
    accountId,
    sealed: vault.seal(privateKey),
    notBefore,
  });
}

/**
 * Makes a new key: published at once, it signs in `activateInS` seconds, and the current key signs
 * beside it for `overlapS` more. A key that was to come is dropped. No more than two ever sign: a
 * key that is being rotated out already ends when the new one begins.
 */
export async function rotateSigningKey(
  context: Pick<Context, "pool" | "vault">,
  {
    accountId,
    overlapS,
    activateInS,
    by = SYSTEM,
  }: { accountId: string; overlapS: number; activateInS: number; by?: Author },
): Promise<SigningKeys> {
  return await inTransaction(context.pool, async (tx) => {
    await lockAccount(tx, accountId);
    const successorAt = await readMoment(tx, activateInS);
    await deleteUnusedSigningKeys(tx, accountId);
    await limitSigningKeys(tx, accountId, { successorAt, overlapS });
    await addSigningKey(tx, context, accountId, successorAt);
    await recordAudit(tx, by, {
      accountId,
      action: "signing_key.rotated",
      target: { type: "account", id: accountId, name: "signing key" },
      after: { overlap_s: overlapS, activate_in_s: activateInS },
    });
    return await readSigningKeys(tx, accountId);
  });
}

export async function readSigningKeys(reader: Reader, accountId: string): Promise<SigningKeys> {
  const keys = await findKeysOfAccounts(reader, [accountId]);
  const [current, previous = null] = keys.filter(({ begun }) => begun);
  const next = keys.find(({ begun }) => !begun) ?? null;
  return { current: current!, previous, next };
}
