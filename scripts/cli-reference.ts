import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { format } from "prettier";
import { EXIT_MEANINGS } from "../src/cli/exit.ts";
import { readExamples } from "../src/cli/api/command.ts";
import { createProgram } from "../src/cli/program.ts";
import { processTerminal } from "../src/cli/terminal.ts";

const INTRODUCTION = `# Command line

\`ringback\` starts the service, and is a client of it. Every command tells the same by \`--help\`. This
page is made by \`node scripts/cli-reference.ts\`; a test compares it with the program.

- **Where it connects**: \`--url\`, else \`RINGBACK_URL\`, else \`http://127.0.0.1:3000\`.
- **Who it is**: \`--api-key\`, else \`RINGBACK_API_KEY\`. In development, on the same machine, it takes
  the generated key from \`.ringback\` (\`RINGBACK_DATA_DIR\`).
- **Output**: tables for people; one JSON document with \`--json\`, or a line of JSON per item for what
  goes on (\`activity\`, \`jobs activity\`, \`listen\`). Notes and progress bars go to standard error. Colours
  are for terminals, and never with \`NO_COLOR\`.
- **Times**: ISO 8601, or how long ago: \`90s\`, \`30m\`, \`2h\`, \`7d\`.
- **Input**: \`key=text\`, \`key:=json\`, \`key=@file\` (its text), \`key:=@file\` (its JSON).
`;

/** The page `docs/cli.md`. */
export async function referencePage(): Promise<string> {
  const program = createProgram({ terminal: processTerminal(), end: () => undefined });
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const exit = `## Exit codes\n\n| code | means |\n| --- | --- |\n${codes.join("\n")}\n`;
  const page = [INTRODUCTION, exit, ...sections(program)].join("\n");
  return await format(page, { parser: "markdown", printWidth: 100 });
}

function sections(program: Command): string[] {
  return program.commands.map((command) => {
    const title = `## ringback ${command.name()}\n\n${sentence(command.description())}\n`;
    return [title, ...leaves(command, [])].join("\n");
  });
}

/** @param path words behind the first command */
function leaves(command: Command, path: readonly string[]): string[] {
  if (command.commands.length === 0) return [describe(command, path.join(" "))];
  return command.commands.flatMap((below) => leaves(below, [...path, below.name()]));
}

function describe(command: Command, path: string): string {
  const help = command.createHelp();
  const usage = help.commandUsage(command);
  const options = help
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help" && !SHARED.has(long ?? ""))
    .map((option) => `| \`${option.flags}\` | ${help.optionDescription(option)} |`);
  const table =
    options.length === 0 ? "" : `\n| option | |\n| --- | --- |\n${options.join("\n")}\n`;
  const intro = path === "" ? "" : `**${path}**: ${sentence(command.description())}\n\n`;
  const examples = `\n\`\`\`sh\n${readExamples(command).join("\n")}\n\`\`\`\n`;
  return `${intro}\`\`\`\n${usage}\n\`\`\`\n${table}${examples}`;
}

/** Told once, at the top. */
const SHARED = new Set(["--url", "--api-key", "--json"]);

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

if (import.meta.main)
  writeFileSync(new URL("../docs/cli.md", import.meta.url), await referencePage());
