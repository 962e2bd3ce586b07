import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainName } from '../object-names.ts';
import type { CacheShelf, RemoveResults, TreeShelf } from '../removal.ts';
import { ResultsError } from '../results-error.ts';
import { unwritable } from './fs-error.ts';

/** Of what `fsResults` keeps below the same `root`. */
export const fsRemoveResults =
  ({ root }: { readonly root: string }): RemoveResults =>
  async (run) => {
    if (!isPlainName(run)) throw new ResultsError('RESULTS_UNWRITABLE', `${JSON.stringify(run)} cannot be the name of a run.`);
    await gone(join(root, run));
  };

/** `<folder>/<digest>.tar`. What a writer that died left there goes as well. */
export const fsTreeShelf = (folder: string): TreeShelf => ({
  list: async (before) => {
    const old = await olderIn(folder, before);
    for (const name of old) if (name.endsWith('.tmp')) await gone(join(folder, name));
    return old.filter((name) => name.endsWith('.tar')).map((name) => name.slice(0, -'.tar'.length));
  },
  remove: async (digest, before) => {
    const path = join(folder, `${digest}.tar`);
    if (await isOlder(path, before)) await gone(path);
  },
});

/** `<folder>/<owner>/<folderOfTars>/<key>.tar`. */
export const fsCacheShelf = (folder: string, folderOf: (owner: string) => string, folderOfTars: string): CacheShelf => ({
  removeOf: (owner) => gone(folderOf(owner)),
  removeUnused: async (before) => {
    for (const owner of await namesIn(folder)) {
      const tars = join(folder, owner, folderOfTars);
      for (const name of await olderIn(tars, before)) await gone(join(tars, name));
    }
  },
});

const gone = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw unwritable(path, error);
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw unwritable(folder, error);
  }
};

const olderIn = async (folder: string, before: number): Promise<readonly string[]> => {
  const old: string[] = [];
  for (const name of await namesIn(folder)) if (await isOlder(join(folder, name), before)) old.push(name);
  return old;
};

const isOlder = async (path: string, before: number): Promise<boolean> => {
  try {
    return (await stat(path)).mtimeMs < before;
  } catch (error) {
    if (isMissing(error)) return false;
    throw unwritable(path, error);
  }
};

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
