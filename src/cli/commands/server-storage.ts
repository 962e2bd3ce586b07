import { join } from 'node:path';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import type { CacheStore } from '../../engine/cache-store.ts';
import { cacheStore } from '../../local/cache-store.ts';
import { treeStore } from '../../local/tree-store.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
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
  close(): Promise<void>;
};

/** `directory`: what is on the disk is below it. */
export const openStorage = async (context: Context, directory: string, options: ResultsOptions): Promise<ServerStorage> => {
  const place = await askedPlace(context, options, '');
  return place === undefined ? onDisk(directory) : inS3(place);
};

const onDisk = (directory: string): ServerStorage => {
  const trees = treeStore(directory);
  return {
    results: fsResults({ root: join(directory, 'results') }),
    trees: {
      open: trees.open,
      keep: async (tar) => {
        let bytes = 0;
        tar.on('data', (chunk: Uint8Array) => (bytes += chunk.byteLength)).pause();
        return { digest: await trees.put(tar), bytes };
      },
    },
    caches: (owner) => cacheStore(join(directory, 'caches', encodeURIComponent(owner))),
    close: async () => {},
  };
};

const inS3 = async ({ url, endpoint }: { readonly url: string; readonly endpoint?: string }): Promise<ServerStorage> => {
  const [{ s3Objects }, { s3Results }, { s3Caches, s3Trees }, { parseS3Place }] = await Promise.all([
    import('../../results/s3/s3-objects.ts'),
    import('../../results/s3/s3-results.ts'),
    import('../../results/s3/s3-trees.ts'),
    import('../../results/s3/s3-place.ts'),
  ]);
  const parsed = parseS3Place(url);
  if (parsed === undefined) throw new Refusal('USAGE', `${JSON.stringify(url)} is no place for results.`, 'Write s3://bucket/prefix.');
  const objects = s3Objects(parsed, endpoint === undefined ? {} : { endpoint });
  return {
    results: s3Results(objects),
    trees: s3Trees(objects),
    caches: (owner) => s3Caches(objects, owner),
    close: () => objects.close(),
  };
};
