import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import type { CacheStore } from '../../engine/cache-store.ts';
import type { TreeStore } from '../../engine/tree-store.ts';
import { systemClock } from '../../lib/clock.ts';
import { spooled } from '../../lib/spooled.ts';
import { tarCensus } from '../../lib/tar-census.ts';
import { ResultsError } from '../results-error.ts';
import { verifiedTar } from '../verified-tar.ts';
import type { S3Objects } from './s3-objects.ts';

export type S3Trees = TreeStore & {
  /** Reads the tar to its end; the digest is that of its bytes. A damaged tar is refused. */
  keep(tar: Readable): Promise<{ readonly digest: string; readonly bytes: number }>;
};

/** What is older is written again: whoever clears up sees that it is needed. */
const freshMs = 3_600_000;

export const isOld = ({ at }: { readonly at: number }): boolean => at < systemClock.now() - freshMs;

/** `trees/<sha256>.tar`: the same name is the same bytes. */
export const s3Trees = (objects: S3Objects): S3Trees => ({
  open: async (digest) => {
    const tar = await objects.get(treePath(digest));
    if (tar === undefined) throw notThere(digest, objects.name);
    return verifiedTar(tar, digest, objects.name);
  },
  keep: (tar) =>
    spooled(tmpdir(), tarCensus(tar).tar, async ({ digest, bytes, read }) => {
      const there = await objects.stored(treePath(digest));
      if (there === undefined || isOld(there)) await objects.put(treePath(digest), read());
      return { digest, bytes };
    }),
});

/** `caches/<owner of the caches>/<key>.tar`; names that are no plain words are told apart by their digest. */
export const s3Caches = (objects: S3Objects, owner: string): CacheStore => {
  return {
    open: (key) => objects.get(cachePath(owner, key)),
    save: async (key, tar, limitBytes) => {
      const tooLarge = new Error('too large');
      const census = tarCensus(tar, { bytes: limitBytes, over: () => tooLarge });
      try {
        return await spooled(tmpdir(), census.tar, async ({ read }) => {
          if (census.files() === 0) return 'empty';
          await objects.put(cachePath(owner, key), read());
          return 'saved';
        });
      } catch (error) {
        if (error === tooLarge) return 'too-large';
        throw error;
      }
    },
  };
};

export const treesPrefix = 'trees/';
/** Of all owners, or of one. */
export const cachesPrefix = (owner?: string): string => (owner === undefined ? 'caches/' : `caches/${plain(owner)}/`);

/** With or without `sha256:` before it. */
export const treePath = (digest: string): string => {
  const [, digits] = /^(?:sha256:)?([0-9a-f]{64})$/.exec(digest) ?? [];
  if (digits === undefined) throw new ResultsError('RESULTS_UNREADABLE', `${JSON.stringify(digest)} is no SHA-256.`);
  return `${treesPrefix}${digits}.tar`;
};

export const cachePath = (owner: string, key: string): string => `${cachesPrefix(owner)}${plain(key)}.tar`;

const notThere = (digest: string, place: string): ResultsError =>
  new ResultsError('RESULTS_UNREADABLE', `the files ${JSON.stringify(digest)} are not in ${place}`);

const plain = (name: string): string => (/^[\w-][\w.@-]{0,99}$/.test(name) ? name : `~${createHash('sha256').update(name).digest('hex')}`);
