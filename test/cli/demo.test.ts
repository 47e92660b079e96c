import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Demo {
  child: ChildProcess;
  /** Resolves when the output fits; rejects when the demo ended before. */
  until(pattern: RegExp): Promise<void>;
  ended: Promise<{ code: number | null; stdout: string; stderr: string; seconds: number }>;
}

describe("ringback demo", () => {
  let folder: string;
  let demo: Demo | null = null;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), "ringback-demo-test-")));
    // a database started by root runs as another user, who must pass through
    chmodSync(folder, 0o755);
  });
  afterEach(async () => {
    if (demo?.child.exitCode === null) demo.child.kill("SIGKILL");
    await demo?.ended;
    demo = null;
    rmSync(folder, { recursive: true, force: true });
  });

  test("tells the whole story in under a minute and leaves nothing behind", async () => {
    demo = start(folder);
    const { code, stdout, stderr, seconds } = await demo.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(seconds).toBeLessThan(60);
    expect(leftBehind(folder)).toEqual([]);

    const lines = stdout.split("\n");
    expect(lines.filter((text) => text.length > 80)).toEqual([]);
    expect(stdout).not.toContain("\u001b");

    // progress, which only grows, then the result of the whole file
    const shown = [...stdout.matchAll(/[█░]{24} +(\d+) % +([\d,]+) rows/g)];
    const rows = shown.map((match) => Number(match[2]!.replace(",", "")));
    expect(rows.length).toBeGreaterThan(2);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    expect(stdout).toMatch(/100 % +completed, 1,461 rows/);
    expect(stdout).toMatch(/sun +640 days +19\.9 °C/);

    const calls = [...stdout.matchAll(/(reports|orders|billing) +attempt (\d) +(.+)/g)];
    const seenBy = (name: string) =>
      calls.filter((call) => call[1] === name).map((call) => `${call[2]} ${call[3]}`);
    const valid = "signature valid  ";
    expect(seenBy("reports")).toEqual([`1 ${valid} answers 200`]);
    expect(seenBy("orders")).toEqual([
      `1 ${valid} answers 500`,
      `2 ${valid} answers 500`,
      `3 ${valid} answers 200`,
    ]);
    expect(seenBy("billing")).toEqual([
      `1 ${valid} hangs up`,
      `2 ${valid} hangs up`,
      `3 ${valid} hangs up`,
      `4 ${valid} answers 200`,
    ]);
    const letter = stdout.indexOf("dead letter, exhausted");
    expect(letter).toBeGreaterThan(0);
    expect(stdout.indexOf("/replay   202")).toBeGreaterThan(letter);

    expect(stdout).toContain("3 created = 0 pending + 2 delivered + 1 dead + 0 canceled");
    expect(stdout).toContain("3 created = 0 pending + 3 delivered + 0 dead + 0 canceled");
    expect(stdout).toMatch(/What to do next/);

    // the log of attempts, with the waits that the retry policy asked for
    const log = stdout.slice(stdout.indexOf("Every attempt"));
    const attempt =
      /^ +(\d) +\+([\d.]+) s(?: +after ([\d.]+) s)? +(HTTP \d+|reset \(no answer\)) +\d+ ms( +by replay)?$/;
    const attempts = log.split("\n").flatMap((text) => {
      const [, number, at, gap, outcome, replayed] = attempt.exec(text) ?? [];
      return number === undefined
        ? []
        : [{ number: Number(number), at: Number(at), gap: Number(gap), outcome, replayed }];
    });
    expect(attempts.map(({ number, outcome }) => `${number} ${outcome}`)).toEqual([
      "1 HTTP 200",
      "1 HTTP 500",
      "2 HTTP 500",
      "3 HTTP 200",
      "1 reset (no answer)",
      "2 reset (no answer)",
      "3 reset (no answer)",
      "4 HTTP 200",
    ]);
    expect(attempts.map(({ replayed }) => replayed !== undefined).indexOf(true)).toBe(7);
    // 0.5 s, then 1 s, each less 20 % at most
    for (const { number, gap, replayed } of attempts) {
      if (replayed !== undefined || number === 1) continue;
      expect(gap).toBeGreaterThanOrEqual(number === 2 ? 0.4 : 0.8);
    }
  });

  test("Ctrl-C ends it early and cleans up", async () => {
    demo = start(folder);
    await demo.until(/202 Accepted/);
    expect(leftBehind(folder).length).toBeGreaterThan(1);
    demo.child.kill("SIGINT");
    // npm hands it on once more
    demo.child.kill("SIGINT");
    const { code, stdout, stderr } = await demo.ended;
    expect(code).toBe(130);
    expect(stderr).toBe("ringback: the demo was stopped; cleaning up\n");
    expect(stdout).not.toContain("What to do next");
    expect(leftBehind(folder)).toEqual([]);
  });

  test("a database that dies ends it with its reason", async () => {
    demo = start(folder);
    await demo.until(/202 Accepted/);
    const postgres = processesIn(folder).find(({ args }) => !args.includes("postgres: "));
    process.kill(postgres!.pid, "SIGKILL");
    const { code, stderr } = await demo.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ringback: .*(database|postgres).*\n$/i);
    expect(leftBehind(folder)).toEqual([]);
  });

  test("a folder it can't make ends it with its reason", async () => {
    demo = start(path.join(folder, "missing"));
    const { code, stderr } = await demo.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ringback: ENOENT.*missing.*\n$/);
  });
});

function start(temporary: string): Demo {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["src/cli/main.ts", "demo"], {
    cwd: ROOT,
    // of the settings around it the demo takes none
    env: { PATH: process.env["PATH"], TMPDIR: temporary, PORT: "1", RINGBACK_API_KEY: "bad" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
    seconds: (performance.now() - startedAt) / 1000,
  }));
  return {
    child,
    ended,
    async until(pattern) {
      const seen = new Promise<void>((resolve) => {
        child.stdout.on("data", () => pattern.test(stdout) && resolve());
      });
      const early = ended.then(() => {
        throw new Error(`the demo ended before ${pattern.source}: ${stdout}${stderr}`);
      });
      await Promise.race([seen, early]);
    },
  };
}

/** Files in the folder, and processes that work in it. */
function leftBehind(folder: string): string[] {
  return [...readdirSync(folder), ...processesIn(folder).map(({ args }) => args)];
}

function processesIn(folder: string): { pid: number; args: string }[] {
  return execFileSync("ps", ["-Ao", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((text) => text.includes(folder))
    .map((text) => {
      const [pid = "", ...args] = text.trim().split(/\s+/);
      return { pid: Number(pid), args: args.join(" ") };
    });
}
