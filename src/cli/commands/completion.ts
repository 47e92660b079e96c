import { Argument } from "commander";
import type { Command } from "commander";
import { examples } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { describeCommands } from "../completion/describe.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `ringback completion <shell>` */
export function addCompletion(cli: Cli, program: Command): void {
  const command = program
    .command("completion")
    .description("print a script that completes commands, options and values in a shell")
    .addArgument(new Argument("<shell>").choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      cli.terminal.stdout.write(SCRIPTS[shell](describeCommands(program)));
    });
  examples(
    command,
    "completion bash >> ~/.bashrc",
    "completion zsh > ~/.zfunc/_ringback",
    "completion fish > ~/.config/fish/completions/ringback.fish",
  );
}
