import type { CommandWords } from "./describe.ts";

export function fishScript(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter(Boolean);
  return `# fish completion of ringback
function __ringback_path
    set -l chain
    for word in (commandline -opc)[2..-1]
        set -l longer (string join ' ' $chain $word)
        if contains -- "$longer" ${paths.map(quote).join(" ")}
            set chain $chain $word
        end
    end
    string join ' ' -- $chain
end
function __ringback_at
    test (__ringback_path) = "$argv[1]"
end
complete -c ringback -f
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ path, commands, options, values, wantsJobType }: CommandWords): string[] {
  const begin = `complete -c ringback -n ${quote(`__ringback_at ${quote(path)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${begin} -a ${name} -d ${quote(description)}`),
    ...values.map((value) => `${begin} -a ${value}`),
    ...(wantsJobType ? [`${begin} -a '(ringback job-types --names 2>/dev/null)'`] : []),
    ...options.map(({ flags, description, values: choices }) => {
      const names = flags.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value =
        choices === null
          ? ""
          : choices.length === 0
            ? " -r -F"
            : ` -x -a ${quote(choices.join(" "))}`;
      return `${begin} ${names.join(" ")}${value} -d ${quote(description)}`;
    }),
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
