import type { Context } from "../context.ts";
import { hashApiKey, newApiKey } from "../../core/api-key.ts";
import { SYSTEM, type Author } from "../../core/audit.ts";
import { formatId, newId } from "../../core/ids.ts";
import type { Scope } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { lockAccount } from "../../db/accounts/accounts.ts";
import {
  getApiKey,
  insertApiKey,
  lockAdminKeys,
  revokeKey,
  touchKey,
} from "../../db/accounts/api-keys.ts";
import type { ApiKey } from "../../db/accounts/api-keys.ts";
import { findEndpointIds } from "../../db/accounts/endpoints.ts";
import { inTransaction, singleStatement } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";

import { recordAudit } from "./audit.ts";

interface NewKey {
  accountId: string;
  name: string;
  scopes: readonly Scope[];
  /** The only endpoints that it sees; null or absent: all of the account. */
  endpointIds?: readonly string[] | null;
}

/** Stores a key for an account; only its hash is kept. Returns its id. */
export async function addApiKey(tx: Tx, key: NewKey & { text: string }): Promise<string> {
  const { text, endpointIds = null, ...rest } = key;
  const id = newId();
  await insertApiKey(tx, { id, ...rest, endpointIds, hash: hashApiKey(text) });
  return id;
}

/**
 * Makes a key. Returns its text, this once: only a hash is kept.
 * @throws Problem not_found, account_state, endpoint_unknown
 */
export async function createApiKey(
  { pool }: Pick<Context, "pool">,
  { by = SYSTEM, ...given }: NewKey & { by?: Author },
): Promise<{ key: ApiKey; text: string }> {
  const wanted = {
    ...given,
    scopes: [...new Set(given.scopes)],
    endpointIds: given.endpointIds ? [...new Set(given.endpointIds)] : null,
  };
  const text = newApiKey();
  const key = await inTransaction(pool, async (tx) => {
    await requireAccount(tx, wanted.accountId);
    await requireEndpoints(tx, wanted);
    const id = await addApiKey(tx, { ...wanted, text });
    await recordAudit(tx, by, {
      accountId: wanted.accountId,
      action: "api_key.created",
      target: { type: "key", id, name: wanted.name },
      after: {
        scopes: wanted.scopes,
        endpoint_ids: wanted.endpointIds?.map((one) => formatId("endpoint", one)) ?? null,
      },
    });
    return (await getApiKey(tx, wanted.accountId, id))!;
  });
  return { key, text };
}

/** The account stays as it is until the transaction ends. @throws Problem not_found, account_state */
export async function requireAccount(tx: Tx, accountId: string): Promise<void> {
  const account = await lockAccount(tx, accountId);
  if (account === null) throw new Problem("not_found", "There is no such account.");
  if (account.state !== "deleting" && account.state !== "deleted") return;
  throw new Problem("account_state", `The account is ${account.state}.`);
}

/** @throws Problem endpoint_unknown */
export async function requireEndpoints(
  tx: Tx,
  { accountId, endpointIds }: Pick<NewKey, "accountId" | "endpointIds">,
): Promise<void> {
  const wanted = endpointIds ?? [];
  const found = await findEndpointIds(tx, accountId, wanted);
  const errors = wanted.flatMap((id, index) =>
    found.has(id) ? [] : [{ pointer: `/endpoint_ids/${index}`, detail: "does not exist" }],
  );
  if (errors.length === 0) return;
  throw new Problem("endpoint_unknown", "An endpoint does not exist.", { errors });
}

/**
 * Revokes a key; twice does nothing more. The last admin key stays: nobody could make another.
 * @throws Problem not_found, last_admin_key
 */
export async function revokeApiKey(
  { pool }: Pick<Context, "pool">,
  { accountId, keyId, by = SYSTEM }: { accountId: string; keyId: string; by?: Author },
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const admins = await lockAdminKeys(tx, accountId);
    const key = await getApiKey(tx, accountId, keyId);
    if (key === null) throw new Problem("not_found", "no such API key");
    if (admins.length === 1 && admins[0] === keyId) {
      throw new Problem("last_admin_key", "make another admin key first");
    }
    if (key.revoked_at !== null) return;
    await revokeKey(tx, accountId, keyId);
    await recordAudit(tx, by, {
      accountId,
      action: "api_key.revoked",
      target: { type: "key", id: keyId, name: key.name },
      before: { scopes: key.scopes },
    });
  });
}

const NOTE_EVERY_MS = 60_000;
const NOTED_KEYS = 10_000;

/**
 * Notes that a key is in use, once a minute. Nobody waits for the note, and nothing depends on it.
 */
export function createKeyUse({ pool }: Pick<Context, "pool">): (keyId: string) => void {
  const notedAt = new Map<string, number>();

  return function note(keyId) {
    const now = performance.now();
    if (now - (notedAt.get(keyId) ?? -Infinity) < NOTE_EVERY_MS) return;
    if (notedAt.size >= NOTED_KEYS) notedAt.clear();
    notedAt.set(keyId, now);
    touchKey(singleStatement(pool), keyId).catch(() => notedAt.delete(keyId));
  };
}
