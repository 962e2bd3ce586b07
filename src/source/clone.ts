import { execa } from 'execa';
import { parseRemote, type Remote } from './remote.ts';
import { SourceError } from './source-error.ts';

export type Wanted = { readonly url: string; readonly remote: Remote; readonly ref?: string };

/**
 * What `host/owner/project[@ref]`, `git@host:owner/project[@ref]` or an https, ssh or file address means; `undefined` when it means nothing.
 * `ssh`: by ssh where the text does not say how. A password may not be in it.
 */
export const wantedOf = (text: string, ssh: boolean): Wanted | undefined => {
  const [, how = '', path = '', ref] = /^((?:[a-z]+:\/\/)?(?:[^/@]*@)?)([^@]+)(?:@(.+))?$/s.exec(text) ?? [];
  const address = `${how}${path}`;
  if (how.replace('://', '').includes(':') || address.startsWith('-') || /^-|[\s~^:?*[\\]/.test(ref ?? '')) return undefined;
  const isWhole = /^(?:https?|ssh|file):\/\//.test(address) || /^[^/]+@[^/]+:/.test(address);
  const plain = /^[A-Za-z0-9.-]+(?::\d+)?\/[^/]+\/.*[^/]$/.test(address) ? address : undefined;
  if (!isWhole && plain === undefined) return undefined;
  const git = (path: string): string => (path.endsWith('.git') ? path : `${path}.git`);
  const url = isWhole ? address : ssh ? `ssh://git@${git(address)}` : `https://${git(address)}`;
  const remote = url.startsWith('file://') ? localRemote(url) : parseRemote(url);
  return remote === undefined ? undefined : { url, remote, ...(ref === undefined ? {} : { ref }) };
};

const localRemote = (url: string): Remote | undefined => {
  const [repository, owner] = new URL(url).pathname.split('/').filter(Boolean).reverse();
  return repository === undefined || owner === undefined
    ? undefined
    : { domain: 'localhost', owner: decodeURIComponent(owner), repository: decodeURIComponent(repository).replace(/\.git$/, '') };
};

/**
 * The newest commit of a branch or tag, or a commit by its full hash, without its past, into a directory that is not there yet. The
 * user's own credentials and ssh keys are used, and nobody is asked for any; no program of the repository is run.
 */
export const clone = async ({ url, ref }: Pick<Wanted, 'url' | 'ref'>, into: string, signal: AbortSignal): Promise<void> => {
  const git = (...args: readonly string[]): Promise<void> => runGit(args, url, ref, signal);
  const quiet = ['-c', 'core.hooksPath=/dev/null', '-c', 'advice.detachedHead=false', '-c', 'init.defaultBranch=main'];
  if (ref === undefined || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)) {
    const branch = ref === undefined ? [] : ['--branch', ref];
    return git(...quiet, 'clone', '--quiet', '--template=', '--depth', '1', ...branch, '--', url, into);
  }
  await git(...quiet, 'init', '--quiet', '--template=', '--', into);
  await git('-C', into, 'remote', 'add', 'origin', url);
  await git(...quiet, '-C', into, 'fetch', '--quiet', '--depth', '1', 'origin', ref);
  await git(...quiet, '-C', into, 'checkout', '--quiet', '--detach', 'FETCH_HEAD');
};

const runGit = async (args: readonly string[], url: string, ref: string | undefined, signal: AbortSignal): Promise<void> => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|NAMESPACE|PREFIX)$/.test(name),
  );
  const result = await execa('git', args, {
    env: {
      ...Object.fromEntries(inherited),
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: 'true',
      SSH_ASKPASS: 'true',
      GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:file',
      LC_ALL: 'C',
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: 5000,
  });
  signal.throwIfAborted();
  if (result.exitCode === 0) return;
  if (result.code === 'ENOENT') throw new SourceError('SOURCE_GIT_MISSING', 'There is no `git` on this machine.');
  throw new SourceError('SOURCE_FETCH_FAILED', `${url}${ref === undefined ? '' : ` at ${ref}`} cannot be fetched: ${said(result.stderr)}.`);
};

const said = (stderr: string): string => {
  const lines = stderr.split('\n').map((line) => line.replace(/^(?:fatal|error|remote|ERROR): */, '').trim());
  const words = lines
    .filter((line) => line !== '' && !/^(?:Cloning into|Please make sure|and the repository exists)/.test(line))
    .slice(0, 2);
  return words.join('; ').replace(/\.$/, '') || 'git did not say why';
};
