import { isPlainName, objectPath } from '../object-names.ts';
import type { CacheShelf, RemoveResults, TreeShelf, UploadShelf } from '../removal.ts';
import { ResultsError } from '../results-error.ts';
import { indexPath, outPath } from '../run-objects.ts';
import type { S3Objects } from './s3-objects.ts';
import { uploadsPrefix } from './s3-direct.ts';
import { logsOf } from './s3-log.ts';
import { cachesPrefix, treesPrefix } from './s3-trees.ts';

/** Of what `s3Results` keeps in the same place. */
export const s3RemoveResults =
  (objects: S3Objects): RemoveResults =>
  async (run) => {
    if (!isPlainName(run)) throw new ResultsError('RESULTS_UNWRITABLE', `${JSON.stringify(run)} cannot be the name of a run.`);
    for (const folder of [objectPath(run, ''), logsOf(run)]) {
      for (const { path } of await objects.list(folder)) await objects.remove(path);
    }
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

/** Uploads that became nothing. */
export const s3UploadShelf = (objects: S3Objects): UploadShelf => ({
  removeUnused: (before) => removeOlder(objects, uploadsPrefix, before),
});

export const s3CacheShelf = (objects: S3Objects): CacheShelf => ({
  removeOf: async (owner) => {
    for (const { path } of await objects.list(cachesPrefix(owner))) await objects.remove(path);
  },
  removeUnused: (before) => removeOlder(objects, cachesPrefix(), before),
});

const removeOlder = async (objects: S3Objects, start: string, before: number): Promise<void> => {
  for (const { path, at } of await objects.list(start)) if (at < before) await objects.remove(path);
};
