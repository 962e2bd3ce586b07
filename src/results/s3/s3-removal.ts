import { isPlainName, objectPath } from '../object-names.ts';
import type { CacheShelf, RemoveResults, TreeShelf } from '../removal.ts';
import { ResultsError } from '../results-error.ts';
import { indexPath, outPath } from '../run-objects.ts';
import type { S3Objects } from './s3-objects.ts';
import { cachesPrefix, treesPrefix } from './s3-trees.ts';

/** Of what `s3Results` keeps in the same place. */
export const s3RemoveResults =
  (objects: S3Objects): RemoveResults =>
  async (run) => {
    if (!isPlainName(run)) throw new ResultsError('RESULTS_UNWRITABLE', `${JSON.stringify(run)} cannot be the name of a run.`);
    for (const { path } of await objects.list(objectPath(run, ''))) await objects.remove(path);
    for (const path of [indexPath(run), outPath(run)]) await objects.remove(path);
  };

export const s3TreeShelf = (objects: S3Objects): TreeShelf => ({
  list: async (before) =>
    (await objects.list(treesPrefix))
      .filter(({ path, at }) => at < before && path.endsWith('.tar'))
      .map(({ path }) => path.slice(treesPrefix.length, -'.tar'.length)),
  remove: async (digest, before) => {
    for (const { path, at } of await objects.list(`${treesPrefix}${digest}.tar`)) if (at < before) await objects.remove(path);
  },
});

export const s3CacheShelf = (objects: S3Objects): CacheShelf => ({
  removeOf: async (owner) => {
    for (const { path } of await objects.list(cachesPrefix(owner))) await objects.remove(path);
  },
  removeUnused: async (before) => {
    for (const { path, at } of await objects.list(cachesPrefix())) if (at < before) await objects.remove(path);
  },
});
