import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Git, gitIn, ownGit } from './git.ts';
import { SourceError } from './source-error.ts';

export type SourceDescription =
  | { readonly kind: 'directory'; readonly root: string }
  | {
      readonly kind: 'git';
      /** Of the whole working tree, also when a sub-directory was given. */
      readonly root: string;
      readonly commit: string;
      /** Absent on a detached HEAD. */
      readonly branch?: string;
      readonly subject: string;
      /** Tracked files that differ from the commit or are gone, and untracked ones that are not ignored. */
      readonly changedFiles: number;
    };

/** What a run of this directory would be about. Throws SourceError. */
export const describeSource = async (directory: string): Promise<SourceDescription> => {
  const root = await sourceRoot(directory);
  if (root.kind === 'directory') return root;
  const git = await gitIn(root.root);
  const [{ commit, subject }, branch, status] = await Promise.all([
    headCommit(git),
    currentBranch(git),
    git(['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=all']),
  ]);
  return {
    ...root,
    commit,
    ...(branch === undefined ? {} : { branch }),
    subject,
    changedFiles: status.stdout.toString('latin1').split('\0').length - 1,
  };
};

type SourceRoot = { readonly kind: 'directory'; readonly root: string } | { readonly kind: 'git'; readonly root: string };

export const sourceRoot = async (directory: string): Promise<SourceRoot> => {
  const path = resolve(directory);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new SourceError('SOURCE_NOT_FOUND', `There is no directory ${path}.`);
  try {
    const { stdout } = await ownGit(path)(['rev-parse', '--show-toplevel']);
    return { kind: 'git', root: stdout.toString().replace(/\n$/, '') };
  } catch (error) {
    if (error instanceof SourceError && error.code === 'SOURCE_NO_REPOSITORY') return { kind: 'directory', root: path };
    const withoutGit = error instanceof SourceError && error.code === 'SOURCE_GIT_MISSING' && !(await isInRepository(path));
    if (withoutGit) return { kind: 'directory', root: path };
    throw error;
  }
};

export type Commit = { readonly commit: string; readonly tree: string; readonly subject: string };

export const headCommit = async (git: Git): Promise<Commit> => {
  const head = await commitCalled(git, 'HEAD');
  if (head === undefined) throw new SourceError('SOURCE_NO_COMMITS', 'This repository has no commit yet.');
  return head;
};

/** The commit that a person names; what begins with `-` is never taken for a name. */
export const namedCommit = async (git: Git, rev: string): Promise<Commit> => {
  const found = rev === '' || rev.startsWith('-') || rev.includes('\0') ? undefined : await commitCalled(git, rev);
  if (found === undefined) throw new SourceError('SOURCE_UNKNOWN_COMMIT', `There is no commit ${JSON.stringify(rev)} in this repository.`);
  return found;
};

const commitCalled = async (git: Git, rev: string): Promise<Commit | undefined> => {
  const { stdout, code } = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`], { alsoFine: [1, 128] });
  return code === 0 ? commitAt(git, stdout.toString().trim()) : undefined;
};

/** Of a full hash, or a name of our own, that is known to be one of a commit. */
export const commitAt = async (git: Git, hash: string): Promise<Commit> => {
  const { stdout } = await git(['log', '-1', '--no-show-signature', '--format=%H%n%T%n%s', '--end-of-options', hash, '--']);
  const [commit = '', tree = '', subject = ''] = stdout.toString().split('\n');
  return { commit, tree, subject };
};

export const currentBranch = async (git: Git): Promise<string | undefined> => {
  const { stdout, code } = await git(['symbolic-ref', '--quiet', '--short', 'HEAD'], { alsoFine: [1] });
  return code === 0 ? stdout.toString().trim() : undefined;
};

const isInRepository = async (path: string): Promise<boolean> => {
  for (let directory = path; ; directory = resolve(directory, '..')) {
    if (await stat(resolve(directory, '.git')).catch(() => undefined)) return true;
    if (directory === resolve(directory, '..')) return false;
  }
};
