import { hash } from "node:crypto";
import { idTime } from "./ids.ts";
import { memberTexts } from "./json-text.ts";

/**
 * The texts by which jobs and messages are found, as hashes. That of a pair of metadata has 32 bits of
 * its value before 32 bits of its name: so it is found with and without the name. What is found is
 * compared with the text itself.
 */
export interface SearchKey {
  id: string;
  hash: string;
}

/** The pairs of one metadata that are found, and the longest names and values. */
const SEARCHED = { pairs: 20, name: 100, value: 200 } as const;

/** The time after a request within which what it makes is stored. */
export const REQUEST_MS = { before: 1_000, after: 30_000 } as const;

interface Keyed {
  id: string;
  account_id: string;
  /** JSON text of an object. */
  metadata: string;
  request_id: string;
  created_at: Date;
}

/** The keys of a new job or message. */
export function searchKeysOf(row: Keyed): SearchKey[] {
  const { id, account_id, metadata, request_id, created_at } = row;
  const keys = pairsOf(metadata).map(([name, value]) => ({
    id,
    hash: pairHash(account_id, name, value),
  }));
  // an id that tells its time leads to what it made: it needs no key
  if (isTimed(request_id, created_at)) return keys;
  return [...keys, { id, hash: requestHash(account_id, request_id) }];
}

/** The pairs of metadata that are found: its texts, numbers and booleans. */
export function pairsOf(metadata: string): [name: string, value: string][] {
  if (metadata.length <= 2) return [];
  const pairs: [string, string][] = [];
  for (const [name, text] of memberTexts(metadata)) {
    if (pairs.length === SEARCHED.pairs) break;
    if (/^[[{n]/.test(text) || name.length > SEARCHED.name) continue;
    const value = text.startsWith('"') ? (JSON.parse(text) as string) : text;
    if (value !== "" && value.length <= SEARCHED.value) pairs.push([name, value]);
  }
  return pairs;
}

export function pairHash(accountId: string, name: string, value: string): string {
  return join(valueBits(accountId, value), nameBits(name));
}

/** The hashes of all pairs with a value. */
export function valueHashes(accountId: string, value: string): { from: string; to: string } {
  const bits = valueBits(accountId, value);
  return { from: join(bits, 0), to: join(bits, 0xffff_ffff) };
}

export function requestHash(accountId: string, requestId: string): string {
  const bytes = digest(`request\0${accountId}\0${requestId}`);
  return join(bytes.readInt32BE(0), bytes.readUInt32BE(4));
}

/** Whether a request id is one of ours: it begins with the time shortly before the row was made. */
function isTimed(requestId: string, createdAt: Date): boolean {
  const at = timeOf(requestId);
  if (at === null) return false;
  const ms = createdAt.getTime() - at;
  return ms >= -REQUEST_MS.before && ms < REQUEST_MS.after;
}

/** The time that a UUIDv7 tells; null: it is none. */
export function timeOf(requestId: string): number | null {
  const isV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  return isV7.test(requestId) ? idTime(requestId) : null;
}

function valueBits(accountId: string, value: string): number {
  return digest(`metadata\0${accountId}\0${value}`).readInt32BE(0);
}

function nameBits(name: string): number {
  return digest(name).readUInt32BE(0);
}

function join(high: number, low: number): string {
  return String((BigInt(high) << 32n) + BigInt(low));
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
