import { setTimeout as sleep } from "node:timers/promises";
import type { Context, KeyAnswer } from "./context.ts";
import type { StoredResponse } from "../core/model.ts";
import { Problem } from "../core/problem.ts";
import {
  findIdempotencyRecords,
  lockIdempotencyKeys,
  takeIdempotencyKeys,
} from "../db/idempotency.ts";
import type { IdempotencyRecord } from "../db/idempotency.ts";
import { singleStatement } from "../db/transaction.ts";
import type { Tx } from "../db/transaction.ts";

/** A key is remembered for 24 hours. */
export const IDEMPOTENCY_LIFETIME_S = 86_400;
const RETRY_MS = 25;
const PATIENCE_MS = 3_000;

/** The keys of a group of requests: the first request with each, and whether its lock was free. */
export type LockedKeys = ReadonlyMap<string, { index: number; free: boolean }>;

/** Locks the keys of a group of requests until their common transaction ends, without waiting. */
export async function lockKeys(
  tx: Tx,
  keys: readonly (Pick<IdempotencyRecord, "accountId" | "key"> | null)[],
): Promise<LockedKeys> {
  const firsts = new Map<string, number>();
  keys.forEach((key, index) => {
    if (key !== null && !firsts.has(keyOf(key))) firsts.set(keyOf(key), index);
  });
  if (firsts.size === 0) return new Map();
  const indexes = [...firsts.values()];
  const free = await lockIdempotencyKeys(
    tx,
    indexes.map((index) => keys[index]!),
  );
  return new Map([...firsts].map(([key, index], nth) => [key, { index, free: free[nth]! }]));
}

/** Takes the keys of a group of requests in their common transaction. */
export async function takeKeys(
  tx: Tx,
  records: readonly (IdempotencyRecord | null)[],
  locked?: LockedKeys,
): Promise<KeyAnswer[]> {
  if (records.every((record) => record === null)) return records.map(() => null);
  const keys = locked ?? (await lockKeys(tx, records));
  const ours = records.filter((record, index): record is IdempotencyRecord => {
    const lock = record === null ? undefined : keys.get(keyOf(record));
    return lock?.index === index && lock.free;
  });
  const [, stored] = await Promise.all([
    takeIdempotencyKeys(tx, ours, IDEMPOTENCY_LIFETIME_S),
    findIdempotencyRecords(tx, ours),
  ]);
  const byKey = new Map(stored.map((record) => [keyOf(record), record]));
  return records.map((record, index) => {
    if (record === null) return null;
    const holder = byKey.get(keyOf(record));
    if (holder === undefined) return "busy";
    const isFirst = keys.get(keyOf(record))?.index === index && sameResponse(holder, record);
    return isFirst ? null : holder;
  });
}

/**
 * Repeats `work` while its key is busy; mostly the other request is done in milliseconds, and its
 * answer is the answer.
 * @throws Problem idempotency_in_progress after 3 s
 */
export async function untilDecided<T>(work: () => Promise<T | "busy">): Promise<T> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += RETRY_MS) {
    const answer = await work();
    if (answer !== "busy") return answer;
    await sleep(RETRY_MS);
  }
  throw new Problem(
    "idempotency_in_progress",
    "another request with this Idempotency-Key is being processed; try again shortly",
    { headers: { "retry-after": "1" } },
  );
}

/** The record of a request with secrets: its answer and its fingerprint are sealed. */
export function sealRecord(
  { vault }: Pick<Context, "vault">,
  record: IdempotencyRecord,
): IdempotencyRecord {
  const response = { ...record.response, body: vault.seal(record.response.body) };
  return { ...record, fingerprint: vault.seal(record.fingerprint), response, sealed: true };
}

function openRecord(
  { vault }: Pick<Context, "vault">,
  record: IdempotencyRecord,
): IdempotencyRecord {
  if (!record.sealed) return record;
  const response = { ...record.response, body: vault.open(record.response.body) };
  return { ...record, fingerprint: vault.open(record.fingerprint), response, sealed: false };
}

/** The stored response, if the request is the same; else its key was used for another one. */
export function replayOf(
  context: Pick<Context, "vault">,
  stored: IdempotencyRecord,
  fingerprint: string,
): StoredResponse {
  const record = openRecord(context, stored);
  if (record.fingerprint !== fingerprint) {
    throw new Problem(
      "idempotency_key_reused",
      "this Idempotency-Key was used with another request; use a new key for a new request",
    );
  }
  return record.response;
}

/** The answer to a key's first request, looked for before anything else. */
export async function findRemembered(
  context: Pick<Context, "pool" | "vault">,
  request: { accountId: string; key: string; fingerprint: string },
): Promise<StoredResponse | null> {
  const [record] = await findIdempotencyRecords(context.pool, [request]);
  return record === undefined ? null : replayOf(context, record, request.fingerprint);
}

/**
 * Keeps the error that a request ended with, so that its key answers the same again; sealed, as a
 * request that did not fit may have had secrets.
 */
export async function rememberResponse(
  context: Pick<Context, "pool" | "vault">,
  record: Omit<IdempotencyRecord, "sealed">,
): Promise<void> {
  const sealed = sealRecord(context, { ...record, sealed: false });
  await takeIdempotencyKeys(singleStatement(context.pool), [sealed], IDEMPOTENCY_LIFETIME_S);
}

function keyOf({ accountId, key }: { accountId: string; key: string }): string {
  return `${accountId} ${key}`;
}

// The body names the id made for this very request, so equal bodies mean the same record.
function sameResponse(a: IdempotencyRecord, b: IdempotencyRecord): boolean {
  return a.fingerprint === b.fingerprint && a.response.body === b.response.body;
}
