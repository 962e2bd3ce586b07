import { copyFile, stat, utimes } from 'node:fs/promises';
import type { Git } from './git.ts';

export type ObjectStore = { readonly GIT_OBJECT_DIRECTORY: string; readonly GIT_ALTERNATE_OBJECT_DIRECTORIES: string };

/**
 * The working tree as git sees it (tracked files as they lie there, without deleted ones, and untracked ones that are not ignored) as a
 * tree object. It is made with a copy of the index, and what is new goes into `store`: the repository stays as it is.
 */
export const writeWorkingTree = async (
  git: Git,
  {
    index,
    scratchIndex,
    store,
    signal,
    log,
  }: {
    readonly index: string;
    readonly scratchIndex: string;
    readonly store: ObjectStore;
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
  },
): Promise<string> => {
  const env = { ...store, GIT_INDEX_FILE: scratchIndex };
  await copyIndex(index, scratchIndex);
  const [tracked, others] = await Promise.all([
    git(['diff-files', '-z', '--name-status', '--no-renames', '--ignore-submodules=all'], { env, signal }),
    git(['ls-files', '-z', '--others', '--exclude-standard'], { env, signal }),
  ]);
  const { gone, changed } = changesOf(tracked.stdout);
  const untracked = namesIn(others.stdout);
  for (const name of untracked.filter(isDirectory)) {
    log(`warning: ${name.toString('utf8', 0, name.length - 2)} is a git repository of its own and is left out`);
  }
  const present = [...changed, ...untracked.filter((name) => !isDirectory(name))];
  const update = async (options: readonly string[], names: readonly Buffer[]): Promise<void> => {
    if (names.length > 0) await git(['update-index', '-z', ...options, '--stdin'], { env, input: Buffer.concat(names), signal });
  };
  await update(['--force-remove'], gone);
  await update(['--add', '--remove', '--replace'], present);
  return (await git(['write-tree'], { env, signal })).stdout.toString().trim();
};

/** `path`: an object directory, which may itself have alternates. */
export const objectStore = (directory: string, path: string): ObjectStore => ({
  GIT_OBJECT_DIRECTORY: directory,
  GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${path.replaceAll(/["\\]/g, '\\$&')}"`,
});

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
