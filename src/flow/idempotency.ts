import type { Context } from "../context.ts";
import type { StoredResponse } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import { findIdempotencyRecords, takeIdempotencyKeys } from "../db/idempotency.ts";
import type { IdempotencyRecord } from "../db/idempotency.ts";
import { singleStatement } from "../db/transaction.ts";
import type { Tx } from "../db/transaction.ts";

/** A key is remembered for 24 hours. */
const LIFETIME_S = 86_400;

/**
 * Takes the keys of a group of requests in their common transaction. The answer per request:
 * null, it is the first and goes on; or the record that another request made before it.
 */
export async function takeKeys(
  tx: Tx,
  records: readonly (IdempotencyRecord | null)[],
): Promise<(IdempotencyRecord | null)[]> {
  const firsts = new Map<string, IdempotencyRecord>();
  for (const record of records) {
    if (record !== null && !firsts.has(keyOf(record))) firsts.set(keyOf(record), record);
  }
  if (firsts.size === 0) return records.map(() => null);
  // a key that another process is taking right now is waited for, but not for long
  await tx.query("set local lock_timeout = '3s'");
  await takeIdempotencyKeys(tx, [...firsts.values()], LIFETIME_S);
  await tx.query("set local lock_timeout = 0");
  const stored = await findIdempotencyRecords(tx, [...firsts.values()]);
  const byKey = new Map(stored.map((record) => [keyOf(record), record]));
  return records.map((record) => {
    if (record === null) return null;
    const holder = byKey.get(keyOf(record))!;
    const isFirst = firsts.get(keyOf(record)) === record && sameResponse(holder, record);
    return isFirst ? null : holder;
  });
}

/** The stored response, if the request is the same; else the key was used for another one. */
export function replayOf(record: IdempotencyRecord, fingerprint: string): StoredResponse {
  if (record.fingerprint !== fingerprint) {
    throw new Problem(
      "idempotency_key_reused",
      "this Idempotency-Key was used with another request; use a new key for a new request",
    );
  }
  return record.response;
}

/** What a key's first request was answered, before anything else is looked at. */
export async function findRemembered(
  context: Pick<Context, "pool">,
  request: { accountId: string; key: string; fingerprint: string },
): Promise<StoredResponse | null> {
  const [record] = await findIdempotencyRecords(context.pool, [request]);
  return record === undefined ? null : replayOf(record, request.fingerprint);
}

/** Keeps an error a request ended with, so that its key answers the same again. */
export async function rememberResponse(
  context: Pick<Context, "pool">,
  record: IdempotencyRecord,
): Promise<void> {
  await takeIdempotencyKeys(singleStatement(context.pool), [record], LIFETIME_S);
}

function keyOf({ accountId, key }: { accountId: string; key: string }): string {
  return `${accountId} ${key}`;
}

// The body names the id made for this very request, so equal bodies mean it is its own record.
function sameResponse(a: IdempotencyRecord, b: IdempotencyRecord): boolean {
  return a.fingerprint === b.fingerprint && a.response.body === b.response.body;
}
