import type { StoredResponse } from "../core/model.ts";
import { rowsAs } from "./rows.ts";
import type { Reader, Tx } from "./transaction.ts";

export interface IdempotencyRecord {
  accountId: string;
  key: string;
  fingerprint: string;
  response: StoredResponse;
  /** Fingerprint and body are sealed. */
  sealed: boolean;
}

type Key = Pick<IdempotencyRecord, "accountId" | "key">;

const KEYS = rowsAs<Key>("t", { account_id: ["uuid", (k) => k.accountId], key: "text" });
/** The account's id is a text here, as the lock is a hash of both texts. */
const LOCKED_KEYS = rowsAs<Key>(
  "t",
  { account_id: ["text", (k) => k.accountId], key: "text" },
  { ordinality: "ord" },
);
const RECORDS = rowsAs<IdempotencyRecord>("t", {
  account_id: ["uuid", (r) => r.accountId],
  key: "text",
  fingerprint: "text",
  status: ["int", (r) => r.response.status],
  headers: ["jsonb", (r) => JSON.stringify(r.response.headers)],
  body: ["text", (r) => r.response.body],
  sealed: "boolean",
});

/**
 * Locks the keys that no other open transaction is taking, until this one ends; answers which.
 * Never waits: a request that is stuck elsewhere must not delay the others of its group.
 */
export async function lockIdempotencyKeys(tx: Tx, keys: readonly Key[]): Promise<boolean[]> {
  const { rows } = await tx.query<{ free: boolean }>({
    name: "lock_idempotency_keys",
    text: `select pg_try_advisory_xact_lock(hashtextextended(t.account_id || t.key, 0)) as free
      from ${LOCKED_KEYS.sql} order by t.ord`,
    values: LOCKED_KEYS.values(keys),
  });
  return rows.map(({ free }) => free);
}

/**
 * Takes the keys that are free or expired; the others stay as they are. Waits for a key that
 * another open transaction is taking.
 */
export async function takeIdempotencyKeys(
  tx: Tx,
  records: readonly IdempotencyRecord[],
  lifetimeS: number,
): Promise<void> {
  await tx.query({
    name: "take_idempotency_keys",
    text: `insert into idempotency_records as r
        (account_id, key, fingerprint, status, headers, body, sealed, expires_at)
      select t.account_id, t.key, t.fingerprint, t.status, t.headers, t.body, t.sealed,
        now() + $${RECORDS.count + 1} * interval '1 second'
      from ${RECORDS.sql}
      order by t.account_id, t.key
      on conflict (account_id, key) do update set fingerprint = excluded.fingerprint,
        status = excluded.status, headers = excluded.headers, body = excluded.body,
        sealed = excluded.sealed, created_at = now(), expires_at = excluded.expires_at
      where r.expires_at <= now()`,
    values: [...RECORDS.values(records), lifetimeS],
  });
}

export async function findIdempotencyRecords(
  reader: Reader,
  keys: readonly Key[],
): Promise<IdempotencyRecord[]> {
  const { rows } = await reader.query<
    StoredResponse & { account_id: string; key: string; fingerprint: string; sealed: boolean }
  >({
    name: "find_idempotency_records",
    text: `select r.account_id, r.key, r.fingerprint, r.status, r.headers, r.body, r.sealed
      from ${KEYS.sql}
      join idempotency_records r on r.account_id = t.account_id and r.key = t.key
      where r.expires_at > now()`,
    values: KEYS.values(keys),
  });
  return rows.map(({ account_id, key, fingerprint, sealed, ...response }) => ({
    accountId: account_id,
    key,
    fingerprint,
    response,
    sealed,
  }));
}

/** Deletes some expired records. Returns how many. */
export async function deleteExpiredIdempotencyRecords(tx: Tx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from idempotency_records where ctid = any(array(
       select ctid from idempotency_records where expires_at < now()
       order by expires_at limit $1 for update skip locked))`,
    [limit],
  );
  return rowCount ?? 0;
}
