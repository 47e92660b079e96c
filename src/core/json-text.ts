/** JSON as text: to be stored, sent and shown as it was written. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const INDENT = "  ";

/** Behind the quote that ends a string. @param start of its first quote */
export function stringEnd(text: string, start: number): number {
  for (let end = start + 1; ;) {
    end = text.indexOf('"', end) + 1;
    if (end === 0) return text.length;
    // it is part of the string behind an odd number of backslashes
    let before = end - 2;
    while (before > start && text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

/** Whether a character stands outside of strings and between values. */
function isMark(c: number): boolean {
  return (
    c === COMMA ||
    c === COLON ||
    c === OPEN_BRACE ||
    c === CLOSE_BRACE ||
    c === OPEN_BRACKET ||
    c === CLOSE_BRACKET
  );
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

/** Behind a number, a string, `true`, `false` or `null`. */
function leafEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === QUOTE) return stringEnd(text, start);
  let end = start + 1;
  for (; end < text.length; end++) {
    const c = text.charCodeAt(end);
    if (isMark(c) || isSpace(c)) break;
  }
  return end;
}

/**
 * Lays JSON out anew, as `JSON.stringify` does; but numbers, strings and the order of keys stay as
 * they are written.
 * @param text valid JSON
 */
export function layOutJson(text: string): string {
  let out = "";
  let depth = 0;
  const newLine = (): string => `\n${INDENT.repeat(depth)}`;
  for (let at = 0; at < text.length;) {
    const c = text.charCodeAt(at);
    if (isSpace(c)) {
      at++;
    } else if (!isMark(c)) {
      const end = leafEnd(text, at);
      out += text.slice(at, end);
      at = end;
    } else {
      at++;
      if (c === COMMA) out += `,${newLine()}`;
      else if (c === COLON) out += ": ";
      else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
        depth--;
        out += newLine() + String.fromCharCode(c);
      } else {
        out += String.fromCharCode(c);
        while (isSpace(text.charCodeAt(at))) at++;
        const next = text.charCodeAt(at);
        if (next === CLOSE_BRACE || next === CLOSE_BRACKET) {
          out += String.fromCharCode(next);
          at++;
        } else {
          depth++;
          out += newLine();
        }
      }
    }
  }
  return out;
}

/**
 * The texts of an object's members, by name.
 * @param text JSON of an object, without whitespace between tokens
 */
export function memberTexts(text: string): Map<string, string> {
  const members = new Map<string, string>();
  for (let at = 1; at < text.length - 1;) {
    const keyEnd = stringEnd(text, at);
    const name = JSON.parse(text.slice(at, keyEnd)) as string;
    const end = valueEnd(text, keyEnd + 1);
    members.set(name, text.slice(keyEnd + 1, end));
    at = end + 1;
  }
  return members;
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; ;) {
    const c = text.charCodeAt(at);
    if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--;
    else if (c !== COMMA && c !== COLON) {
      at = leafEnd(text, at);
      if (depth === 0) return at;
      continue;
    }
    at++;
    if (depth === 0) return at;
  }
}

/** The parts of JSON that its types don't know yet: source texts (ECMAScript 2026). */
const sources = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ): unknown;
  rawJSON?(text: string): object;
  isRawJSON?(value: unknown): boolean;
};

/**
 * Parses JSON without losing a digit: a number that `JSON.stringify` would write otherwise, such as
 * 12345678901234567890 or 1.0, becomes a `JSON.rawJSON`. Where that is missing, in older browsers,
 * it is a number like any other.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (sources.rawJSON === undefined) return JSON.parse(text);
  return sources.parse(text, (_, value, context) =>
    typeof value === "number" ? exactNumber(context?.source ?? String(value)) : value,
  );
}

/** Whether a value is a number that `parseExactly` keeps as its text. */
export function isRawNumber(value: unknown): boolean {
  return sources.isRawJSON?.(value) ?? false;
}

/** A number by its JSON text: plain if nothing of it is lost. @throws SyntaxError */
export function exactNumber(text: string): unknown {
  const number = Number(text);
  return JSON.stringify(number) === text ? number : (sources.rawJSON?.(text) ?? number);
}
