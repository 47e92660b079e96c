import type { CommandWords } from "./describe.ts";

/** Completes commands, options after `-`, choices, files after `@`; job types by the server. */
export function bashScript(commands: readonly CommandWords[]): string {
  const words = commands.map(({ path, commands: below, options, values }) => {
    const names = [...below.map(({ name }) => name), ...values].join(" ");
    const flags = options.flatMap((option) => option.flags).join(" ");
    return `    ${quote(path)}) words=${quote(names)} options=${quote(flags)} ;;`;
  });
  const choices = commands.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values !== null)
      .flatMap(({ flags, values }) =>
        flags.map(
          (flag) =>
            `    ${quote(`${path} ${flag}`.trim())}) values=${quote((values ?? []).join(" "))} ;;`,
        ),
      ),
  );
  const typed = commands.filter(({ wantsJobType }) => wantsJobType).map(({ path }) => quote(path));
  return `# bash completion of ringback
_ringback() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path="" words="" options="" values=none word
  # a file comes behind "@": the end of the word before, but a part of what is replaced
  case "$previous" in
    *@)
      mapfile -t COMPREPLY < <(compgen -f -P @ -- "$current")
      if [ \${#COMPREPLY[@]} = 1 ] && [ -d "\${COMPREPLY[0]#@}" ]; then
        COMPREPLY[0]+=/
        compopt -o nospace
      fi
      return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${commands
      .map(({ path }) => path.replaceAll(" ", "/"))
      .filter(Boolean)
      .join(" ")} " in
      *" \${path:+\${path// //}/}$word "*) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path\${path:+ }$previous" in
${choices.join("\n")}
  esac
  if [ "$values" != none ]; then
    words="$values"
    if [ -z "$words" ]; then compopt -o default 2>/dev/null; COMPREPLY=(); return; fi
  else
    case "$path" in
${words.join("\n")}
    esac
    case "$path" in
      ${typed.join(" | ")}) words="$words $("\${COMP_WORDS[0]}" job-types --names 2>/dev/null)" ;;
    esac
    case "$current" in
      -*) words="$options" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _ringback ringback
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
