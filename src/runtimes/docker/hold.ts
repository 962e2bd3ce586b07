/**
 * A held start: the container runs, and its shell waits on stdin for the rest of the environment and for leave. Then the shell becomes
 * the command: same process, same first byte of output. When stdin ends without leave it says so and exits with 125. The command reads
 * nothing, or what else comes on stdin.
 */
export const heldEntrypoint = (nonce: string, argv: readonly string[], reads: 'nothing' | 'stdin' = 'nothing'): readonly string[] => [
  '/bin/sh',
  '-c',
  wrapper(nonce, reads),
  'cion',
  ...argv,
];

/** The nonce stands so early that a narrow process list shows it. `env -u`: bash counts SHLVL once more in `exec`. */
export const wrapper = (nonce: string, reads: 'nothing' | 'stdin' = 'nothing'): string => `__cion_nonce=${nonce} __cion_env=
while IFS= read -r __cion_line; do
  if [ "$__cion_line" = "$__cion_nonce" ]; then
    eval "$__cion_env"
    unset PWD OLDPWD SHLVL __cion_nonce __cion_env __cion_line
    [ -n "$BASH_VERSION" ] && command -v env >/dev/null && exec env -u SHLVL "$@"${from(reads)}
    exec "$@"${from(reads)}
  fi
  __cion_env="$__cion_env$__cion_line
"
done
echo "cion: never let go $__cion_nonce"
exit 125`;

const from = (reads: 'nothing' | 'stdin'): string => (reads === 'stdin' ? '' : ' </dev/null');

export const neverLetGo = { exitCode: 125, text: (nonce: string): string => `cion: never let go ${nonce}\n` } as const;

/** Everything up to the nonce is evaluated at once; without it nothing is. */
export const letGo = (nonce: string, env: Readonly<Record<string, string>>): string =>
  `${Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('')}${nonce}\n`;

/** Whether every shell hands this variable on untouched, and may be given it late. */
export const passesShell = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !special.test(name);

const special = new RegExp(
  `^(?:${[
    '_|PWD|OLDPWD|SHLVL|IFS|UID|EUID|PPID|GROUPS|PS[0-9]|OPTIND|OPTARG|OPTERR|ENV|CDPATH|TMOUT|MAIL|MAILPATH|MAILCHECK',
    'RANDOM|SRANDOM|SECONDS|LINENO|EPOCHSECONDS|EPOCHREALTIME|DIRSTACK|FUNCNAME|FUNCNEST|PIPESTATUS|REPLY|POSIXLY_CORRECT',
    'HOSTTYPE|MACHTYPE|OSTYPE|SHELLOPTS|GLOBIGNORE|EXECIGNORE|FIGNORE|IGNOREEOF|INPUTRC|COLUMNS|LINES',
    '(?:BASH|COMP_|HIST|KSH|ZSH|LD_|READLINE_|__cion)\\w*',
  ].join('|')})$`,
);

/** A command that `exec` takes as it is. */
export const passesExec = (argv: readonly string[]): boolean => /^[^-=][^=]*$/.test(argv[0] ?? '');
