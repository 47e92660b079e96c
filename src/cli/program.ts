import { Command, Option } from "commander";
import { readVersion } from "../config.ts";
import { nearest } from "../core/nearest.ts";
import type { Role } from "../config.ts";
import { examples } from "./api/command.ts";
import type { Cli } from "./api/command.ts";
import { addAccounts } from "./commands/accounts.ts";
import { addAudit } from "./commands/audit.ts";
import { addDeadLetters } from "./commands/dead-letters.ts";
import { addDeliveries } from "./commands/deliveries.ts";
import { addEndpoints } from "./commands/endpoints.ts";
import { addActivity } from "./commands/activity.ts";
import { addJobTypes } from "./commands/job-types.ts";
import { addJobs } from "./commands/jobs.ts";
import { addKeys } from "./commands/keys.ts";
import { addMessages } from "./commands/messages.ts";
import { addPortal } from "./commands/portal.ts";
import { addReplays } from "./commands/replays.ts";
import { addSearch } from "./commands/search.ts";
import { addSigning } from "./commands/signing.ts";
import { addStatus } from "./commands/status.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDoctor } from "./commands/doctor.ts";
import { EXIT, EXIT_MEANINGS } from "./exit.ts";
import { explainError } from "./explain-error.ts";
import { addListen } from "./commands/listen.ts";
import { parseProcesses, parseRoles } from "./serve-options.ts";
import type { Terminal } from "./terminal.ts";

/** The tree of commands. Parts that only a server needs are loaded on use. */
export function createProgram(cli: Cli): Command {
  const { stdout, stderr } = cli.terminal;
  const program = new Command("ringback")
    .description("Asynchronous job API with guaranteed, signed callbacks, over one Postgres.")
    .version(readVersion())
    .showHelpAfterError("(--help tells more)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "ringback: ")),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .addHelpText("after", exitCodeHelp);

  program.commandsGroup("Server:");
  addServer(program);
  addDoctor(cli, program);
  program.commandsGroup("Jobs and webhooks:");
  for (const add of [addJobs, addJobTypes, addEndpoints, addMessages, addDeliveries]) {
    add(cli, program);
  }
  for (const add of [addSearch, addDeadLetters, addReplays, addActivity, addStatus]) {
    add(cli, program);
  }
  for (const add of [addSigning, addKeys]) {
    add(cli, program);
  }
  for (const add of [addPortal, addAudit, addAccounts]) {
    add(cli, program);
  }
  program.commandsGroup("Tools:");
  addListen(cli, program);
  addCompletion(cli, program);
  program.helpCommand("help [command...]", "tell about a command");
  return program;
}

/** Runs one command line. Returns the exit code; a server goes on after that. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram({ terminal, end: (code) => (exitCode = code) });
  try {
    // commander's own help knows only the first word
    const words = args[0] === "help" ? [...args.slice(1), "--help"] : args;
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    const hint = hintFor(program, args, error);
    if (hint !== null) terminal.stderr.write(`${hint}\n`);
    const explained = explainError(error);
    if (explained.text !== "") terminal.stderr.write(`ringback: ${explained.text}\n`);
    return explained.exitCode;
  }
}

/** Where a word is a command that does not begin with it, or else what there is. */
function hintFor(program: Command, args: readonly string[], error: unknown): string | null {
  const { code, message = "" } = error as { code?: string; message?: string };
  if (code !== "commander.unknownCommand") return null;
  const word = args.find((arg) => !arg.startsWith("-")) ?? "";
  const names = program.commands.map((command) => command.name());
  if (names.includes(word)) return null;
  const isSuggested = message.includes("Did you mean");
  const fits = (name: string): boolean =>
    isSuggested ? name === word : nearest(word, [name]) !== null;
  const inside = program.commands.flatMap((command) =>
    command.commands.flatMap((one) =>
      fits(one.name()) ? [`ringback ${command.name()} ${one.name()}`] : [],
    ),
  );
  if (inside.length > 0) return `(Did you mean ${inside.slice(0, 3).join(", or ")}?)`;
  return isSuggested ? null : `(The commands are ${names.join(", ")}.)`;
}

function addServer(program: Command): void {
  const serve = program
    .command("serve")
    .description("start the API and the workers; without DATABASE_URL also a database of its own")
    .addOption(
      new Option("--roles <list>", "what this process does: api, compute, deliver")
        .default(["api", "compute", "deliver"], "all")
        .argParser(parseRoles),
    )
    .addOption(
      new Option(
        "--processes <number>",
        "processes that share the port and the work, for as many cores (default: RINGBACK_PROCESSES, or 1)",
      ).argParser(parseProcesses),
    )
    .action(async (options: { roles: Role[]; processes?: number }) => {
      const { serve: start } = await import("./commands/serve.ts");
      await start(options);
    });
  examples(serve, "serve", "serve --processes 4", "serve --roles compute,deliver");
  const migrate = program
    .command("migrate")
    .description("bring the database of DATABASE_URL to the schema of this version, and exit")
    .action(async () => {
      const { runMigrations } = await import("./commands/migrate.ts");
      await runMigrations();
    });
  examples(migrate, "migrate");
  const demo = program
    .command("demo")
    .description("show the path of a job, from submission to replay, in under a minute")
    .action(async () => {
      const { runDemo } = await import("./commands/demo.ts");
      await runDemo();
    });
  examples(demo, "demo");
}

function exitCodeHelp(): string {
  const lines = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return `\nExit codes:\n${lines.join("\n")}`;
}
