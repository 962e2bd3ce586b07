import { visible } from './visible.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export type Candidate = { readonly value: string; readonly description?: string };

/**
 * What `cion complete -- <words>` prints: a candidate per line, its description behind a tab. The last word is the one to complete,
 * empty if it is yet to be begun. Nothing printed: the shell offers files.
 */
export const candidateLines = (candidates: readonly Candidate[]): string[] =>
  candidates
    .filter(({ value }) => value !== '' && visible(value) === value)
    .map(({ value, description }) => (description === undefined ? value : `${value}\t${visible(description)}`));

/** A script that makes the shell ask cion, under either of its names, what could come next; it needs nothing but the shell itself. */
export const completionScript = (shell: Shell): string => scripts[shell];

/**
 * Bash breaks words at `=` and `:`; what stands together on the line is put together again, and of a candidate only what bash takes
 * for the word is given back.
 */
const bash = String.raw`# cion completion for bash: source <(cion completion bash)
_cion() {
  local IFS=$' \t\n' rest="\${COMP_LINE:0:COMP_POINT}" word='' before='' line value index
  local -a words=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    value="\${COMP_WORDS[index]}"
    line="\${rest#"\${rest%%[![:space:]]*}"}"
    if ((index > 0)) && [[ "$line" == "$rest" && -n "$value" && \${#words[@]} -gt 0 ]]; then
      before="$word"
      word+="$value"
      words[\${#words[@]}-1]="$word"
    else
      before=''
      word="$value"
      words+=("$word")
    fi
    rest="\${line:\${#value}}"
  done
  case "$value" in = | :) before="$word" ;; esac

  local quote=''
  case "$word" in \'* | \"*) quote="\${word:0:1}" ;; esac
  for index in "\${!words[@]}"; do
    value="\${words[index]}"
    value="\${value//[\'\"]/}"
    words[index]="\${value//\\/}"
  done
  word="\${words[\${#words[@]}-1]}"

  COMPREPLY=()
  while IFS= read -r line; do
    value="\${line%%$'\t'*}"
    [[ -n "$value" && "$value" == "$word"* ]] || continue
    value="\${value#"$before"}"
    if [[ -z "$quote" ]]; then printf -v value '%q' "$value"; fi
    COMPREPLY+=("$value")
  done < <("\${COMP_WORDS[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o bashdefault -o default -F _cion cion dockercise
`;

const zsh = String.raw`#compdef cion dockercise
# cion completion for zsh: source <(cion completion zsh), or put it as _cion into a folder of $fpath
_cion() {
  local line value
  local -a candidates
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    value="\${line%%$'\t'*}"
    [[ -n "$value" ]] || continue
    value="\${value//:/\\:}"
    if [[ "$line" == *$'\t'* ]]; then value+=":\${line#*$'\t'}"; fi
    candidates+=("$value")
  done
  if (( \${#candidates} )); then
    _describe -V cion candidates
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == "_cion" ]]; then
  _cion "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _cion cion dockercise
fi
`;

const fish = String.raw`# cion completion for fish: cion completion fish | source
function __cion_complete
  set -l words (commandline -opc)
  set -l cion $words[1]
  set -e words[1]
  set -g __cion_candidates ($cion complete -- $words (commandline -ct) 2>/dev/null)
  test (count $__cion_candidates) -gt 0
end
for name in cion dockercise
  complete -c $name -e
  complete -c $name -f -k -n __cion_complete -a '(printf "%s\n" $__cion_candidates)'
end
`;

const scripts: Readonly<Record<Shell, string>> = {
  bash: bash.replaceAll('\\${', '${'),
  zsh: zsh.replaceAll('\\${', '${'),
  fish,
};
