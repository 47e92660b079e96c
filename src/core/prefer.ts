/** The preferences of RFC 7240 that mean something here. */
export interface Preferences {
  respondAsync: boolean;
  /** Seconds, as asked; null when not asked for. */
  waitS: number | null;
}

/** The longest a request is held open, in seconds. */
export const MAX_WAIT_S = 60;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const PREFERENCE = new RegExp(`^(${TOKEN})(?:[ \\t]*=[ \\t]*(${TOKEN}|${QUOTED}))?$`);

/**
 * Reads a `Prefer` header (several ones joined by commas). What is unknown or malformed is
 * ignored; of a repeated preference only the first counts (RFC 7240, section 2).
 */
export function parsePrefer(header: string | undefined): Preferences {
  const seen = new Map<string, string>();
  for (const member of split(header ?? "", ",")) {
    const match = PREFERENCE.exec((split(member, ";")[0] ?? "").trim());
    const name = match?.[1]?.toLowerCase();
    if (name !== undefined && !seen.has(name)) seen.set(name, unquote(match?.[2] ?? ""));
  }
  const wait = seen.get("wait");
  return {
    respondAsync: seen.get("respond-async") === "",
    waitS: wait !== undefined && /^\d+$/.test(wait) ? Number(wait) : null,
  };
}

/** Seconds that a request with these preferences is held open at most. */
export function waitSeconds(preferences: Preferences): number {
  return Math.min(preferences.waitS ?? 0, MAX_WAIT_S);
}

/** Splits outside of quoted strings. */
function split(text: string, separator: "," | ";"): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === "\\") i++;
    else if (c === '"') quoted = !quoted;
    else if (c === separator && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, "$1") : word;
}
