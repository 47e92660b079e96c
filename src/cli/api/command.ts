import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { EXIT } from "../exit.ts";
import { openSession } from "./session.ts";
import type { ServerOptions, CliSession } from "./session.ts";

/** The exit code of a command; none: done. */
export type ExitCode = number | void;

/** The runner of commands; one per run of the program. */
export interface Cli {
  terminal: Terminal;
  /** Takes note of the exit code. */
  end(exitCode: number): void;
}

export function withConnection(command: Command): Command {
  return command
    .option("--url <url>", "the server (RINGBACK_URL, else http://127.0.0.1:3000)")
    .option("--api-key <key>", "the key (RINGBACK_API_KEY, else that of .ringback when local)")
    .option("--json", "print JSON for programs");
}

/**
 * Gives a command its work with the API. The work takes a session, then the values of commander:
 * the arguments, and the options last.
 */
export function onApi(
  cli: Cli,
  command: Command,
  work: (session: CliSession, ...given: never[]) => Promise<ExitCode>,
): Command {
  return withConnection(command).action(async (...given: unknown[]) => {
    await inSession(cli, command.opts<ServerOptions>(), async (session) => {
      // commander adds the command itself, which the work ignores
      return await work(session, ...(given as never[]));
    });
  });
}

/** Does some work with the API; Ctrl-C ends it. */
export async function inSession(
  cli: Cli,
  options: ServerOptions,
  work: (session: CliSession) => Promise<ExitCode>,
): Promise<void> {
  const interrupt = new AbortController();
  const release = cli.terminal.onInterrupt(() => interrupt.abort());
  try {
    cli.end((await work(openSession(options, cli.terminal, interrupt.signal))) ?? EXIT.ok);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    cli.end(EXIT.interrupted);
  } finally {
    release();
  }
}

const examplesOf = new WeakMap<Command, readonly string[]>();

/** Examples at the end of a command's help, and in the reference. */
export function examples(command: Command, ...lines: string[]): Command {
  const calls = lines.map((line) => `ringback ${line}`);
  examplesOf.set(command, calls);
  const text = calls.map((call) => `  $ ${call}`).join("\n");
  return command.addHelpText("after", `\nExamples:\n${text}`);
}

export function readExamples(command: Command): readonly string[] {
  return examplesOf.get(command) ?? [];
}
