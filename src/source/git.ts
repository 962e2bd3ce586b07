import { execa } from 'execa';
import { SourceError } from './source-error.ts';

export type GitOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | string;
  readonly signal?: AbortSignal;
  /** Exit codes beside 0 that are answers, not failures. */
  readonly alsoFine?: readonly number[];
};

export type Git = (args: readonly string[], options?: GitOptions) => Promise<{ readonly stdout: Buffer; readonly code: number }>;

/**
 * git, in a directory, as a reader: whatever the repository's configuration and files say, none of its programs is run (hooks, file
 * system monitor, signature checks, transports), it asks nothing, and it takes no lock that the user would notice. For filters see
 * `gitIn`.
 */
const runGit = (directory: string, settings: Readonly<Record<string, string>>): Git => {
  const environment = gitEnvironment(settings);
  return async (args, { env = {}, input, signal, alsoFine = [] } = {}) => {
    const result = await execa('git', args, {
      cwd: directory,
      env: { ...environment, ...env },
      extendEnv: false,
      encoding: 'buffer',
      stripFinalNewline: false,
      reject: false,
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    signal?.throwIfAborted();
    if (result.exitCode === undefined) throw startError(directory, result.code, result.shortMessage ?? '');
    if (result.exitCode !== 0 && !alsoFine.includes(result.exitCode)) throw gitError(args, Buffer.from(result.stderr).toString());
    return { stdout: Buffer.from(result.stdout), code: result.exitCode };
  };
};

const safeSettings: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.untrackedCache': 'false',
  'core.splitIndex': 'false',
  'core.alternateRefsCommand': 'true',
  'core.sshCommand': 'false',
  'credential.helper': '',
  'log.showSignature': 'false',
  'submodule.recurse': 'false',
  'protocol.version': '2',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'safe.bareRepository': 'explicit',
};

/** git in the user's repository: filters from any configuration are switched off, so files are taken as they lie there. */
export const gitIn = async (directory: string): Promise<Git> => {
  const git = runGit(directory, safeSettings);
  const { stdout } = await git(['config', '--includes', '-z', '--name-only', '--get-regexp', '^filter\\.'], { alsoFine: [1] });
  const names = new Set(
    stdout
      .toString()
      .split('\0')
      .flatMap((key) => /^filter\.(.*)\.[^.]*$/s.exec(key)?.[1] ?? []),
  );
  if (names.size === 0) return git;
  const off = [...names].flatMap((name) => [
    [`filter.${name}.clean`, ''],
    [`filter.${name}.smudge`, ''],
    [`filter.${name}.process`, ''],
    [`filter.${name}.required`, 'false'],
  ]);
  return runGit(directory, { ...safeSettings, ...Object.fromEntries(off) });
};

/** git in a directory of our own. */
export const ownGit = (directory: string): Git => runGit(directory, safeSettings);

/** The same for who starts it: what its environment is, whatever the user's configuration says. `env` and `settings` go over it. */
export const ownEnvironment = (
  env: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  ...gitEnvironment({ ...safeSettings, ...settings }),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  ...env,
});

/** git in a bare repository of our own. */
export const mirrorGit = (gitDir: string): Git => {
  const git = runGit(gitDir, safeSettings);
  return (args, options = {}) =>
    git(args, { ...options, env: { GIT_DIR: gitDir, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', ...options.env } });
};

/** Settings go in by the environment, because a name may contain `=`. */
const gitEnvironment = (settings: Readonly<Record<string, string>>): Record<string, string> => {
  const inherited = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || name.startsWith('GIT_') ? [] : [[name, value]],
  );
  const pairs = Object.entries(settings).flatMap(([key, value], i): [string, string][] => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return {
    ...Object.fromEntries([...inherited, ...pairs]),
    GIT_CONFIG_COUNT: String(Object.keys(settings).length),
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    LC_ALL: 'C',
  };
};

const startError = (directory: string, code: string | undefined, message: string): SourceError =>
  code === 'ENOENT'
    ? new SourceError('SOURCE_GIT_MISSING', 'This is a git repository, but there is no `git` on this machine.')
    : new SourceError('SOURCE_GIT_FAILED', `git could not be run in ${directory}: ${message}`);

const gitError = (args: readonly string[], stderr: string): SourceError => {
  const said = stderr.trim().replace(/^fatal: /, '');
  if (/not a git repository \(or any/.test(said)) return new SourceError('SOURCE_NO_REPOSITORY', 'This is no git repository.');
  if (/cannot use bare repository|must be run in a work tree/.test(said)) {
    return new SourceError('SOURCE_BARE', 'This is a bare repository, without files to run. Give a clone of it.');
  }
  if (/No space left on device/.test(said)) {
    return new SourceError('NO_SPACE', 'There is no space left on the disk for a copy of the source. Make room and run again.');
  }
  return new SourceError('SOURCE_GIT_FAILED', `\`git ${args[0]}\` failed: ${said || 'it did not say why'}`);
};
