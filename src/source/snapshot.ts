import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Source } from '../run/run-event.ts';
import { copyDirectory } from './copy-directory.ts';
import { currentBranch, headCommit, namedCommit, sourceRoot, subjectOf } from './describe-source.ts';
import { type Git, gitIn, ownGit } from './git.ts';
import { SourceError } from './source-error.ts';
import { writeWorkingTree } from './working-tree.ts';

export type SnapshotRequest = {
  readonly dir: string;
  /** Any name of a commit: then exactly it. Absent: the working tree as git sees it now. */
  readonly commit?: string;
  /** Made anew; what was there is removed. */
  readonly into: string;
  readonly signal: AbortSignal;
  /** Lines for the log of the fetch. */
  readonly log: (line: string) => void;
};

/**
 * Makes a checkout that stands by itself, with a `.git` whose HEAD is the run's commit and nothing before it (R-CIO-07, R-CIO-42). What
 * happens to the repository meanwhile or later does not matter, and nothing of it is changed: index, refs, stash, files. No program of the project's is run.
 * Submodules stay empty, LFS files pointers; the log says the former. A directory without git is copied. Throws SourceError, or the
 * signal's reason.
 */
export const snapshot = async ({ dir, commit: named, into: target, signal, log }: SnapshotRequest): Promise<Source> => {
  const into = resolve(target);
  const { kind, root } = await sourceRoot(dir);
  try {
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    if (kind === 'git') return await fromRepository({ root, ...(named === undefined ? {} : { named }), into, signal, log });
    if (named !== undefined) throw new SourceError('SOURCE_NO_REPOSITORY', `${root} is no git repository, so it has no commit ${named}.`);
    log(`${root} is no git repository: all its files are copied`);
    return { changedFiles: 0, ...(await copyDirectory(root, into, signal)) };
  } catch (error) {
    signal.throwIfAborted();
    throw snapshotError(error, into);
  }
};

type FromRepository = Omit<SnapshotRequest, 'dir' | 'commit'> & { readonly root: string; readonly named?: string };

const fromRepository = async ({ root, named, into, signal, log }: FromRepository): Promise<Source> => {
  const git = await gitIn(root);
  const commit = named === undefined ? await headCommit(git) : await namedCommit(git, named);
  const branch = named === undefined ? await currentBranch(git) : await branchCalled(git, named);
  const subject = await subjectOf(git, commit);
  const own = ownGit(into);
  await fetchCommit(git, own, root, commit, signal);
  const tree =
    named === undefined
      ? await writeWorkingTree(git, {
          root,
          commit,
          scratch: join(into, '.git', 'scratch'),
          pack: join(into, '.git/objects/pack'),
          signal,
          log,
        })
      : (await own(['rev-parse', `${commit}^{tree}`])).stdout.toString().trim();
  await own(['read-tree', '--reset', '-u', tree], { env: withoutUserConfig, signal });
  const changedFiles = await changesBetween(own, commit, tree);
  if (changedFiles > 0) await own(['read-tree', '--reset', commit], { env: withoutUserConfig, signal });
  const { files, bytes, submodules } = await contentsOf(own, tree);
  for (const path of submodules) log(`warning: the submodule ${path} is not fetched, its directory stays empty`);
  log(`${commit.slice(0, 7)} ${subject}${changedFiles === 0 ? '' : ` + ${changedFiles} changed ${changedFiles === 1 ? 'file' : 'files'}`}`);
  return { commit, ...(branch === undefined ? {} : { branch }), subject, tree, changedFiles, files, bytes };
};

/** The user's filters (LFS among them) and line ends are no part of the project. */
const withoutUserConfig = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

const fetchCommit = async (git: Git, own: Git, root: string, commit: string, signal: AbortSignal): Promise<void> => {
  const format = (await git(['rev-parse', '--show-object-format'])).stdout.toString().trim();
  await own(['init', '--quiet', '--template=', `--object-format=${format}`], { env: withoutUserConfig, signal });
  const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--end-of-options'];
  await own([...fetch, root, commit], { env: { GIT_ALLOW_PROTOCOL: 'file' }, signal });
  await own(['update-ref', '--no-deref', 'HEAD', commit]);
};

const branchCalled = async (git: Git, rev: string): Promise<string | undefined> => {
  const { code } = await git(['show-ref', '--verify', '--quiet', '--', `refs/heads/${rev}`], { alsoFine: [1, 128] });
  return code === 0 ? rev : undefined;
};

const changesBetween = async (git: Git, commit: string, tree: string): Promise<number> => {
  const { stdout } = await git(['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', commit, tree, '--']);
  return stdout.toString('latin1').split('\0').length - 1;
};

const contentsOf = async (git: Git, tree: string) => {
  const { stdout } = await git(['ls-tree', '-r', '-l', '-z', tree]);
  const entries = stdout
    .toString()
    .split('\0')
    .filter((line) => line !== '');
  const blobs = entries.filter((line) => !line.startsWith('160000 '));
  const sizeOf = (line: string): number => Number(/^\d+ blob [0-9a-f]+ +(\d+)\t/.exec(line)?.[1] ?? 0);
  return {
    files: blobs.length,
    bytes: blobs.reduce((sum, line) => sum + sizeOf(line), 0),
    submodules: entries.filter((line) => line.startsWith('160000 ')).map((line) => line.slice(line.indexOf('\t') + 1)),
  };
};

const snapshotError = (error: unknown, into: string): SourceError => {
  if (error instanceof SourceError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) {
    return new SourceError('NO_SPACE', 'There is no space left on the disk for a copy of the source. Make room and run again.', { cause });
  }
  return new SourceError('SOURCE_UNWRITABLE', `The source cannot be copied to ${into}: ${cause.message}`, { cause });
};
