import { basename, join } from 'node:path';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import { systemClock } from '../../lib/clock.ts';
import type { CacheStore } from '../../engine/cache-store.ts';
import { cacheStore } from '../../local/cache-store.ts';
import { cachesRoot, treesRoot } from '../../local/project-dir.ts';
import { treeStore } from '../../local/tree-store.ts';
import { fsCacheShelf, fsRemoveResults, fsTreeShelf } from '../../results/fs/fs-removal.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import type { DirectBytes, Downloads } from '../../results/direct-bytes.ts';
import type { CacheShelf, RemoveResults, TreeShelf, UploadShelf } from '../../results/removal.ts';
import type { Results } from '../../results/results.ts';
import type { RunObjects } from '../../server/runs/keep-run-objects.ts';
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
  readonly uploadShelf?: UploadShelf;
  /** The code of a step, which was fetched to the disk, is then among `trees`. */
  keepStep(digest: string): Promise<void>;
  /** Absent: nothing is kept of runs as a whole. */
  readonly runObjects?: RunObjects;
  /** Absent: the server sends what is downloaded. */
  readonly downloads?: Downloads;
  /** Absent: all bytes of workers go through the server. */
  readonly direct?: DirectBytes;
  /** Since when it does not answer, epoch ms, and what was heard last. */
  trouble(): { readonly since: number; readonly message: string } | undefined;
  close(): Promise<void>;
};

export type StorageOptions = ResultsOptions & {
  /** Who is sent to S3 for bytes, instead of having them from the server. */
  readonly presign: 'none' | 'users' | 'workers' | 'all';
  /** As these reach it. */
  readonly presignEndpoint?: string;
  readonly presignMinutes: number;
};

/** `directory`: what is on the disk is below it. */
export const openStorage = async (
  context: Context,
  directory: string,
  options: StorageOptions,
  warn: (text: string) => void,
): Promise<ServerStorage> => {
  const place = await askedPlace(context, options, '');
  if (place !== undefined) return inS3(place, directory, options, warn);
  if (options.presign === 'none') return onDisk(directory);
  throw new Refusal('USAGE', '--presign is for results in S3.', 'Say where, with --results s3://bucket/prefix.');
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
    keepStep: async () => {},
    trouble: () => undefined,
    close: async () => {},
  };
};

const inS3 = async (
  { url, endpoint }: { readonly url: string; readonly endpoint?: string },
  directory: string,
  { presign, presignEndpoint, presignMinutes }: StorageOptions,
  warn: (text: string) => void,
): Promise<ServerStorage> => {
  const [
    { s3Objects },
    { s3Results },
    { s3Caches, s3Trees },
    removal,
    { parseS3Place },
    { s3RunObjects },
    { s3Signer },
    direct,
    { watchedObjects },
  ] = await Promise.all([
    import('../../results/s3/s3-objects.ts'),
    import('../../results/s3/s3-results.ts'),
    import('../../results/s3/s3-trees.ts'),
    import('../../results/s3/s3-removal.ts'),
    import('../../results/s3/s3-place.ts'),
    import('../../results/s3/s3-run-objects.ts'),
    import('../../results/s3/s3-signer.ts'),
    import('../../results/s3/s3-direct.ts'),
    import('../../results/s3/watched-objects.ts'),
  ]);
  const parsed = parseS3Place(url);
  if (parsed === undefined) throw new Refusal('USAGE', `${JSON.stringify(url)} is no place for results.`, 'Write s3://bucket/prefix.');
  const connection = endpoint === undefined ? {} : { endpoint };
  const { objects, trouble } = watchedObjects(s3Objects(parsed, connection), {
    clock: systemClock,
    changed: (now) => warn(now === undefined ? 'the results can be reached again' : `what is to be kept waits: ${now.message}`),
  });
  const results = s3Results(objects);
  const trees = s3Trees(objects);
  const life = { now: systemClock.now, seconds: presignMinutes * 60 };
  const here = s3Signer(parsed, connection, life);
  const outside = presignEndpoint === undefined ? here : s3Signer(parsed, { endpoint: presignEndpoint }, life);
  const isFor = (who: StorageOptions['presign']): boolean => presign === who || presign === 'all';
  const onTheDisk = treeStore(directory);
  return {
    results,
    trees,
    caches: (owner) => s3Caches(objects, owner),
    remove: removal.s3RemoveResults(objects),
    treeShelf: removal.s3TreeShelf(objects),
    cacheShelf: removal.s3CacheShelf(objects),
    uploadShelf: removal.s3UploadShelf(objects),
    keepStep: async (digest) => void (await trees.keep(await onTheDisk.open(digest))),
    trouble,
    runObjects: s3RunObjects(objects, results),
    ...(isFor('users') ? { downloads: direct.s3Downloads(objects, outside) } : {}),
    ...(isFor('workers') ? { direct: direct.s3Direct(objects, { sign: outside.sign, signHere: here.sign }) } : {}),
    close: async () => {
      await Promise.all([objects, here, outside].map((part) => part.close()));
    },
  };
};
