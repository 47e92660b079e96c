import { createHash } from "node:crypto";
import { Problem } from "./problem.ts";

const UUID_BYTES = 16;
const CHECK_BYTES = 6;

// No secret: the check catches mistakes and cursors of other lists, it doesn't guard anything.
function check(list: string, uuid: Buffer): Buffer {
  return createHash("sha256").update(list).update(uuid).digest().subarray(0, CHECK_BYTES);
}

/** An opaque pointer behind the last item of a page of the list of that name. */
export function encodeCursor(list: string, lastId: string): string {
  const uuid = Buffer.from(lastId.replaceAll("-", ""), "hex");
  return Buffer.concat([uuid, check(list, uuid)]).toString("base64url");
}

/** A whole number in the form of a list's ids, for lists whose items have places instead. */
export function numberId(place: number): string {
  return `00000000-0000-0000-0000-${place.toString(16).padStart(12, "0")}`;
}

/** The inverse of `numberId`. */
export function numberOf(id: string): number {
  return parseInt(id.slice(24), 16);
}

/** @throws Problem `cursor_invalid` when it was not made by `encodeCursor` for the same list */
export function decodeCursor(list: string, cursor: string): string {
  const bytes = Buffer.from(cursor, "base64url");
  const uuid = bytes.subarray(0, UUID_BYTES);
  if (
    bytes.length !== UUID_BYTES + CHECK_BYTES ||
    bytes.toString("base64url") !== cursor ||
    !check(list, uuid).equals(bytes.subarray(UUID_BYTES))
  ) {
    throw new Problem("cursor_invalid", "Use next_cursor of a page of the same list, unchanged.", {
      errors: [{ parameter: "cursor", detail: "is not a cursor of this list" }],
    });
  }
  return uuid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
