import { jsonPointer } from "./json-pointer.ts";
import { parseExactly, stringEnd } from "./json-text.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** How many arrays and objects may enclose a value. */
export const MAX_JSON_DEPTH = 64;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON from outside: what it says, and how. */
export interface JsonDocument {
  value: Json;
  /**
   * The text as it came, but without whitespace between tokens. Numbers have their digits, strings
   * their escapes and keys their order.
   */
  text: string;
}

/**
 * Parses JSON from outside. Beyond the grammar it refuses what would break something further on:
 * deep nesting (recursive code), NUL and lone surrogates (Postgres `text`, UTF-8), keys that reach
 * for a prototype, numbers beyond the range of a double. Of duplicate keys the last one counts, and
 * the text has no other.
 * @throws Problem `body_not_json`, `body_too_deep`, `body_forbidden_text`, `body_forbidden_key`
 */
export function parseJson(bytes: Uint8Array): JsonDocument {
  const text = decode(bytes);
  if (text.trim() === "")
    throw new Problem("body_not_json", "The body is empty; send a JSON value.");
  const { keys, dense } = survey(text);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new Problem("body_not_json", syntaxDetail(error));
  }
  const duplicates = keys - checkValues(value);
  return { value, text: duplicates === 0 ? dense : JSON.stringify(parseExactly(text)) };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("body_not_json", "The body is not valid UTF-8.");
  }
}

/** V8 quotes the text around the fault; the excerpt may hold a secret, so only the place is kept. */
function syntaxDetail(error: unknown): string {
  const position = /at position \d+(?: \(line \d+ column \d+\))?/.exec(String(error))?.[0];
  return position === undefined
    ? "The body ends before the JSON does, or is not JSON."
    : `The JSON has a syntax error ${position}.`;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;

/**
 * Counts the keys, duplicates included, and leaves out what is between tokens. Before the parse and
 * without recursion, so that no stack is deep enough to matter.
 */
function survey(text: string): { keys: number; dense: string } {
  let depth = 0;
  let keys = 0;
  let dense = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) {
      at = stringEnd(text, at) - 1;
    } else if (c <= SPACE) {
      dense += text.slice(copied, at);
      copied = at + 1;
    } else if (c === COLON) {
      keys++;
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > MAX_JSON_DEPTH) {
        throw new Problem(
          "body_too_deep",
          `The JSON is nested deeper than ${MAX_JSON_DEPTH} levels.`,
        );
      }
    } else if (c === 0x5d || c === 0x7d) {
      depth--;
    }
  }
  return { keys, dense: copied === 0 ? text : dense + text.slice(copied) };
}

/** A path in the document; the pointer is only spelt out when a value there is wrong. */
interface Place {
  parent: Place | null;
  key: string | number;
}

function pointerOf(place: Place | null): string {
  const path: (string | number)[] = [];
  for (let at = place; at !== null; at = at.parent) path.unshift(at.key);
  return jsonPointer(path);
}

function refuse(code: ProblemCode, place: Place | null, detail: string): Problem {
  const pointer = pointerOf(place);
  return new Problem(code, `${pointer === "" ? "The value" : pointer} ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}

/** @returns how many keys there are */
function checkValues(root: Json): number {
  let keys = 0;
  const containers: { value: Json[] | { [key: string]: Json }; place: Place | null }[] = [];
  const look = (value: Json, place: Place | null) => {
    if (typeof value === "object" && value !== null) containers.push({ value, place });
    else checkLeaf(value, place);
  };
  look(root, null);
  for (let next = containers.pop(); next !== undefined; next = containers.pop()) {
    const { value, place } = next;
    if (Array.isArray(value)) {
      for (const [key, item] of value.entries()) look(item, { parent: place, key });
    } else {
      for (const key of Object.keys(value)) {
        keys++;
        const child = { parent: place, key };
        checkKey(key, value, child);
        look(value[key] as Json, child);
      }
    }
  }
  return keys;
}

function checkLeaf(value: Json, place: Place | null): void {
  if (typeof value === "string") {
    if (value.includes("\u0000")) {
      throw refuse("body_forbidden_text", place, "holds a NUL character");
    }
    if (!value.isWellFormed()) {
      throw refuse("body_forbidden_text", place, "holds half of a surrogate pair");
    }
  } else if (typeof value === "number" && !Number.isFinite(value)) {
    throw refuse("body_not_json", place, "is a number too large for a double");
  }
}

function checkKey(key: string, owner: { [key: string]: Json }, place: Place): void {
  if (key.includes("\u0000")) {
    throw refuse("body_forbidden_text", place.parent, "has a key that holds a NUL character");
  }
  if (!key.isWellFormed()) {
    throw refuse("body_forbidden_text", place.parent, "has a key with half of a surrogate pair");
  }
  if (key === "__proto__") {
    throw refuse("body_forbidden_key", place, "is a key that is not allowed");
  }
  if (key === "constructor") {
    const value = owner[key];
    if (typeof value === "object" && value !== null && Object.hasOwn(value, "prototype")) {
      throw refuse("body_forbidden_key", { parent: place, key: "prototype" }, "is not allowed");
    }
  }
}
