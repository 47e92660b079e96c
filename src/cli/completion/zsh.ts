import type { CommandWords, OptionWords } from "./describe.ts";

export function zshScript(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter(Boolean);
  const cases = commands.map(
    ({ path, commands: below, options, values, wantsJobType }) => `    ${quote(path)})
      words_of=(${[
        ...below.map(({ name, description }) => quote(`${escape(name)}:${escape(description)}`)),
        ...values.map((value) => quote(escape(value))),
        ...options.map(optionWord),
      ].join(" ")})
      ${wantsJobType ? 'words_of+=(${(f)"$($words[1] job-types --names 2>/dev/null)"})' : ":"}
      ;;`,
  );
  const choices = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, values }) =>
      values === null
        ? []
        : flags.map(
            (flag) =>
              `    ${quote(`${path} ${flag}`.trim())}) ${
                values.length === 0 ? "_files" : `compadd -- ${values.map(quote).join(" ")}`
              }; return ;;`,
          ),
    ),
  );
  return `#compdef ringback
# zsh completion of ringback
_ringback() {
  local chain="" word
  local -a paths words_of
  paths=(${paths.map(quote).join(" ")})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if (( \${paths[(Ie)\${chain:+$chain }$word]} )); then chain="\${chain:+$chain }$word"; fi
  done
  case "\${chain:+$chain }\${words[CURRENT-1]}" in
${choices.join("\n")}
  esac
  case "$chain" in
${cases.join("\n")}
  esac
  _describe ringback words_of
}
if [ "$funcstack[1]" = _ringback ]; then _ringback "$@"; else compdef _ringback ringback; fi
`;
}

function optionWord({ flags, description }: OptionWords): string {
  return quote(`${escape(flags.at(-1) ?? "")}:${escape(description)}`);
}

/** Escapes colons, which separate a word from its description. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
