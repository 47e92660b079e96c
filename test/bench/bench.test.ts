import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

describe("npm run bench", () => {
  let folder: string;
  let child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "ringback-bench-test-"));
    // a database started by root runs as another user, who must pass through
    chmodSync(folder, 0o755);
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      const gone = once(child, "close");
      child.kill("SIGINT");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(
    ...args: string[]
  ): Promise<{ code: unknown; stdout: string; stderr: string }> {
    child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], TMPDIR: folder },
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { code, stdout, stderr };
  }

  test("measures, compares with the ceiling, writes all outputs and leaves nothing behind", async () => {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(
      file("page.md"),
      "Before\n<!-- figures:begin -->old<!-- figures:end -->\nAfter\n",
    );
    const sizes = ["--quick", "--deliveries", "400", "--seconds", "1"];
    const outputs = [
      "--json",
      file("r.json"),
      "--plot",
      file("r.svg"),
      "--write-docs",
      file("page.md"),
    ];
    const { code, stdout, stderr } = await run("--only", "submit,drain", ...sizes, ...outputs);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("400 over 50") });

    const report = JSON.parse(readFileSync(file("r.json"), "utf8")) as {
      figures: { scenario: string; ratio: number; met: boolean; detail: Record<string, unknown> }[];
    };
    expect(report).toMatchObject({
      date: expect.any(String),
      node: process.version,
      postgres: expect.stringMatching(/^\d+/),
      machine: { cores: expect.any(Number), model: expect.any(String) },
      command: expect.stringContaining("--only submit,drain"),
      failures: [],
    });
    expect(report.figures.map(({ scenario }) => scenario)).toEqual(["drain", "submit"]);
    for (const { ratio, met } of report.figures) {
      expect(Number.isFinite(ratio)).toBe(true);
      expect(ratio).toBeGreaterThan(0);
      expect(typeof met).toBe("boolean");
    }
    expect(report.figures[0]!.detail).toMatchObject({ deliveries: 400, sent_twice: 0 });

    expect(stdout).toMatch(/drain .*raw POSTs/);
    expect(readFileSync(file("page.md"), "utf8")).toMatch(
      /^Before\n<!-- figures:begin -->\n[^]*\| drain \|[^]*\n<!-- figures:end -->\nAfter\n$/,
    );
    expect(readFileSync(file("r.svg"), "utf8")).toMatch(/^<svg [^]*drain: 50 lanes[^]*<\/svg>\n$/);
    expect(readdirSync(folder).toSorted()).toEqual(["page.md", "r.json", "r.svg"]);
  }, 90_000);

  test("names what is wrong before it starts anything", async () => {
    expect(await run("--only", "drain,dance")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no scenario "dance"'),
    });
    expect(await run("--processes", "api")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nobody has the role compute"),
    });
    expect(await run("--binaries", folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${path.join(folder, "initdb")} does not exist`),
    });
    expect(
      await run("--binaries", folder, "--database-url", "postgres://127.0.0.1/x"),
    ).toMatchObject({ code: 1, stderr: expect.stringContaining("one of them") });
    expect(await run("--deliveries", "many")).toMatchObject({
      stderr: expect.stringContaining("--deliveries"),
    });
  });
});
