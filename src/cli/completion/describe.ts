import type { Command, Option } from "commander";

export interface OptionWords {
  /** `--status`, `-s`. */
  flags: string[];
  description: string;
  /** Values that may follow; null: the option takes no value; empty: anything. */
  values: readonly string[] | null;
}

/** The words that may follow one command. */
export interface CommandWords {
  /** `jobs list`; empty for the program. */
  path: string;
  commands: { name: string; description: string }[];
  options: OptionWords[];
  /** Values of the command's first argument. */
  values: readonly string[];
  /** Whether the first argument is the name of a job type. */
  wantsJobType: boolean;
}

/** The whole tree, flat: one entry per command. */
export function describeCommands(program: Command): CommandWords[] {
  return walk(program, "");
}

function walk(command: Command, path: string): CommandWords[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  const own: CommandWords = {
    path,
    commands: children.map((child) => ({
      name: child.name(),
      description: firstLine(child.description()),
    })),
    options: help.visibleOptions(command).map(optionWords),
    values: argument?.argChoices ?? [],
    wantsJobType: path === "jobs submit" || path === "job-types",
  };
  const below = children.filter((child) => child.name() !== "help");
  return [own, ...below.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()))];
}

function optionWords(option: Option): OptionWords {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
  const takesValue = option.required || option.optional;
  return {
    flags,
    description: firstLine(option.description),
    values: takesValue ? (option.argChoices ?? []) : null,
  };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
