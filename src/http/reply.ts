import type { ServerResponse } from "node:http";

/** The answer of a handler. `body` is the exact text. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string | null;
  /** Writes the body, bit by bit, instead. */
  stream?: (response: ServerResponse) => void;
}

const JSON_TYPE = "application/json; charset=utf-8";

/** A reply with a value as JSON. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return jsonText(status, JSON.stringify(value), headers);
}

/** A reply with JSON that is text already. */
export function jsonText(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Reply {
  return { status, headers: { "content-type": JSON_TYPE, ...headers }, body };
}

/** A reply 204. */
export function noContent(): Reply {
  return { status: 204, headers: {}, body: null };
}

/** A reply 303: the answer is at another URL. */
export function seeOther(location: string, headers: Record<string, string> = {}): Reply {
  return { status: 303, headers: { location, ...headers }, body: null };
}
