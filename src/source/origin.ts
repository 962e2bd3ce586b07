import { gitIn } from './git.ts';
import { sourceRoot } from './describe-source.ts';
import { parseRemote, type Remote } from './remote.ts';

/** Where a source comes from, as far as git knows. */
export type Origin = {
  readonly commit?: string;
  /** Absent on a detached HEAD. */
  readonly branch?: string;
  /** The newest tag at the commit. */
  readonly tag?: string;
} & Partial<Remote>;

/** Of a directory as it is, or of a commit in it; what cannot be known is left out, and nothing is thrown for it. */
export const originOf = async (directory: string, commit = 'HEAD'): Promise<Origin> => {
  const root = await sourceRoot(directory).catch(() => undefined);
  if (root?.kind !== 'git' || commit.startsWith('-')) return {};
  const git = await gitIn(root.root);
  const asked = async (...args: readonly string[]): Promise<string | undefined> => {
    const { stdout, code } = await git(args, { alsoFine: [1, 2, 128, 129] });
    return code === 0 ? stdout.toString().trim() || undefined : undefined;
  };
  const [hash, branch, tags, url] = await Promise.all([
    asked('rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`),
    commit === 'HEAD' ? asked('symbolic-ref', '--quiet', '--short', 'HEAD') : branchCalled(asked, commit),
    asked('tag', '--points-at', commit, '--sort=creatordate'),
    asked('config', '--get', 'remote.origin.url'),
  ]);
  const tag = tags?.split('\n').at(-1);
  return {
    ...(hash === undefined ? {} : { commit: hash }),
    ...(branch === undefined ? {} : { branch }),
    ...(tag === undefined ? {} : { tag }),
    ...(url === undefined ? {} : parseRemote(url)),
  };
};

const branchCalled = async (asked: (...args: readonly string[]) => Promise<string | undefined>, name: string) =>
  (await asked('rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${name}`)) === undefined ? undefined : name;
