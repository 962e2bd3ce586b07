import { copyFile, mkdir, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Git } from './git.ts';

/**
 * The working tree as git sees it (tracked files as they lie there, without deleted ones, and untracked ones that are not ignored) as a
 * tree object, made with a copy of the index and an object store of its own: the repository stays as it is. All objects that `commit`
 * does not have are put into `pack`, the pack directory of another repository.
 */
export const writeWorkingTree = async (
  git: Git,
  {
    root,
    commit,
    scratch,
    pack,
    signal,
    log,
  }: {
    readonly root: string;
    readonly commit: string;
    readonly scratch: string;
    readonly pack: string;
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
  },
): Promise<string> => {
  const path = async (name: string) => resolve(root, (await git(['rev-parse', '--git-path', name])).stdout.toString().replace(/\n$/, ''));
  const index = join(scratch, 'index');
  const env = {
    GIT_INDEX_FILE: index,
    GIT_OBJECT_DIRECTORY: join(scratch, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(await path('objects')),
  };
  await mkdir(env.GIT_OBJECT_DIRECTORY, { recursive: true });
  try {
    await copyIndex(await path('index'), index);
    const changes = await git(['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=all'], { env, signal });
    const { gone, changed } = changesOf(changes.stdout);
    const untracked = namesIn((await git(['ls-files', '-z', '--others', '--exclude-standard'], { env, signal })).stdout);
    const [nested, added] = [untracked.filter(isDirectory), untracked.filter((name) => !isDirectory(name))];
    for (const name of nested) log(`warning: ${name.toString('utf8', 0, name.length - 2)} is a git repository of its own and is left out`);
    await git(['update-index', '-z', '--force-remove', '--stdin'], { env, input: Buffer.concat(gone), signal });
    const update = ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'];
    await git(update, { env, input: Buffer.concat([...changed, ...added]), signal });
    const tree = (await git(['write-tree'], { env, signal })).stdout.toString().trim();
    const committed = (await git(['rev-parse', '--verify', `${commit}^{tree}`])).stdout.toString().trim();
    if (tree !== committed)
      await git(['pack-objects', '-q', '--revs', join(pack, 'pack')], { env, input: `${tree}\n^${commit}\n`, signal });
    return tree;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** Its time stays, rounded down: git looks again at every file that is not older than the index. */
const copyIndex = async (from: string, to: string): Promise<void> => {
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) return;
  await copyFile(from, to);
  const seconds = Math.floor(found.mtimeMs / 1000);
  await utimes(to, seconds, seconds);
};

/** Each with the NUL that ends it. */
const namesIn = (text: Buffer): readonly Buffer[] => {
  const names: Buffer[] = [];
  for (let start = 0, end = text.indexOf(0); end !== -1; start = end + 1, end = text.indexOf(0, start))
    names.push(text.subarray(start, end + 1));
  return names;
};

/** Letters and names in turn. */
const changesOf = (text: Buffer) => {
  const fields = namesIn(text);
  const gone: Buffer[] = [];
  const changed: Buffer[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i + 1];
    if (name !== undefined) (fields[i]?.toString() === 'D\0' ? gone : changed).push(name);
  }
  return { gone, changed };
};

/** So does git name an untracked repository. */
const isDirectory = (name: Buffer): boolean => name.at(-2) === 0x2f;

const quoted = (path: string): string => `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
