import { randomInt, randomUUID } from "node:crypto";
import { TypeID } from "typeid-js";
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
  audit: "aud",
  portal_session: "ptl",
} as const;
export type IdKind = keyof typeof ID_PREFIXES;

/** The places of one millisecond are written in the 26 bits behind the version and the variant. */
const PLACES = 2 ** 26;

/**
 * Makes UUIDv7, later ones after earlier ones also while the clock stands still or goes back. A
 * UUIDv4 gives the random part: Node makes many of them at once.
 * @param places how many ids one millisecond has; those that follow are of the next one
 */
export function createIdMaker(now: () => number, places = PLACES): () => string {
  let newest = { msecs: -1, time: "", place: 0 };
  const begin = (msecs: number): void => {
    // half of the places are left for those that follow
    newest = { msecs, time: timeText(msecs), place: randomInt(places / 2) };
  };
  return () => {
    const msecs = now();
    if (msecs > newest.msecs) begin(msecs);
    else if (newest.place < places - 1) newest.place += 1;
    else begin(newest.msecs + 1);
    const { time, place } = newest;
    const high = (0x7000 | (place >>> 14)).toString(16);
    const low = (0x8000 | (place & 0x3fff)).toString(16);
    return `${time}-${high}-${low}-${randomUUID().slice(24)}`;
  };
}

/** A new UUIDv7, of the time of the database. */
export const newId = createIdMaker(() => clock.now().getTime());

/** The first two groups of a UUIDv7. */
function timeText(msecs: number): string {
  const hex = msecs.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** Two characters for each 10 bits. */
const PAIRS = Array.from({ length: 1024 }, (_, n) => ALPHABET[n >>> 5]! + ALPHABET[n & 31]!);

/** Eight characters for 40 bits, given in hexadecimal. */
function base32(hex: string): string {
  const bits = parseInt(hex, 16);
  const high = Math.floor(bits / 2 ** 20);
  const low = bits % 2 ** 20;
  return PAIRS[high >>> 10]! + PAIRS[high & 1023]! + PAIRS[low >>> 10]! + PAIRS[low & 1023]!;
}

/** `uuid` → TypeID, for instance `formatId("job", id)` → `job_01h455vb4pex5vsknk084sn02q`. */
export function formatId(kind: IdKind, uuid: string): string {
  const first = PAIRS[parseInt(uuid.slice(0, 2), 16)]!;
  const second = base32(uuid.slice(2, 8) + uuid.slice(9, 13));
  const third = base32(uuid.slice(14, 18) + uuid.slice(19, 23) + uuid.slice(24, 26));
  return `${ID_PREFIXES[kind]}_${first}${second}${third}${base32(uuid.slice(26))}`;
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
  return `${timeText(ms)}-0000-0000-000000000000`;
}

/** Milliseconds since the epoch at which a UUIDv7 was made. */
export function idTime(uuid: string): number {
  return parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}
