import { readDoc } from "./markdown.ts";

/** What is to be done with a block: run to its end, started, saved as a file, or nothing. */
type Use =
  | { kind: "run" }
  | { kind: "goes on" }
  | { kind: "file"; name: string }
  | { kind: "not run"; why: string };

export interface Block {
  page: string;
  line: number;
  language: string;
  text: string;
  use: Use;
}

/** Languages of blocks that nobody pastes into a program or a shell. */
const DATA = ["", "json", "yaml", "sql", "mermaid"];

/**
 * The code blocks of a page. A comment before a block says how it is used, if it is not run to its
 * end: `<!-- example: goes on -->`, `<!-- example: file receiver.mjs -->`,
 * `<!-- example: not run, because … -->`.
 */
export function blocksOf(page: string): Block[] {
  const text = readDoc(page);
  const found = text.matchAll(
    /(?:^ *<!-- example: (?<note>[^\n]*) -->\n\n?)?^(?<indent> *)```(?<language>\w*)\n(?<code>[^]*?)^ *```$/gm,
  );
  return [...found].flatMap(({ groups = {}, index }) => {
    const { note, indent = "", language = "", code = "" } = groups;
    if (DATA.includes(language)) return [];
    return {
      page,
      line: text.slice(0, index).split("\n").length,
      language,
      text: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      use: useOf(note),
    };
  });
}

function useOf(note: string | undefined): Use {
  if (note === undefined) return { kind: "run" };
  if (note === "goes on") return { kind: "goes on" };
  const name = /^file (\S+)$/.exec(note)?.[1];
  if (name !== undefined) return { kind: "file", name };
  const why = /^not run, because (.+)$/.exec(note)?.[1];
  if (why !== undefined) return { kind: "not run", why };
  throw new Error(`what is "example: ${note}"?`);
}
