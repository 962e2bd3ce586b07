import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { size } from '../lib/quantities.ts';
import { type Commit, commitAt } from './describe-source.ts';
import { type Credential, credentialFor, withoutCredential } from './git-credential.ts';
import { type Git, mirrorGit, ownEnvironment } from './git.ts';
import { SourceError } from './source-error.ts';

export type FetchRequest = {
  /** The bare repository that is fetched into; made when it is not there. One fetch at a time. */
  readonly gitDir: string;
  readonly url: string;
  /** A full hash; absent: the newest of `ref`. */
  readonly commit?: string;
  /** As git has it in full, `refs/heads/main`: it has to be there. Absent with a commit: any that the server gives. */
  readonly ref?: string;
  /** For ssh: a private key as OpenSSH writes it. It is in a file of its own for as long as git runs. */
  readonly key?: string;
  /** Where that file is made. A process that is killed leaves it there. */
  readonly keys: string;
  /** For https: what one logs in with, at its origin alone. */
  readonly credential?: Credential;
  /** The file of what the operator knows of hosts; absent: who answers first is remembered in `<gitDir>/known_hosts`. */
  readonly knownHosts?: string;
  /** `file://` is fetched too. */
  readonly allowFiles?: boolean;
  /** Of one fetch, as git packs it. */
  readonly packBytes: number;
  readonly signal: AbortSignal;
};

/** `isTip`: it is what the ref means on the server now. */
export type FetchedCommit = Commit & { readonly isTip: boolean };

/**
 * Fetches exactly one commit, without its past, from somebody's server (R-CIO-07). What its branch means meanwhile does not
 * matter, only that it is there (R-CIO-19). No program of the repository is run and no other address is asked: no hooks, no helpers, no submodules; https and ssh
 * alone. Throws SourceError: SOURCE_ADDRESS, SOURCE_REF_GONE, SOURCE_UNKNOWN_COMMIT, SOURCE_DENIED, SOURCE_CREDENTIAL and SOURCE_TOO_LARGE stay as they are,
 * SOURCE_FETCH_FAILED may be tried again. No message has a key, where it was, or a credential.
 */
export const fetchCommit = async (request: FetchRequest): Promise<FetchedCommit> => {
  const { gitDir, url, commit, ref, signal } = request;
  checkAddress(request);
  if (commit !== undefined && !isHash(commit))
    throw new SourceError('SOURCE_UNKNOWN_COMMIT', `${JSON.stringify(commit)} is no full hash of a commit.`);
  if (ref !== undefined && !isFullRef(ref)) throw new SourceError('SOURCE_REF_GONE', `${JSON.stringify(ref)} is no branch or tag.`);
  if (commit === undefined && ref === undefined)
    throw new SourceError('SOURCE_UNKNOWN_COMMIT', 'Neither a commit nor a branch was asked for.');
  const own = mirrorGit(gitDir);
  await prepare(own, request);
  return withKey(request, async (git) => {
    const tip = ref === undefined ? undefined : await fetchTip(own, git, request, ref).catch((error: unknown) => smaller(error, commit));
    if (tip !== undefined && (commit === undefined || commit === tip.object)) return { ...tip.commit, isTip: true };
    const wanted = commit ?? '';
    const known = await commitIn(own, wanted, signal);
    if (known !== undefined) return { ...known, isTip: false };
    await fetchObject(git, url, wanted);
    const fetched = await commitIn(own, wanted, signal);
    if (fetched === undefined) throw new SourceError('SOURCE_UNKNOWN_COMMIT', notPushed(wanted, url));
    return { ...fetched, isTip: false };
  });
};

/** What the branch has grown to since does not matter to a commit of before. */
const smaller = (error: unknown, commit: string | undefined): undefined => {
  if (commit === undefined || !(error instanceof SourceError) || error.code !== 'SOURCE_TOO_LARGE') throw error;
};

/** What a hash is, when it is here and is a commit or a tag of one. */
const commitIn = async (own: Git, hash: string, signal: AbortSignal): Promise<Commit | undefined> => {
  const { stdout, code } = await own(['rev-parse', '--verify', '--quiet', '--end-of-options', `${hash}^{commit}`], {
    alsoFine: [1, 128],
    signal,
  });
  return code === 0 ? commitAt(own, stdout.toString().trim()) : undefined;
};

const isHash = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/** Stricter than git: nothing that could be an option, a pattern or a way out. */
export const isFullRef = (ref: string): boolean =>
  /^refs\/[^\s~^:?*[\\\p{Cc}]+$/u.test(ref) && !/\.\.|\/\/|@\{|\/$|\.$|\/[.-]|\.lock(?:\/|$)/.test(ref);

export const checkAddress = ({ url, allowFiles }: Pick<FetchRequest, 'url' | 'allowFiles'>): void => {
  if (allowFiles === true && /^file:\/\/\/[^\s\p{Cc}]+$/u.test(url)) return;
  const isHttps = /^https:\/\/[A-Za-z0-9[][^\s@\\\p{Cc}]*$/u.test(url);
  const isSsh =
    /^ssh:\/\/(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9[][^\s@\\\p{Cc}]*$/u.test(url) ||
    /^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^-\s\p{Cc}][^\s\p{Cc}]*$/u.test(url);
  if (!isHttps && !isSsh)
    throw new SourceError(
      'SOURCE_ADDRESS',
      'The address of the repository is none that a server fetches from: it begins with https:// or ssh://, or is like git@host:owner/name, and has no password.',
    );
};

/** What an end in the midst of a fetch left is removed; a mirror that has grown too large begins anew. */
const prepare = async (own: Git, { gitDir, packBytes, signal }: FetchRequest): Promise<void> => {
  await removeHalves(gitDir);
  const kept = await packsIn(gitDir);
  if (kept.reduce((sum, { bytes }) => sum + bytes, 0) > 2 * packBytes) await rm(gitDir, { recursive: true, force: true });
  if (await isThere(join(gitDir, 'HEAD'))) return;
  await mkdir(gitDir, { recursive: true, mode: 0o700 });
  await own(['init', '--quiet', '--bare', '--template='], { signal });
};

/** Nobody else is at it. */
const removeHalves = async (gitDir: string): Promise<void> => {
  const halves = (await packsIn(gitDir)).filter(({ isHalf }) => isHalf).map(({ path }) => path);
  const locks = ['shallow.lock', 'config.lock', 'HEAD.lock', join('refs', 'cion', 'last.lock')].map((name) => join(gitDir, name));
  for (const path of [...halves, ...locks]) await rm(path, { force: true });
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const packsIn = async (gitDir: string) => {
  const folder = join(gitDir, 'objects', 'pack');
  const names = await readdir(folder).catch((): string[] => []);
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { path, isHalf: name.startsWith('tmp_'), bytes: (await stat(path).catch(() => undefined))?.size ?? 0 };
    }),
  );
};

type Remote = (args: readonly string[]) => Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number }>;

/** Works with a git that gets into the server of the request, and leaves no key behind. */
export const withKey = async <T>(request: FetchRequest, work: (git: Remote) => Promise<T>): Promise<T> => {
  const { gitDir, key, keys, knownHosts } = request;
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(keys, 'key-'));
  try {
    const file = join(folder, 'key');
    if (key !== undefined) await writeFile(file, key.endsWith('\n') ? key : `${key}\n`, { mode: 0o600, flag: 'wx' });
    const hosts = knownHosts ?? join(gitDir, 'known_hosts');
    const options = [
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
      'ForwardAgent=no',
      'ClearAllForwardings=yes',
      'PermitLocalCommand=no',
      'ConnectTimeout=20',
      'ServerAliveInterval=15',
      `StrictHostKeyChecking=${knownHosts === undefined ? 'accept-new' : 'yes'}`,
      `UserKnownHostsFile=${pathWord(hosts)}`,
      `IdentityFile=${key === undefined ? 'none' : pathWord(file)}`,
    ];
    const ssh = ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', quoted(option)])].join(' ');
    return await work(remoteGit(request, ssh, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** As ssh reads the values of its options. */
const pathWord = (path: string): string => `"${path.replaceAll('%', '%%').replaceAll(/["\\]/g, '\\$&')}"`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** git that talks to another machine, with all that it starts, under a limit for the files that it writes. */
const remoteGit =
  ({ gitDir, url, credential, allowFiles, packBytes, signal }: FetchRequest, ssh: string, folder: string): Remote =>
  async (args) => {
    signal.throwIfAborted();
    const own = credentialFor(url, credential);
    const process = execa('sh', ['-c', 'ulimit -f "$0" && exec git "$@"', String(Math.ceil(packBytes / 512)), ...args], {
      cwd: gitDir,
      env: ownEnvironment(
        {
          GIT_DIR: gitDir,
          GIT_ALLOW_PROTOCOL: `https:ssh${allowFiles === true ? ':file' : ''}`,
          GIT_SSH_COMMAND: ssh,
          GIT_ASKPASS: 'false',
          SSH_ASKPASS: 'false',
          GIT_HTTP_LOW_SPEED_LIMIT: '1000',
          GIT_HTTP_LOW_SPEED_TIME: '60',
          ...authorities(),
        },
        own?.settings,
      ),
      extendEnv: false,
      stdio: ['ignore', 'pipe', 'pipe', ...(own === undefined ? [] : [own.pipe])],
      reject: false,
      detached: true,
      maxBuffer: 1024 * 1024,
    });
    const end = (): void => endGroup(process.pid);
    signal.addEventListener('abort', end);
    try {
      const { stdout, stderr, exitCode, code } = await process;
      signal.throwIfAborted();
      if (code === 'ENOENT' || exitCode === 127) throw new SourceError('SOURCE_GIT_MISSING', 'There is no `git` on this machine.');
      if (exitCode !== 0 && (await packsIn(gitDir)).some(({ isHalf, bytes }) => isHalf && bytes >= packBytes)) {
        throw new SourceError(
          'SOURCE_TOO_LARGE',
          `${url} cannot be fetched: it has more than ${size(packBytes)}, which is the limit of this server.`,
        );
      }
      return { stdout, stderr: withoutCredential(stderr.replaceAll(folder, ''), credential), code: exitCode ?? -1 };
    } finally {
      signal.removeEventListener('abort', end);
      await removeHalves(gitDir);
    }
  };

/** git's own variable: who the operator trusts to say who a server is. */
const authorities = (): Readonly<Record<string, string>> => {
  const { GIT_SSL_CAINFO: file } = globalThis.process.env;
  return file ? { GIT_SSL_CAINFO: file } : {};
};

const endGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    globalThis.process.kill(-pid, 'SIGKILL');
  } catch {}
};

export const refGone = (url: string, ref: string): SourceError => {
  const [, kind = '', name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  const what = kind === 'heads' ? `branch ${name}` : kind === 'tags' ? `tag ${name}` : ref;
  return new SourceError('SOURCE_REF_GONE', `There is no ${what} in ${url}.`);
};

/** What a ref names on the server now, fetched: most commits that are asked for are the newest of their branch, and one connection is enough for these. */
const fetchTip = async (own: Git, git: Remote, { gitDir, url, signal }: FetchRequest, ref: string) => {
  const { stderr, code } = await fetchInto(git, url, ref);
  if (code !== 0) throw isNotThere(stderr) ? refGone(url, ref) : failure(url, stderr);
  const [object, commit] = await Promise.all([
    readFile(join(gitDir, lastFetched), 'utf8'),
    commitAt(own, lastFetched).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new SourceError('SOURCE_UNKNOWN_COMMIT', `${ref} of ${url} is no commit.`, { cause: error });
    }),
  ]);
  if (commit.commit === '') throw new SourceError('SOURCE_UNKNOWN_COMMIT', `${ref} of ${url} is no commit.`);
  return { object: object.trim(), commit };
};

const fetchObject = async (git: Remote, url: string, wanted: string): Promise<void> => {
  const { stderr, code } = await fetchInto(git, url, wanted);
  if (code === 0) return;
  throw isNotThere(stderr) ? new SourceError('SOURCE_UNKNOWN_COMMIT', notPushed(wanted, url)) : failure(url, stderr);
};

const notPushed = (wanted: string, url: string): string => `The commit ${wanted} is not in ${url}: push it there first.`;

const fetchInto = (git: Remote, url: string, what: string) =>
  git(['-c', 'fetch.unpackLimit=1', 'fetch', ...quiet, '--', url, `+${what}:${lastFetched}`]);

const isNotThere = (stderr: string): boolean => /not our ref|unadvertised object|no such remote ref|couldn't find remote ref/i.test(stderr);

const lastFetched = 'refs/cion/last';

const quiet = [
  '--quiet',
  '--depth',
  '1',
  '--no-tags',
  '--no-recurse-submodules',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--force',
];

/** Why git could not, by what it said. */
export const failure = (url: string, stderr: string): SourceError => {
  const said = wordsOf(stderr);
  if (/could not read (?:username|password)/i.test(stderr))
    return new SourceError('SOURCE_CREDENTIAL', `${url} cannot be fetched: its server asks for a login, and there is none for it.`);
  if (/authentication failed/i.test(stderr))
    return new SourceError('SOURCE_CREDENTIAL', `${url} cannot be fetched: its server refuses the login that there is for it.`);
  if (/error: 30\d/.test(stderr))
    return new SourceError(
      'SOURCE_ADDRESS',
      `${url} cannot be fetched: its server leads to another address, where a login is not taken along.`,
    );
  if (/dubious ownership/i.test(stderr))
    return new SourceError('SOURCE_DENIED', `${url} cannot be fetched: it belongs to another user than the one this server runs as.`);
  const isDenied =
    /permission denied|access denied|host key verification failed|not found|does not appear to be a git repository|error: 40[134]/i.test(
      stderr,
    );
  return new SourceError(isDenied ? 'SOURCE_DENIED' : 'SOURCE_FETCH_FAILED', `${url} cannot be fetched: ${said}.`);
};

const wordsOf = (stderr: string): string => {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.replace(/^(?:fatal|error|remote|ERROR): */, '').trim());
  const said = lines.filter(
    (line) => line !== '' && !/^(?:Cloning into|Please make sure|and the repository exists|Warning: Permanently added)/.test(line),
  );
  return said.slice(0, 2).join('; ').slice(0, 500).replace(/\.$/, '') || 'git did not say why';
};
