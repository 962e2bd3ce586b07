import {
  cacheDirectory,
  cacheMount,
  functionsFile,
  mountOf,
  outputDirectory,
  outputLink,
  pipelineDirectory,
  reportDirectory,
  sourceMount,
} from './directories.ts';
import { shellWord } from './words.ts';

/** In one line, so that the lines of a script keep their numbers but for this one. */
const ready = `command -v setMessage >/dev/null 2>&1 || . ${functionsFile}; mkdir -p "$WERCKER_STEP_ROOT"`;

/** The user's own script; with a line `#!` it goes on where a command fails, as it always did. */
export const inlineScript = (code: string): string => `${ready}; set ${code.startsWith('#!') ? '+e' : '-e'}\n${code}`;

/** Step code from a mount: copied to where it may write, then sourced (R-WRK-94). */
export const fetchedScript = (id: string, files: readonly string[]): string =>
  [
    `${ready}; set +e`,
    `rm -rf "$WERCKER_STEP_ROOT" && cp -RP ${mountOf(id)}/. "$WERCKER_STEP_ROOT" || return 1`,
    ...(files.includes('init.sh') ? [`. ${mountOf(id)}/init.sh || return "$?"`] : []),
    ...(files.includes('run.sh') ? [`. ${mountOf(id)}/run.sh`] : []),
    '',
  ].join('\n');

type Setup = { readonly base: string; readonly workdir: string; readonly ignoreFile: string };

/** Copies source and cache to where steps may write, without what an image that a run made has there. Finds the build's directory in BUILD_DIR. */
export const setupScript = ({ base, workdir, ignoreFile }: Setup): string =>
  [
    `${ready}; set -e`,
    `cd ${pipelineDirectory}`,
    `base=${shellWord(base)}`,
    `for directory in "$base" ${outputDirectory} ${cacheDirectory}; do`,
    '  mkdir -p "$directory"',
    '  rm -rf "$directory"/* "$directory"/.[!.]* "$directory"/..?*',
    'done',
    `mkdir -p ${reportDirectory}`,
    `cp -RP ${sourceMount}/. "$base"`,
    `cp -RP ${cacheMount}/. ${cacheDirectory}`,
    'chmod a+rx "$base"',
    `for link in "$BUILD_DIR/source" ${outputLink}; do`,
    `  directory=${outputDirectory}; if [ "$link" != ${outputLink} ]; then directory=$base; fi`,
    '  { mkdir -p "${link%/*}" && rm -rf "$link" && ln -s "$directory" "$link"; } || warn "$link does not lead to $directory"',
    'done',
    ...ignoring(ignoreFile),
    ...(workdir === base
      ? []
      : [`if [ ! -d ${shellWord(workdir)} ]; then fail ${shellWord(`there is no ${workdir.slice(base.length + 1)} in the source`)}; fi`]),
    'unset base directory link',
    '',
  ].join('\n');

/** Removes what the lines of a file name: patterns as of git's, simpler; one with `!` keeps, wherever it stands. */
const ignoring = (file: string): readonly string[] => [
  `if [ -f "$base"/${shellWord(file)} ]; then (`,
  '  cd "$base"',
  '  patterns() {',
  '    while IFS= read -r line || [ -n "$line" ]; do',
  '      line=$(printf %s "$line" | tr -d "\\r" | sed "s/^[[:space:]]*//; s/[[:space:]]*$//")',
  '      case $line in "" | "#"*) continue ;; "!"*) kind=keep; line=${line#!} ;; *) kind=drop ;; esac',
  '      if [ "$kind" = "$1" ]; then printf "%s\\n" "$line"; fi',
  `    done <./${shellWord(file)}`,
  '  }',
  '  set -- . -path .',
  '  for kind in keep drop; do',
  '    if [ "$kind" = drop ]; then set -- "$@" -o "(" -name "" ; fi',
  '    while IFS= read -r pattern; do',
  '      [ -n "$pattern" ] || continue',
  '      directory=; case $pattern in */) directory=yes; pattern=${pattern%/} ;; esac',
  '      case $pattern in',
  '        /*) set -- "$@" -o "(" -path ".$pattern" ;;',
  '        */*) set -- "$@" -o "(" -path "*/$pattern" ;;',
  '        *) set -- "$@" -o "(" -name "$pattern" ;;',
  '      esac',
  '      if [ -n "$directory" ]; then set -- "$@" -type d; fi',
  '      set -- "$@" ")"',
  '    done <<CION_PATTERNS',
  '$(patterns "$kind")',
  'CION_PATTERNS',
  '  done',
  '  find "$@" ")" -prune -exec rm -rf {} +',
  '); fi',
];
