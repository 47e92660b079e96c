import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { Command } from "commander";
import { readExamples } from "../../src/cli/api/command.ts";
import { referencePage } from "../../scripts/cli-reference.ts";
import { bashScript } from "../../src/cli/completion/bash.ts";
import { describeCommands } from "../../src/cli/completion/describe.ts";
import { fishScript } from "../../src/cli/completion/fish.ts";
import { zshScript } from "../../src/cli/completion/zsh.ts";
import { printable } from "../../src/cli/output/printable.ts";
import { renderTable } from "../../src/cli/output/table.ts";
import { parseMoment, relative } from "../../src/cli/output/times.ts";
import { createProgram } from "../../src/cli/program.ts";
import { processTerminal } from "../../src/cli/terminal.ts";
import { readDoc } from "../docs/markdown.ts";
import { startCommand } from "./cli.ts";

const program = createProgram({ terminal: processTerminal(), end: () => undefined });
const commands = describeCommands(program);

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

describe("help", () => {
  test("every command and option says what it is for", () => {
    for (const { path, commands: below, options } of commands) {
      for (const { name, description } of below) {
        expect(`${path} ${name}: ${description}`).toMatch(/: \S/);
      }
      for (const { flags, description } of options) {
        if (description === "") expect(flags.join()).toMatch(/--(status|reason|by|description)$/);
      }
    }
  });

  test("every command has examples, which are calls of it", () => {
    for (const leaf of leaves(program)) {
      const path: string[] = [];
      for (let one: Command | null = leaf; one !== null; one = one.parent) path.unshift(one.name());
      expect(readExamples(leaf).join("\n")).toContain(path.join(" "));
    }
  });

  test("what talks to the API can answer in JSON", () => {
    const without = leaves(program)
      .filter((one) => !one.options.some(({ long }) => long === "--json"))
      .map((one) => one.name());
    expect(without).toEqual(["serve", "migrate", "demo", "completion"]);
  });

  test("the exit codes are told by --help, which is no failure; a group alone is", async () => {
    const help = await startCommand(["--help"]).ended;
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/Exit codes:\n {2}0 +done\n[^]*\n {2}124 +time was up/);
    expect((await startCommand(["--version"]).ended).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { stdout } = await startCommand(["help", "jobs", "submit"]).ended;
    expect(stdout).toMatch(
      /^Usage: ringback jobs submit [^]*\nExamples:\n {2}\$ ringback jobs submit /,
    );
    const group = await startCommand(["jobs"]).ended;
    expect(group).toMatchObject({ code: 2, stdout: "" });
    expect(group.stderr).toContain("submit");
    const unknown = await startCommand(["jobs", "lst"]).ended;
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/^ringback: unknown command 'lst'\n\(Did you mean list\?\)/);
    const hints = [
      ["submit", "(Did you mean ringback jobs submit?)"],
      ["joobs", "(Did you mean jobs?)"],
      ["nonsense", "(The commands are serve, "],
    ];
    for (const [word, hint] of hints) {
      const { code, stderr } = await startCommand([word!]).ended;
      expect([code, stderr]).toEqual([2, expect.stringContaining(hint!)]);
    }
  });

  test("docs/cli.md is what the program says (node scripts/cli-reference.ts writes it)", async () => {
    expect(readDoc("docs/cli.md")).toBe(await referencePage());
  });
});

describe("completion", () => {
  const script = bashScript(commands);

  /** What bash offers behind these words. */
  async function complete(...words: string[]): Promise<string[]> {
    const line = ["ringback", ...words].map((word) => `'${word}'`).join(" ");
    const { stdout } = await promisify(execFile)("bash", [
      "-c",
      `${script}\ncompopt() { echo FILES; }\nringback() { echo 'demo.echo
csv.summary'; }\nCOMP_WORDS=(${line})\nCOMP_CWORD=${words.length}\n_ringback\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    return stdout.split("\n").filter((word) => word !== "");
  }

  test("bash completes commands, options, choices, files and job types", async () => {
    const [top, jobs, statuses, options, types, files, field, nested, shells] = await Promise.all([
      complete("de"),
      complete("jobs", "c"),
      complete("jobs", "list", "--status", ""),
      complete("jobs", "list", "--json", "--st"),
      complete("jobs", "submit", "csv"),
      complete("jobs", "submit", "demo.echo", "--input", ""),
      complete("jobs", "submit", "demo.echo", "csv", "=@", "package.j"),
      complete("dead-letters", "replay", "--fil"),
      complete("completion", ""),
    ]);
    expect(top).toEqual(["demo", "deliveries", "dead-letters"]);
    expect(jobs).toEqual(["cancel"]);
    expect(statuses).toEqual(["pending", "running", "completed", "failed", "canceled"]);
    expect(options).toEqual(["--status"]);
    expect(types).toEqual(["csv.summary"]);
    expect(files).toEqual(["FILES"]);
    expect(field).toEqual(["@package.json"]);
    expect(nested).toEqual(["--filter"]);
    expect(shells).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  test.each([
    ["zsh", zshScript(commands), ["-n"]],
    ["fish", fishScript(commands), ["--no-execute"]],
  ])("%s accepts its script, where it is at hand", async (shell, text, check) => {
    expect(text).toContain("dead-letters");
    const run = promisify(execFile)("sh", ["-c", `command -v ${shell} || true`]);
    if ((await run).stdout === "") return;
    await promisify(execFile)(shell, [...check, "-c", text]);
  });

  test("the command prints the scripts, and refuses other shells", async () => {
    expect(await startCommand(["completion", "bash"]).ended).toMatchObject({
      code: 0,
      stdout: script,
    });
    expect((await startCommand(["completion", "cmd"]).ended).code).toBe(2);
  });
});

describe("output", () => {
  const rows = [
    { name: "short", url: "https://example.com/a/very/long/path/to/a/receiver" },
    { name: "evil\u001b]0;title\u0007\u202e", url: "https://e.org" },
  ];
  const columns = [
    { head: "NAME", text: ({ name }: (typeof rows)[0]) => name },
    { head: "URL", text: ({ url }: (typeof rows)[0]) => url, gives: true },
    { head: "N", text: () => 7, right: true },
  ];
  const paint = (_style: string, text: string) => text;

  test("a table fits the terminal, and is whole in a pipe", () => {
    const fitted = renderTable(rows, columns, { width: 60, paint }).split("\n");
    expect(Math.max(...fitted.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(fitted[1]).toMatch(/^short +https:\/\/exam.*… +7$/);
    const whole = renderTable(rows, columns, { width: null, paint });
    expect(whole).toContain("/a/very/long/path/to/a/receiver");
    for (const control of "\u001b\u0007\u202e") expect(whole).not.toContain(control);
    expect(printable("a\u009bb\n")).toBe("a\\u009bb\\u000a");
  });

  test("times are read and told", () => {
    const now = Date.parse("2026-11-21T12:00:00Z");
    expect(parseMoment("90s", now)).toBe("2026-11-21T11:58:30.000Z");
    expect(parseMoment("7d", now)).toBe("2026-11-14T12:00:00.000Z");
    expect(parseMoment("99999999999d", now)).toBe("0001-01-01T00:00:00.000Z");
    expect(parseMoment("2026-11-20T00:00:00+02:00", now)).toBe("2026-11-19T22:00:00.000Z");
    expect(() => parseMoment("soon", now)).toThrow("is no time");
    expect(relative("2026-11-21T11:57:00Z", now)).toBe("3 min ago");
    expect(relative("2026-11-21T12:00:05Z", now)).toBe("in 5.0 s");
  });
});
