import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

export const rootDir = fileURLToPath(ROOT);

export function readDoc(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** The code blocks of a language under a heading of the page, in their order. */
export function codeBlocks(markdown: string, heading: string, language: string): string[] {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`there is no heading ${heading}`);
  const blocks = section.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return [...blocks].filter((block) => block[1] === language).map((block) => block[2]!);
}

/** The cells of the first table under a heading, without its head. */
export function tableRows(markdown: string, heading: string): string[][] {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
