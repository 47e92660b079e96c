const CONTROL = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

function escape(character: string): string {
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`;
}

/**
 * Foreign text, made safe to show: a receiver's answer could otherwise move the cursor, change the
 * title or turn the direction of the terminal.
 */
export function printable(text: string): string {
  return text.replaceAll(CONTROL, escape);
}

/** Foreign text, made safe to show, with its line breaks and tabs. */
export function printableLines(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(CONTROL, (character) => {
    return character === "\n" || character === "\t" ? character : escape(character);
  });
}
