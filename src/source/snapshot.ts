import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { allSettled } from '../lib/all-settled.ts';
import type { Source } from '../run/run-event.ts';
import { copyDirectory } from './copy-directory.ts';
import { type Commit, currentBranch, headCommit, namedCommit, sourceRoot } from './describe-source.ts';
import { type Git, gitIn, mirrorGit, ownGit } from './git.ts';
import { measureTree, type TreeContents, type TreeLimits } from './measure-tree.ts';
import { SourceError } from './source-error.ts';
import { type ObjectStore, objectStore, writeWorkingTree } from './working-tree.ts';

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

export type CommitRequest = Omit<SnapshotRequest, 'dir' | 'commit'> & {
  /** A bare repository of our own. */
  readonly gitDir: string;
  /** `branch` is what it was fetched as. */
  readonly commit: Commit;
  readonly branch?: string;
  readonly limits: TreeLimits;
};

/**
 * The same of a commit of a mirror, whose trees may be anybody's: they are measured before anything is written (SOURCE_TOO_LARGE). What is in
 * the mirror besides does not matter.
 */
export const snapshotOfMirror = async ({
  gitDir,
  commit: { commit, tree, subject },
  branch,
  into: target,
  limits,
  signal,
  log,
}: CommitRequest): Promise<Source> => {
  const into = resolve(target);
  try {
    await rm(into, { recursive: true, force: true });
    await mkdir(join(into, '.git', 'objects', 'pack'), { recursive: true });
    const own = ownGit(into);
    const format = commit.length === 64 ? 'sha256' : 'sha1';
    const [contents] = await allSettled([
      measureTree(gitDir, tree, limits, signal),
      packInto(mirrorGit(gitDir), into, { commit, tree, store: {}, signal }),
      own(['init', '--quiet', '--template=', `--object-format=${format}`], { env: withoutUserConfig, signal }),
    ]);
    await checkOut(own, into, { commit, tree, signal });
    const { files, bytes } = counted(contents, log);
    log(`${commit.slice(0, 7)} ${subject}`);
    return { commit, ...(branch === undefined ? {} : { branch }), subject, tree, changedFiles: 0, files, bytes };
  } catch (error) {
    signal.throwIfAborted();
    throw snapshotError(error, into);
  }
};

type FromRepository = Omit<SnapshotRequest, 'dir' | 'commit'> & { readonly root: string; readonly named?: string };

const fromRepository = async ({ root, named, into, signal, log }: FromRepository): Promise<Source> => {
  const git = await gitIn(root);
  const own = ownGit(into);
  const [{ commit, tree: committed, subject }, branch, paths] = await Promise.all([
    named === undefined ? headCommit(git) : namedCommit(git, named),
    named === undefined ? currentBranch(git) : branchCalled(git, named),
    repositoryPaths(git, root),
  ]);
  await own(['init', '--quiet', '--template=', `--object-format=${paths.format}`], { env: withoutUserConfig, signal });
  const scratch = join(into, '.git', 'scratch');
  const store = objectStore(join(scratch, 'objects'), paths.objects);
  await mkdir(store.GIT_OBJECT_DIRECTORY, { recursive: true });
  const working = { index: paths.index, scratchIndex: join(scratch, 'index'), store, signal, log };
  const tree = named === undefined ? await writeWorkingTree(git, working) : committed;
  await packInto(git, into, { commit, tree, store, signal });
  await rm(scratch, { recursive: true });

  const [changedFiles, contents] = await Promise.all([
    tree === committed ? 0 : changesBetween(own, commit, tree),
    measureTree(join(into, '.git'), tree, undefined, signal),
    checkOut(own, into, { commit, tree, signal }),
  ]);
  const { files, bytes } = counted(contents, log);
  if (tree !== committed) await own(['read-tree', '--reset', commit], { env: withoutUserConfig, signal });
  log(`${commit.slice(0, 7)} ${subject}${changedFiles === 0 ? '' : ` + ${changedFiles} changed ${changedFiles === 1 ? 'file' : 'files'}`}`);
  return { commit, ...(branch === undefined ? {} : { branch }), subject, tree, changedFiles, files, bytes };
};

type CheckOut = Pick<SnapshotRequest, 'signal'> & { readonly commit: string; readonly tree: string };

/** HEAD is the commit itself, on no branch. */
const checkOut = async (own: Git, into: string, { commit, tree, signal }: CheckOut): Promise<void> => {
  const head = join(into, '.git', 'HEAD');
  await writeFile(`${head}.lock`, `${commit}\n`, { flag: 'wx' });
  await rename(`${head}.lock`, head);
  await own(['read-tree', '--reset', '-u', tree], { env: withoutUserConfig, signal });
};

const counted = ({ files, bytes, submodules }: TreeContents, log: SnapshotRequest['log']): Pick<Source, 'files' | 'bytes'> => {
  for (const path of submodules) log(`warning: the submodule ${path} is not fetched, its directory stays empty`);
  return { files, bytes };
};

/** The user's filters (LFS among them) and line ends are no part of the project. */
const withoutUserConfig = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

const repositoryPaths = async (git: Git, root: string) => {
  const { stdout } = await git(['rev-parse', '--show-object-format', '--git-path', 'objects', '--git-path', 'index']);
  const [format = '', objects = '', index = ''] = stdout.toString().split('\n');
  return { format, objects: resolve(root, objects), index: resolve(root, index) };
};

/** The commit without its past, as a shallow clone has it, and the tree that is run. No transport is involved. */
const packInto = async (
  git: Git,
  into: string,
  {
    commit,
    tree,
    store,
    signal,
  }: {
    readonly commit: string;
    readonly tree: string;
    readonly store: ObjectStore | Readonly<Record<string, never>>;
    readonly signal: AbortSignal;
  },
): Promise<void> => {
  const pack = ['pack-objects', '-q', '--revs', '--window=0', '--compression=1', join(into, '.git/objects/pack/pack')];
  await git(pack, { env: store, input: `--shallow ${commit}\n${commit}\n${tree}\n`, signal });
  await writeFile(join(into, '.git', 'shallow'), `${commit}\n`);
};

const branchCalled = async (git: Git, rev: string): Promise<string | undefined> => {
  const { code } = await git(['show-ref', '--verify', '--quiet', '--', `refs/heads/${rev}`], { alsoFine: [1, 128] });
  return code === 0 ? rev : undefined;
};

const changesBetween = async (git: Git, commit: string, tree: string): Promise<number> => {
  const { stdout } = await git(['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', commit, tree, '--']);
  return stdout.toString('latin1').split('\0').length - 1;
};

const snapshotError = (error: unknown, into: string): SourceError => {
  if (error instanceof SourceError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) {
    return new SourceError('NO_SPACE', 'There is no space left on the disk for a copy of the source. Make room and run again.', { cause });
  }
  return new SourceError('SOURCE_UNWRITABLE', `The source cannot be copied to ${into}: ${cause.message}`, { cause });
};
