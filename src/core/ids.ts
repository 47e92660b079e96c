import { randomBytes } from "node:crypto";
import { fromUUID, TypeID } from "typeid-js";
import { v7 } from "uuid";
import { clock } from "./clock.ts";

/**
 * Ids are UUIDv7. The database and the program hold the plain `uuid`; the edges (API, webhooks,
 * logs) show TypeIDs, which name the kind: `job_01h…`.
 */
export const ID_PREFIXES = {
  account: "acc",
  key: "key",
  job: "job",
  message: "msg",
  endpoint: "ep",
  delivery: "dlv",
  attempt: "att",
  lane: "lane",
  replay: "rpl",
  worker: "wrk",
  secret: "sec",
} as const;
export type IdKind = keyof typeof ID_PREFIXES;

/** The newest id's time, and its place among those of that millisecond, of 32 bits. */
let newest = { msecs: 0, seq: 0 };

/**
 * A new UUIDv7, of the time of the database; later ones sort after earlier ones made by the same
 * process.
 */
export function newId(): string {
  const msecs = clock.now().getTime();
  // half of the places are left for those that follow
  if (msecs > newest.msecs) newest = { msecs, seq: randomBytes(4).readUInt32BE() >>> 1 };
  else newest.seq += 1;
  return v7(newest);
}

/** `uuid` → TypeID, for instance `formatId("job", id)` → `job_01h455vb4pex5vsknk084sn02q`. */
export function formatId(kind: IdKind, uuid: string): string {
  return fromUUID(uuid, ID_PREFIXES[kind]);
}

/** TypeID → `uuid`, or null when it is malformed or of another kind. */
export function parseId(kind: IdKind, text: string): string | null {
  try {
    return TypeID.fromString(text, ID_PREFIXES[kind]).toUUID();
  } catch {
    return null;
  }
}

/** A UUIDv7 has 48 bits of milliseconds since the epoch: the years 1970 to 10889. */
const LAST_ID_TIME = 2 ** 48 - 1;

/** The least UUIDv7 of a moment: half-open ranges of time are ranges of ids. */
export function uuidAt(at: Date): string {
  const ms = Math.min(Math.max(at.getTime(), 0), LAST_ID_TIME);
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Milliseconds since the epoch at which a UUIDv7 was made. */
export function idTime(uuid: string): number {
  return parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}
