import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Command } from "commander";
import { createProgram } from "../../src/cli/program.ts";
import { processTerminal } from "../../src/cli/terminal.ts";
import { splitWords } from "../cli/cli.ts";
import { readDoc, rootDir } from "./markdown.ts";

const program = createProgram({ terminal: processTerminal(), end: () => undefined });
const pages = [
  "README.md",
  ...readdirSync(path.join(rootDir, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && name !== "cli.md")
    .map((name) => `docs/${name}`),
];

/** The calls of `ringback` that a page shows, in blocks and in lines. */
function callsIn(text: string): string[] {
  const whole = text.replaceAll(/\\\n\s*/g, "");
  const blocks = [...whole.matchAll(/^\s*```sh\n([^]*?)^\s*```$/gm)].flatMap((match) =>
    match[1]!.split("\n").map((line) => line.trim()),
  );
  const spans = [...whole.matchAll(/`((?:npx )?ringback [^`\n]+)`/g)].map((match) => match[1]!);
  return [...blocks, ...spans].flatMap((line) => /^(?:npx )?ringback (.+)$/.exec(line)?.[1] ?? []);
}

/** What of a call the program does not know. */
function unknownIn(call: string): string[] {
  const [words, options] = [[] as string[], [] as string[]];
  for (const word of splitWords(call.replaceAll('"', "'"))) {
    (word.startsWith("--") ? options : words).push(word);
  }
  let command: Command = program;
  for (const word of words) {
    const next: Command | undefined = command.commands.find((one) => one.name() === word);
    if (next === undefined) {
      if (command.commands.length > 0) return [word];
      break;
    }
    command = next;
  }
  const known = new Set(command.options.map(({ long }) => long));
  return options.filter((option) => !known.has(option));
}

describe("the commands that pages show", () => {
  test("there are some, and a wrong one would be seen", () => {
    expect(pages.flatMap((page) => callsIn(readDoc(page))).length).toBeGreaterThan(30);
    expect(unknownIn("jobs lost")).toEqual(["lost"]);
    expect(unknownIn("jobs list --state failed")).toEqual(["--state"]);
  });

  test.each(pages)("%s", (page) => {
    const wrong = callsIn(readDoc(page)).filter((call) => unknownIn(call).length > 0);
    expect(wrong).toEqual([]);
  });
});

test("the metrics that pages name exist", () => {
  const sources = ["src/telemetry/metrics.ts", "src/server/gauges.ts"].map(readDoc).join();
  const named = pages.flatMap((page) => readDoc(page).match(/\bringback_[a-z_]+[a-z]\b/g) ?? []);
  const metrics = new Set(named.map((name) => name.replace(/_(count|sum|bucket)$/, "")));
  expect(metrics.size).toBeGreaterThan(10);
  expect([...metrics].filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
});
