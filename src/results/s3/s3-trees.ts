import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import type { CacheStore } from '../../engine/cache-store.ts';
import type { TreeStore } from '../../engine/tree-store.ts';
import { systemClock } from '../../lib/clock.ts';
import { spooled } from '../../lib/spooled.ts';
import { tarCensus } from '../../lib/tar-census.ts';
import { ResultsError } from '../results-error.ts';
import type { S3Objects } from './s3-objects.ts';

export type S3Trees = TreeStore & {
  /** Reads the tar to its end; the digest is that of its bytes. A damaged tar is refused. */
  keep(tar: Readable): Promise<{ readonly digest: string; readonly bytes: number }>;
};

/** What is older is written again: whoever clears up sees that it is needed. */
const freshMs = 3_600_000;

/** `trees/<sha256>.tar`: the same name is the same bytes. */
export const s3Trees = (objects: S3Objects): S3Trees => ({
  open: async (digest) => {
    const digits = /^(?:sha256:)?([0-9a-f]{64})$/.exec(digest)?.[1];
    const tar = digits === undefined ? undefined : await objects.get(pathOf(digits));
    if (digits === undefined || tar === undefined) {
      throw new ResultsError('RESULTS_UNREADABLE', `the files ${JSON.stringify(digest)} are not in ${objects.name}`);
    }
    return Readable.from(verified(tar, digits, objects.name), { objectMode: false });
  },
  keep: (tar) =>
    spooled(tmpdir(), tarCensus(tar).tar, async ({ digest, bytes, read }) => {
      const [there] = await objects.list(pathOf(digest));
      if (there === undefined || there.at < systemClock.now() - freshMs) await objects.put(pathOf(digest), read());
      return { digest, bytes };
    }),
});

/** `caches/<owner of the caches>/<key>.tar`; names that are no plain words are told apart by their digest. */
export const s3Caches = (objects: S3Objects, owner: string): CacheStore => {
  const cache = (key: string): string => `${cachesPrefix(owner)}${plain(key)}.tar`;
  return {
    open: (key) => objects.get(cache(key)),
    save: async (key, tar, limitBytes) => {
      const tooLarge = new Error('too large');
      const census = tarCensus(tar, { bytes: limitBytes, over: () => tooLarge });
      try {
        return await spooled(tmpdir(), census.tar, async ({ read }) => {
          if (census.files() === 0) return 'empty';
          await objects.put(cache(key), read());
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

const pathOf = (digits: string): string => `${treesPrefix}${digits}.tar`;

const plain = (name: string): string => (/^[\w-][\w.@-]{0,99}$/.test(name) ? name : `~${createHash('sha256').update(name).digest('hex')}`);

async function* verified(tar: Readable, digits: string, place: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of tar as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== digits) throw new ResultsError('RESULTS_UNREADABLE', `the files ${digits} in ${place} are not what was kept`);
}
