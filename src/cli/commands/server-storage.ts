import { basename, join } from 'node:path';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import type { CacheStore } from '../../engine/cache-store.ts';
import { cacheStore } from '../../local/cache-store.ts';
import { cachesRoot, treesRoot } from '../../local/project-dir.ts';
import { treeStore } from '../../local/tree-store.ts';
import { fsCacheShelf, fsRemoveResults, fsTreeShelf } from '../../results/fs/fs-removal.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import type { CacheShelf, RemoveResults, TreeShelf } from '../../results/removal.ts';
import type { Results } from '../../results/results.ts';
import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';
import { askedPlace, type ResultsOptions } from './open-mirror.ts';

/** Where a server keeps bytes: on its disk, or in S3 alone. */
export type ServerStorage = {
  readonly results: Results;
  readonly trees: LeaseBytes['trees'];
  /** `owner`: whose caches they are; what is not trusted has others. */
  caches(owner: string): CacheStore;
  readonly remove: RemoveResults;
  readonly treeShelf: TreeShelf;
  readonly cacheShelf: CacheShelf;
  close(): Promise<void>;
};

/** `directory`: what is on the disk is below it. */
export const openStorage = async (context: Context, directory: string, options: ResultsOptions): Promise<ServerStorage> => {
  const place = await askedPlace(context, options, '');
  return place === undefined ? onDisk(directory) : inS3(place);
};

export const onDisk = (directory: string): ServerStorage => {
  const trees = treeStore(directory);
  const root = join(directory, 'results');
  const caches = join(directory, 'caches');
  const cachesOf = (owner: string): string => join(caches, encodeURIComponent(owner));
  return {
    results: fsResults({ root }),
    trees: {
      open: trees.open,
      keep: async (tar) => {
        let bytes = 0;
        tar.on('data', (chunk: Uint8Array) => (bytes += chunk.byteLength)).pause();
        return { digest: await trees.put(tar), bytes };
      },
    },
    caches: (owner) => cacheStore(cachesOf(owner)),
    remove: fsRemoveResults({ root }),
    treeShelf: fsTreeShelf(treesRoot(directory)),
    cacheShelf: fsCacheShelf(caches, cachesOf, basename(cachesRoot(caches))),
    close: async () => {},
  };
};

const inS3 = async ({ url, endpoint }: { readonly url: string; readonly endpoint?: string }): Promise<ServerStorage> => {
  const [{ s3Objects }, { s3Results }, { s3Caches, s3Trees }, { s3CacheShelf, s3RemoveResults, s3TreeShelf }, { parseS3Place }] =
    await Promise.all([
      import('../../results/s3/s3-objects.ts'),
      import('../../results/s3/s3-results.ts'),
      import('../../results/s3/s3-trees.ts'),
      import('../../results/s3/s3-removal.ts'),
      import('../../results/s3/s3-place.ts'),
    ]);
  const parsed = parseS3Place(url);
  if (parsed === undefined) throw new Refusal('USAGE', `${JSON.stringify(url)} is no place for results.`, 'Write s3://bucket/prefix.');
  const objects = s3Objects(parsed, endpoint === undefined ? {} : { endpoint });
  return {
    results: s3Results(objects),
    trees: s3Trees(objects),
    caches: (owner) => s3Caches(objects, owner),
    remove: s3RemoveResults(objects),
    treeShelf: s3TreeShelf(objects),
    cacheShelf: s3CacheShelf(objects),
    close: () => objects.close(),
  };
};
