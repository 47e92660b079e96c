import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Styled on a terminal, plain elsewhere. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function heading(number: number, text: string): void {
  console.log(`\n  ${styled(["bold", "cyan"], `${number}  ${text}`)}`);
}

export function line(text = ""): void {
  console.log(text === "" ? "" : `     ${text}`);
}

const BAR = 24;

export function bar(fraction: number): string {
  const full = Math.round(fraction * BAR);
  return `${"█".repeat(full)}${"░".repeat(BAR - full)} ${`${Math.round(fraction * 100)} %`.padStart(5)}`;
}
