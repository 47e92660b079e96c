import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { codeBlocks, readDoc, rootDir } from "../docs/markdown.ts";
import { fromSource } from "../support/from-source.ts";

const GUIDE = readDoc("docs/guides/testing.md");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ringback-guide-"));
  symlinkSync(path.join(rootDir, "node_modules"), path.join(folder, "node_modules"));
  const example = path.join(rootDir, "docs/examples/word-count.ts");
  const text = readFileSync(example, "utf8");
  writeFileSync(path.join(folder, "word-count.ts"), fromSource(text));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the examples of the guide to testing hold", async () => {
  // an "## ", so that the first block has a heading like the other
  const page = `## ${GUIDE.slice("# ".length)}`;
  const [first] = codeBlocks(page, "Test what you build on Ringback", "ts");
  const [second] = codeBlocks(page, "How a dead letter comes about", "ts");
  writeFileSync(path.join(folder, "first.ts"), fromSource(first!));
  writeFileSync(path.join(folder, "second.ts"), fromSource(second!));
  const both = path.join(folder, "both.ts");
  writeFileSync(both, `await import("./first.ts");\nawait import("./second.ts");\n`);
  // their assertions end it with an error
  const { stderr } = await promisify(execFile)(process.execPath, [both], { cwd: folder });
  expect(stderr).toBe("");
}, 90_000);
